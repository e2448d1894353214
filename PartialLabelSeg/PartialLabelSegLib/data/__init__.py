"""Scans and their labels, as values and as files."""
