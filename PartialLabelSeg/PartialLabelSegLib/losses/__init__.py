"""Losses: pure functions of torch tensors, all multiplied by the ambiguity map."""
