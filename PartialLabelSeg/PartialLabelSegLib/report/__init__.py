"""What a finished run shows a person."""
