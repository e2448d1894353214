"""The instance network: a Mask R-CNN with the improved mask head, small enough for a processor."""
