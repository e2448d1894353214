"""Learned weights of voxels: equal to differentiating twice, normalised per structure, and without a trace in the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from PartialLabelSegLib.losses.masked import masked_bce
from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.unet import UNet
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.meta import (
    Descent,
    autocast_dtype,
    learned_parameters,
    logits_along,
    look_ahead,
    meta_weights,
    normalised_weights,
    precision_of,
    trusted_direction,
    unit_length,
    voxel_losses,
)


@dataclass(frozen=True, eq=False)
class Setting:
    """A network, an imperfect batch with its pseudo-labels, a trusted batch, and what moves the network."""

    network: nn.Module
    imperfect: Batch
    pseudo: Tensor
    trusted: Batch
    descent: Descent
    momenta: dict[str, Tensor]

    @property
    def losses(self) -> list[Callable[[Tensor], Tensor]]:
        weight = self.imperfect.weight
        return [
            lambda z: voxel_losses(z, self.imperfect.target, weight),
            lambda z: voxel_losses(z, self.pseudo, weight),
        ]


def a_setting(norm: str, dimensions: int = 2, structures: int = 2, paper: bool = False) -> Setting:
    generator = torch.Generator().manual_seed(3)
    size = (4, 10, 8) if dimensions == 3 else (12, 10)
    layout = "paper" if paper else "plain"
    shape = Architecture(structures, 1, dimensions, (4, 6), norm=norm, prior=0.3, layout=layout)
    network = UNet(shape, generator).double().train()

    def labels(share: float) -> Tensor:
        return torch.rand(2, structures, *size, generator=generator) < share

    def image() -> Tensor:
        return torch.randn(2, 1, *size, generator=generator, dtype=torch.float64)

    momenta = {
        name: torch.randn(value.shape, generator=generator, dtype=torch.float64)
        for name, value in network.named_parameters()
    }
    imperfect, trusted = (Batch(image(), labels(0.3), labels(0.7)) for _ in range(2))
    return Setting(network, imperfect, labels(0.4), trusted, Descent(0.05, 0.9, 5e-3), momenta)


def trusted_loss(logits: Tensor, batch: Batch) -> dict[str, Tensor]:
    return {"bce": masked_bce(logits, batch.target, batch.weight)}


def by_double_backward(setting: Setting) -> list[Tensor]:
    """-dL/dw of weights that start at 0, through a look-ahead that torch differentiates."""
    network, descent = setting.network, setting.descent
    parameters = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}

    def answer(values: dict[str, Tensor], image: Tensor) -> Tensor:
        buffers = {name: value.clone() for name, value in network.named_buffers()}
        return functional_call(network, {**buffers, **values}, (image,))

    logits = answer(parameters, setting.imperfect.image)
    weights = [torch.zeros_like(logits, requires_grad=True) for _ in setting.losses]
    weighted = torch.stack([(w * loss(logits)).sum() for w, loss in zip(weights, setting.losses)]).sum()
    gradients = torch.autograd.grad(weighted, list(parameters.values()), create_graph=True)
    ahead = {}
    for (name, value), gradient in zip(parameters.items(), gradients):
        momentum = descent.momentum * setting.momenta[name] + gradient + descent.weight_decay * value
        ahead[name] = value - descent.rate * momentum
    trusted = masked_bce(answer(ahead, setting.trusted.image), setting.trusted.target, setting.trusted.weight)
    return [-slope for slope in torch.autograd.grad(trusted, weights)]


def by_forward_mode(setting: Setting) -> list[Tensor]:
    parameters = learned_parameters(setting.network)
    ahead = look_ahead(parameters, {}, setting.descent, setting.momenta)
    _, direction = trusted_direction(setting.network, ahead, setting.trusted, trusted_loss)
    weights = meta_weights(setting.network, parameters, setting.imperfect.image, setting.losses, direction)
    return [setting.descent.rate * weight for weight in weights]


@pytest.mark.parametrize("structures", [1, 3])
@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("norm", ["instance", "group", "batch", "none"])
def test_the_weights_equal_those_of_differentiating_twice(norm: str, dimensions: int, structures: int) -> None:
    setting = a_setting(norm, dimensions, structures)
    for quick, slow in zip(by_forward_mode(setting), by_double_backward(setting), strict=True):
        assert slow.abs().max() > 1e-5
        assert torch.allclose(quick, slow, rtol=1e-8, atol=1e-8 * float(slow.abs().max()))
        assert not quick[~setting.imperfect.weight].any() and quick[setting.imperfect.weight].any()


def test_so_do_those_of_the_papers_network_with_max_pooling() -> None:
    setting = a_setting("batch", paper=True)
    for quick, slow in zip(by_forward_mode(setting), by_double_backward(setting), strict=True):
        assert torch.allclose(quick, slow, rtol=1e-8, atol=1e-8 * float(slow.abs().max()))


def test_a_network_in_evaluation_mode_is_differentiated_with_its_running_statistics() -> None:
    setting = a_setting("batch")
    for name, value in setting.network.named_buffers():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=torch.Generator().manual_seed(len(name))) + 0.5)
    setting.network.eval()
    for quick, slow in zip(by_forward_mode(setting), by_double_backward(setting), strict=True):
        assert torch.allclose(quick, slow, rtol=1e-8, atol=1e-8 * float(slow.abs().max()))


def test_the_derivative_of_the_logits_is_what_a_small_step_changes() -> None:
    setting = a_setting("group")
    parameters = learned_parameters(setting.network)
    _, direction = trusted_direction(setting.network, parameters, setting.trusted, trusted_loss)
    direction = unit_length(direction)
    assert torch.cat([value.flatten() for value in direction.values()]).norm() == pytest.approx(1)
    image, step = setting.imperfect.image, 1e-6
    logits, slope = logits_along(setting.network, parameters, image, direction)
    assert torch.allclose(logits, setting.network(image), atol=1e-12)
    there, back = (
        functional_call(setting.network, {k: v + sign * step * direction[k] for k, v in parameters.items()}, (image,))
        for sign in (1, -1)
    )
    assert torch.allclose(slope, (there - back) / (2 * step), atol=1e-6)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_nothing_in_the_network_changes(norm: str) -> None:
    setting = a_setting(norm)
    before = {name: value.clone() for name, value in setting.network.state_dict().items()}
    by_forward_mode(setting)
    after = setting.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(value.grad is None for value in setting.network.parameters())


def test_the_look_ahead_is_one_step_of_torchs_own_descent() -> None:
    setting = a_setting("instance")
    network, descent = setting.network, setting.descent
    gradient = {name: torch.full_like(value, 0.3).detach() for name, value in network.named_parameters()}
    ahead = look_ahead(learned_parameters(network), gradient, descent, setting.momenta)
    momentum, decay = descent.momentum, descent.weight_decay
    optimiser = torch.optim.SGD(network.parameters(), descent.rate, momentum=momentum, weight_decay=decay)
    for name, value in network.named_parameters():
        value.grad = gradient[name].clone()
        optimiser.state[value]["momentum_buffer"] = setting.momenta[name].clone()
    optimiser.step()
    assert all(torch.allclose(ahead[name], value, atol=1e-14) for name, value in network.named_parameters())


def test_where_nothing_moves_the_look_ahead_is_the_network_itself() -> None:
    parameters = learned_parameters(a_setting("instance").network)
    ahead = look_ahead(parameters, {}, Descent(0.1), {})
    assert all(ahead[name] is value for name, value in parameters.items())


def test_a_parameter_that_does_not_learn_takes_no_part() -> None:
    setting = a_setting("instance")
    output = setting.network.get_submodule("output")
    output.requires_grad_(False)
    assert not any(name.startswith("output") for name in learned_parameters(setting.network))
    assert all(weight.any() for weight in by_forward_mode(setting))


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_in_half_precision_the_weights_are_nearly_the_same(norm: str) -> None:
    setting = a_setting(norm)
    setting.network.float()
    momenta = {name: value.float() for name, value in setting.momenta.items()}
    imperfect, trusted = (
        Batch(item.image.float(), item.target, item.weight) for item in (setting.imperfect, setting.trusted)
    )
    setting = Setting(setting.network, imperfect, setting.pseudo, trusted, setting.descent, momenta)
    exact = by_forward_mode(setting)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = by_forward_mode(setting)
        # Casts that were remembered without a graph would leave the next step without a gradient.
        setting.network(setting.imperfect.image).sum().backward()
    for quick, slow in zip(rounded, exact, strict=True):
        assert quick.dtype == torch.float32 and (quick - slow).norm() < 0.05 * slow.norm()
    assert all(value.grad is not None and value.grad.any() for value in setting.network.parameters())


def test_the_precision_in_force_is_kept_without_remembered_casts() -> None:
    ones = torch.ones(2, 2)
    with precision_of(ones):
        assert (ones @ ones).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16), precision_of(ones):
        assert (ones @ ones).dtype == torch.bfloat16 and not torch.is_autocast_cache_enabled()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_precision_in_force_is_found_also_by_an_older_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.autocast("cpu", torch.bfloat16), monkeypatch.context() as older:
        older.delattr(torch, "get_autocast_dtype")
        assert autocast_dtype("cpu") == torch.bfloat16 and autocast_dtype("cuda") is None
    assert autocast_dtype("cpu") is None


def test_voxel_losses_are_nothing_where_nothing_is_known() -> None:
    logits = torch.tensor([[[float("nan"), 0.0, 2.0]]], requires_grad=True)
    weight = torch.tensor([[[False, True, True]]])
    losses = voxel_losses(logits, torch.tensor([[[1.0, 1.0, 0.0]]]), weight)
    assert losses[0, 0].tolist() == pytest.approx([0, 0.693147, 2.126928], abs=1e-6)
    losses.sum().backward()
    assert logits.grad is not None
    assert logits.grad[0, 0].tolist() == pytest.approx([0, -0.5, 0.880797], abs=1e-6)


def hand_case() -> tuple[Tensor, Tensor]:
    """Two windows of two voxels, two structures: (N, K, 2)."""
    given = torch.tensor([[[1.0, -5.0], [0.0, -1.0]], [[3.0, 0.0], [-2.0, 0.0]]])
    pseudo = torch.tensor([[[4.0, 0.0], [2.0, 0.0]], [[0.0, -1.0], [0.0, 6.0]]])
    return given, pseudo


def test_weights_are_normalised_separately_as_in_the_paper() -> None:
    given, pseudo = normalised_weights(*hand_case(), "separate")
    assert given.flatten().tolist() == pytest.approx([0.25, 0, 0, 0, 0.75, 0, 0, 0])
    assert pseudo.flatten().tolist() == pytest.approx([1, 0, 0.25, 0, 0, 0, 0, 0.75])


def test_weights_are_normalised_together_where_that_is_wanted() -> None:
    given, pseudo = normalised_weights(*hand_case(), "joint")
    assert given.flatten().tolist() == pytest.approx([0.125, 0, 0, 0, 0.375, 0, 0, 0])
    assert pseudo.flatten().tolist() == pytest.approx([0.5, 0, 0.25, 0, 0, 0, 0, 0.75])


def test_labels_that_agree_count_the_same_where_that_is_wanted() -> None:
    given, pseudo = normalised_weights(*hand_case(), "even")
    assert given.flatten().tolist() == pytest.approx([0.5, 0, 0, 0, 0.5, 0, 0, 0])
    assert pseudo.flatten().tolist() == pytest.approx([1, 0, 0.5, 0, 0, 0, 0, 0.5])


@pytest.mark.parametrize("mode", ["separate", "joint", "even"])
def test_weights_that_all_are_nothing_stay_so(mode: str) -> None:
    nothing = torch.tensor([[[-1.0, 0.0]]])
    for weights in normalised_weights(nothing, torch.full_like(nothing, float("nan")), mode):
        assert weights.tolist() == [[[0, 0]]]
