"""The regressor of sizes: any image, positive sizes, areas that do not depend on the size of the image."""

from __future__ import annotations

import pytest
import torch

from PartialLabelSegLib.nets.size_regressor import RegressorShape, SizeRegressor


def network(dimensions: int = 2, seed: int = 0) -> SizeRegressor:
    shape = RegressorShape(dimensions, 3, 4, widths=(8, 16))
    return SizeRegressor(shape, torch.Generator().manual_seed(seed)).eval()


@pytest.mark.parametrize(("dimensions", "size"), [(2, (17, 30)), (2, (64, 64)), (3, (5, 9, 16)), (3, (2, 12, 12))])
def test_a_map_has_the_size_of_any_image_and_lies_between_0_and_1(dimensions: int, size: tuple[int, ...]) -> None:
    out = network(dimensions)(torch.randn(2, 3, *size)).detach()
    assert out.shape == (2, 4, *size)
    assert float(out.min()) > 0 and float(out.max()) < 1


def test_an_untrained_map_is_nearly_empty() -> None:
    assert float(network()(torch.randn(1, 3, 32, 32)).detach().mean()) == pytest.approx(0.01, rel=0.2)


def test_the_same_seed_is_the_same_network() -> None:
    image = torch.randn(1, 3, 16, 16)
    assert torch.equal(network(seed=1)(image), network(seed=1)(image))
    assert not torch.equal(network(seed=1)(image), network(seed=2)(image))


def test_an_image_of_four_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match="no such regressor"):
        RegressorShape(4, 1, 1)
