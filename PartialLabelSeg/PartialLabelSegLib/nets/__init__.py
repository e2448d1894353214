"""Networks: the segmentation U-Net, the instance network, and the confidence head on top of their features."""
