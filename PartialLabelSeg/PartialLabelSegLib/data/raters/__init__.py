"""Several raters' readings of one scan, and the soft label, the consensus and the disagreement that come of them."""
