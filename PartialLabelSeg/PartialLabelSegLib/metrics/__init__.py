"""How good a segmentation, a surface, a ranking by confidence and a relabelling are, in numbers with units."""
