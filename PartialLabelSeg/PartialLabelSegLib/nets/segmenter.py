"""The networks that segment: image in, logits per voxel and structure out, with the features before them in reach."""

from __future__ import annotations

from .instance.network import InstanceNetwork
from .unet import UNet
from .unet_plus_plus import UNetPlusPlus

Segmenter = UNet | UNetPlusPlus | InstanceNetwork
"""All have `feature_count`, `features(image)`, `logits_from(features)` and `output`, what makes the logits."""
SEGMENTERS = (UNet, UNetPlusPlus, InstanceNetwork)
