"""Networks: the segmentation U-Net and the confidence head on top of its features."""
