"""The same training as a user of MONAI writes it: cached volumes, random crops, random affine maps and grey values, DiceCELoss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from monai import transforms
from monai.data import CacheDataset, DataLoader
from monai.losses import DiceCELoss
from monai.networks.utils import one_hot
from torch.utils.data import RandomSampler

from benchmarks.real_scans import Prepared
from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.train.network import build_segmentation

KEYS = ["image", "label"]
WORKERS = (0, 2)
"""With and without processes of the DataLoader: which is faster on two cores depends on the network."""


def arms(data: Prepared, steps: int, workers: tuple[int, ...] = WORKERS) -> dict[str, Callable[[], None]]:
    """Trainings of `steps` steps: 'float32, <w> workers' as torch and MONAI do by themselves on a processor, and in the product's precision."""
    plan = data.plan
    files = [{"image": str(item.image), "label": str(item.labels)} for item in data.files]
    cached = CacheDataset(files, _transforms(plan), progress=False)
    precisions = dict.fromkeys(("float32", plan.precision))
    return {
        f"{precision}, {count} workers": training(plan, _loader(cached, plan, steps, count), precision)
        for precision in precisions
        for count in workers
    }


def training(plan: Plan, loader: Any, precision: str) -> Callable[[], None]:
    """One epoch of `loader`. The network is the product's, in torch's ordinary memory layout."""
    network = build_segmentation(plan, 0).train()
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    loss_function = DiceCELoss(sigmoid=True)
    structures = len(plan.structures)

    def train() -> None:
        for batch in loader:
            target = one_hot(batch["label"], structures + 1)[:, 1:]
            optimiser.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                loss = loss_function(network(batch["image"]), target)
            loss.backward()
            optimiser.step()

    return train


def windows_per_case(plan: Plan) -> int:
    """As many crops of a case at once as fit into a batch evenly, at most four."""
    return max(count for count in (1, 2, 3, 4) if plan.batch % count == 0)


def _loader(cached: CacheDataset, plan: Plan, steps: int, workers: int) -> DataLoader:
    cases = plan.batch // windows_per_case(plan)
    sampler = RandomSampler(cached, replacement=True, num_samples=cases * steps)
    return DataLoader(cached, batch_size=cases, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)


def _transforms(plan: Plan) -> transforms.Compose:
    """Fixed transforms first, which CacheDataset keeps; then the random ones, as strong as the product's."""
    assert plan.slice_axis == 0, "the axes below are put in the order of axial slices"
    flat, grey = plan.dimensions != "3d", plan.intensity
    crop = (plan.channels, *plan.patch[1:]) if flat else plan.patch
    size = plan.patch[1:] if flat else plan.patch
    turn = math.radians(plan.rotate_degrees)
    return transforms.Compose(
        [
            transforms.LoadImaged(KEYS, ensure_channel_first=True),
            transforms.Orientationd(KEYS, axcodes="SPL", labels=None),
            transforms.Spacingd(KEYS, pixdim=plan.spacing_mm, mode=("bilinear", "nearest")),
            *([transforms.NormalizeIntensityd("image")] if plan.own_scale else []),
            transforms.ScaleIntensityRanged(
                ["image"],
                a_min=grey.low,
                a_max=grey.high,
                b_min=(grey.low - grey.mean) / grey.std,
                b_max=(grey.high - grey.mean) / grey.std,
                clip=True,
            ),
            transforms.SpatialPadd(KEYS, spatial_size=crop),
            transforms.FgBgToIndicesd("label"),
            transforms.RandCropByPosNegLabeld(
                KEYS,
                label_key="label",
                spatial_size=crop,
                pos=plan.foreground_share,
                neg=1 - plan.foreground_share,
                num_samples=windows_per_case(plan),
                fg_indices_key="label_fg_indices",
                bg_indices_key="label_bg_indices",
            ),
            *([transforms.Lambdad("image", _as_channels), transforms.Lambdad("label", _middle_slice)] if flat else []),
            transforms.RandAffined(
                KEYS,
                prob=1.0,
                rotate_range=turn if flat else (turn / 3, turn / 3, turn),
                scale_range=plan.scale,
                translate_range=[plan.translate * length for length in size],
                mode=("bilinear", "nearest"),
                padding_mode="border",
            ),
            transforms.RandScaleIntensityd("image", factors=0.2, prob=1.0),
            transforms.RandShiftIntensityd("image", offsets=0.2, prob=1.0),
            transforms.RandGaussianNoised("image", prob=0.2, std=0.2),
        ]
    )


def _as_channels(window: torch.Tensor) -> torch.Tensor:
    """(1, S, R, C) -> (S, R, C): neighbouring slices are the channels of a 2D network."""
    return window[0]


def _middle_slice(window: torch.Tensor) -> torch.Tensor:
    """(1, S, R, C) -> (1, R, C)."""
    return window[:, window.shape[1] // 2]
