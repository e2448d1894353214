"""Windows, batches, steps: everything that learns."""
