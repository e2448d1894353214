"""From a plan to its networks, and finished networks to and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..config import Plan, from_json, to_json
from ..nets.architecture import Architecture
from ..nets.heads import ConfidenceHead, ConfidenceNetwork
from ..nets.instance.network import InstanceNetwork
from ..nets.segmenter import Segmenter
from ..nets.unet import UNet, paper_unet
from ..nets.unet_plus_plus import UNetPlusPlus
from ..run.failure import Failure
from .checkpoint import load, save
from .device import Device
from .instance import instance_shape


def build_segmentation(plan: Plan, seed: int) -> Segmenter:
    """The untrained network of a plan; its weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if plan.architecture == "instance":
            return InstanceNetwork(instance_shape(plan))
        if plan.architecture == "paper":
            return paper_unet(len(plan.structures), plan.channels)
        return (UNetPlusPlus if plan.architecture == "unet++" else UNet)(_shape(plan))


def _shape(plan: Plan) -> Architecture:
    """The shape of a plan's U-Net, nested or not."""
    dimensions = 3 if plan.dimensions == "3d" else 2
    return Architecture(
        structures=len(plan.structures),
        in_channels=plan.channels,
        dimensions=dimensions,
        widths=plan.widths,
        strides=tuple(stride[3 - dimensions :] for stride in plan.strides[1:]),
        norm=plan.norm,
        prior=plan.prior,
        flat_levels=plan.flat_levels,
    )


def build_confidence(
    segmentation: Segmenter, plan: Plan, frozen: bool, seed: int, correcting: bool = False
) -> ConfidenceNetwork:
    """A copy of the segmentation network with an untrained confidence head; all of it learns, or with `frozen` the head alone.

    Whether the given network itself learns has no say in that.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        dimensions = 3 if plan.dimensions == "3d" else 2
        head = ConfidenceHead(segmentation.feature_count, len(plan.structures), dimensions, plan.confidence_widths)
    network = ConfidenceNetwork(segmentation, head, frozen, correcting)
    network.backbone.requires_grad_(not frozen)
    network.backbone.output.requires_grad_(correcting and not frozen)
    return network


def placed(network: nn.Module, device: Device, plan: Plan) -> nn.Module:
    """The network on the device, its weights as they are computed fastest there."""
    return network.to(device.torch).to(memory_format=device.memory_format(plan))  # type: ignore[call-overload]


def save_network(path: Path, plan: Plan, weights: dict[str, Any], extra: dict[str, Any] | None = None) -> None:
    """Weights with the plan that says how to build and feed the network."""
    plain = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    save(path, {"plan": to_json(plan), "weights": plain, **(extra or {})})


def load_weights(network: nn.Module, path: Path, what: str, made_with: str = "") -> dict[str, Any]:
    """Puts a file's weights into `network`; returns the file's other content.

    Failure where they do not fit, or were learned from something else than `made_with` says (where both say it).
    """
    content = load(path, what)
    if made_with and content.get("made_with", made_with) != made_with:
        place = "/".join(path.parts[-3:])
        raise Failure(
            f"{what} ({place}) was learned from other scans or labels, or with another plan.",
            way_out=f"Put the right files back; or, where only this one is wrong, delete {place} and run the same command again.",
        )
    try:
        network.load_state_dict(content.pop("weights"))
    except (RuntimeError, KeyError, AttributeError, TypeError):
        raise Failure(
            f"{what} ({path.name}) holds another network.", way_out=f"Delete {path.name} and run again."
        ) from None
    return content


def load_segmentation(path: Path) -> tuple[Segmenter, Plan]:
    """A finished segmentation network and its plan."""
    content = load(path, "the network")
    try:
        plan = from_json(Plan, content["plan"])
        network = build_segmentation(plan, 0)
    except (KeyError, ValueError, TypeError) as error:
        raise Failure(f"the network ({path.name}) has a damaged plan ({error}).") from None
    load_weights(network, path, "the network")
    return network, plan
