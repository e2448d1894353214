"""The prediction of whole volumes, against the bare network on the same patches, which are already in memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.paired import Rounds, in_turn
from benchmarks.real_scans import Prepared
from PartialLabelSegLib.train.network import build_segmentation, placed
from PartialLabelSegLib.train.predict import exclusive_labels, on_scan_grid, predict_volume


def compare(data: Prepared, rounds: int, cases: int = 1) -> Rounds:
    """Arms 'volume' (probabilities of the whole prepared volume), 'scan' (the label map on the scan's own grid too) and 'bare'."""
    plan, device = data.plan, data.device
    network = placed(build_segmentation(plan, 0), device, plan).eval()
    chosen = list(zip(data.cases[:cases], data.scans[:cases]))
    listener = _Listener(network)
    for case, _ in chosen:
        predict_volume(listener, case.image, plan, device)

    def volume() -> None:
        for case, _ in chosen:
            predict_volume(network, case.image, plan, device)

    def scan() -> None:
        for case, own in chosen:
            found = predict_volume(network, case.image, plan, device)
            exclusive_labels(on_scan_grid(item, own.grid, plan) for item in found)

    @torch.inference_mode()
    def bare() -> None:
        for patches in listener.heard:
            with device.autocast():
                network(patches)

    return in_turn({"volume": volume, "scan": scan, "bare": bare}, rounds)


class _Listener(nn.Module):
    """Passes everything on to a network and keeps what it was asked."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.heard: list[Tensor] = []

    def forward(self, patches: Tensor) -> Tensor:
        self.heard.append(patches.clone())
        answer: Tensor = self.network(patches)
        return answer
