"""torchvision is used where it works, and missed nowhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from PartialLabelSegLib.nets.instance.pooling import plain_roi_align, roi_align
from PartialLabelSegLib.nets.instance.suppression import grouped_nms, nms, plain_nms
from PartialLabelSegLib.nets.instance.vision import vision_operators


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What is found in a test is not remembered after it."""
    vision_operators.cache_clear()
    yield
    vision_operators.cache_clear()


class Recorder(ModuleType):
    """A `torchvision.ops` that answers with the plain forms and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__("torchvision.ops")
        self.asked: list[tuple[Any, ...]] = []

    def nms(self, boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
        self.asked.append(("nms", boxes, scores, iou_threshold))
        return plain_nms(boxes, scores, iou_threshold)

    def roi_align(
        self,
        input: Tensor,
        boxes: Tensor,
        output_size: tuple[int, int],
        spatial_scale: float = 1.0,
        sampling_ratio: int = -1,
        aligned: bool = False,
    ) -> Tensor:
        """torchvision's own parameters and their order."""
        self.asked.append(("roi_align", input, boxes, output_size, spatial_scale, sampling_ratio, aligned))
        turned = boxes[:, [2, 1, 4, 3]]
        return plain_roi_align(input, turned, boxes[:, 0].long(), output_size[0], sampling_ratio)


def installed(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    package = ModuleType("torchvision")
    package.ops = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.ops", module)


BOXES = torch.tensor([[0.0, 1.0, 4.0, 6.0], [0.0, 1.0, 4.0, 5.0], [5.0, 5.0, 8.0, 7.0]])


def test_an_installed_torchvision_is_asked_in_its_own_order(monkeypatch: pytest.MonkeyPatch) -> None:
    features = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    image = torch.tensor([1, 0, 1])
    expected = plain_roi_align(features, BOXES, image, 3, 2)
    ops = Recorder()
    installed(monkeypatch, ops)
    assert torch.equal(roi_align(features.double(), BOXES, image, 3), expected)
    _, given, rows, *rest = ops.asked[-1]
    assert given.dtype == torch.float32 and rest == [(3, 3), 1.0, 2, True]
    # Image, left, top, right, bottom.
    assert rows.tolist()[0] == [1, 1, 0, 6, 4]
    assert nms(BOXES, torch.tensor([0.1, 0.9, 0.5]), 0.5).tolist() == [1, 2]
    assert grouped_nms(BOXES, torch.tensor([0.1, 0.9, 0.5]), torch.tensor([0, 1, 0]), 0.5).tolist() == [1, 2, 0]
    assert [asked[0] for asked in ops.asked] == ["roi_align", "nms", "nms"]


@pytest.mark.parametrize(
    "error", [ImportError("no"), RuntimeError("operator torchvision::nms does not exist"), OSError("undefined symbol")]
)
def test_one_that_is_absent_or_built_for_another_torch_is_not_used(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(name: str) -> ModuleType:
        raise error

    monkeypatch.setattr("PartialLabelSegLib.nets.instance.vision.importlib.import_module", failing)
    assert vision_operators() is None
    assert nms(BOXES, torch.tensor([0.1, 0.9, 0.5]), 0.5).tolist() == [1, 2]
    assert roi_align(torch.ones(1, 1, 8, 8), BOXES, torch.zeros(3, dtype=torch.int64), 2).eq(1).all()


def test_a_module_of_that_name_without_the_operators_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, ModuleType("torchvision.ops"))
    assert vision_operators() is None


def test_a_torchvision_that_is_installed_agrees_with_the_plain_forms() -> None:
    ops = pytest.importorskip("torchvision.ops")
    generator = torch.Generator().manual_seed(1)
    low = torch.rand(40, 2, generator=generator) * 30 - 4
    boxes = torch.cat([low, low + torch.rand(40, 2, generator=generator) * 20], 1)
    scores = torch.rand(40, generator=generator)
    assert torch.equal(ops.nms(boxes, scores, 0.4), plain_nms(boxes, scores, 0.4))
    features = torch.randn(2, 4, 24, 20, generator=generator)
    image = torch.randint(0, 2, (40,), generator=generator)
    rows = torch.cat([image[:, None].float(), boxes[:, [1, 0, 3, 2]]], 1)
    for samples in (-1, 1, 2, 3):
        expected = ops.roi_align(features, rows, (5, 5), 1.0, samples, True)
        torch.testing.assert_close(plain_roi_align(features, boxes, image, 5, samples), expected, atol=1e-5, rtol=1e-4)
