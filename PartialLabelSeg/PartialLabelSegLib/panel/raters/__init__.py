"""Several raters read one scan in the panel: a grid over the bone, ticked cells, masks, and the soft label that comes of them."""
