"""The run folder and its events: what both programs share."""
