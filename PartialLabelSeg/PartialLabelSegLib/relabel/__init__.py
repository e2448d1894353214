"""From predictions to decisions to the next labels."""
