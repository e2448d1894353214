"""Weights of voxels, learned from trusted labels by one forward-mode pass (MLB-Seg, Eq. 4 to 8).

A step on imperfect labels looks ahead to theta^ = theta - a grad(sum_i w_i l_i + other terms) at w = 0, and asks how the trusted loss L there
changes with each weight. The weights enter linearly, so

    -dL(theta^)/dw_i = a <grad l_i(theta), v>,   v = grad L(theta^),

which for all voxels and all of their losses is one Jacobian-vector product of the network in the direction v: no graph of second order, and
none of the first either. Momentum and weight decay move theta^, not how it depends on w. Equal to differentiating twice (the test says so).

Nothing here changes the network: its parameters and buffers are read, and written only in copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call

from ..losses.noise_robust import soft_cross_entropy
from ..losses.reduce import per_structure
from .batches import Batch
from .tangents import QuickNorms

LogitsLoss = Callable[[Tensor, Batch], dict[str, Tensor]]
"""(logits, batch) -> the terms of a loss by name, already weighted."""
EPSILON = 1e-8
_HALF_SCALE = 1024.0
"""A loss in float16 is multiplied by this before it is differentiated: small gradients would be 0."""


@dataclass(frozen=True)
class Descent:
    """One step of stochastic gradient descent as torch.optim.SGD takes it, without dampening and Nesterov's correction."""

    rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0


def voxel_losses(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of each voxel and structure, of the logits' shape (N, K, *spatial): exactly 0, with gradient 0, where the weight is 0."""
    known = weight > 0
    losses = soft_cross_entropy(torch.where(known, logits, 0), torch.where(known, target, target.new_zeros(())))
    return losses * weight


def learned_parameters(network: nn.Module) -> dict[str, Tensor]:
    """The parameters that learn, by name, detached; they share memory with the network's."""
    return {name: value.detach() for name, value in network.named_parameters() if value.requires_grad}


def look_ahead(
    parameters: Mapping[str, Tensor], gradient: Mapping[str, Tensor], descent: Descent, momenta: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """theta^ after a step that follows `gradient` (missing: 0): theta - a (momentum m + gradient + decay theta) (Eq. 4 with w = 0).

    momenta: the optimiser's momentum buffers m by name; missing: 0. Returns the given tensors themselves where they do not move.
    """
    moved = {}
    for name, value in parameters.items():
        step = gradient.get(name)
        if descent.weight_decay:
            step = value * descent.weight_decay if step is None else step + value * descent.weight_decay
        if descent.momentum and name in momenta:
            step = momenta[name] * descent.momentum if step is None else step + momenta[name] * descent.momentum
        moved[name] = value if step is None else value - descent.rate * step
    return moved


def trusted_direction(
    network: nn.Module, parameters_hat: Mapping[str, Tensor], batch: Batch, loss: LogitsLoss
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a trusted batch at theta^, a scalar, and its gradient v there, by name (Eq. 5)."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters_hat.items()}
    with torch.enable_grad(), precision_of(batch.image):
        value = total(loss(called(network, leaves, batch.image), batch))
        gradient = gradient_of(value, leaves)
    return value.detach(), gradient


def logits_along(
    network: nn.Module, parameters: Mapping[str, Tensor], image: Tensor, direction: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """The logits (N, K, *spatial) of an image at theta, and their derivative when theta moves in the direction, by forward mode."""
    with torch.no_grad(), forward_ad.dual_level(), QuickNorms(), precision_of(image):
        duals = {name: forward_ad.make_dual(value, direction[name]) for name, value in parameters.items()}
        logits, slope = forward_ad.unpack_dual(called(network, duals, image))
    assert slope is not None, "the logits depend on the parameters"
    return logits, slope


def losses_along(logits: Tensor, slope: Tensor, losses: Sequence[Callable[[Tensor], Tensor]]) -> list[Tensor]:
    """The derivative of each voxel loss, of the logits' shape, when the logits move by `slope`."""
    found = []
    with torch.no_grad(), forward_ad.dual_level():
        moving = forward_ad.make_dual(logits, slope)
        for loss in losses:
            tangent = forward_ad.unpack_dual(loss(moving)).tangent
            found.append(torch.zeros_like(logits) if tangent is None else tangent)
    return found


def meta_weights(
    network: nn.Module,
    parameters: Mapping[str, Tensor],
    image: Tensor,
    losses: Sequence[Callable[[Tensor], Tensor]],
    direction: Mapping[str, Tensor],
) -> list[Tensor]:
    """<grad l_i(theta), v> of every voxel and structure (N, K, *spatial), for each of the losses (of logits), with one pass through the network.

    Times the rate of the step it is -dL/dw (Eq. 6 with beta = 1). Positive: learning from this label brings the trusted loss down.
    """
    return losses_along(*logits_along(network, parameters, image, direction), losses)


def normalised_weights(given: Tensor, pseudo: Tensor, mode: str, epsilon: float = EPSILON) -> tuple[Tensor, Tensor]:
    """max(w, 0), divided by the sum over the batch, per structure (Eq. 7 and 8). Both (N, K, *spatial); w of all 0 stays 0.

    mode 'separate': given labels and pseudo-labels each sum to 1 (the paper); 'joint': both together (the authors' program); 'even': separate,
    and every label that trusted ones speak for counts the same, however loudly they do. Weights that
    are not a number, as half precision may leave, are 0.
    """
    given, pseudo = (torch.nan_to_num(item, 0.0, 0.0, 0.0).clamp(min=0) for item in (given, pseudo))
    if mode == "even":
        given, pseudo = (given > 0).to(given.dtype), (pseudo > 0).to(pseudo.dtype)
    sums = per_structure(given), per_structure(pseudo)
    if mode == "joint":
        sums = (sums[0] + sums[1],) * 2
    shape = (1, -1, *(1,) * (given.ndim - 2))
    return given / (sums[0] + epsilon).view(shape), pseudo / (sums[1] + epsilon).view(shape)


def unit_length(direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The direction with length 1: learned weights are normalised anyhow, and half precision stays within its range."""
    norms = torch.stack(torch._foreach_norm(list(direction.values())))
    length = torch.linalg.vector_norm(norms).clamp(min=torch.finfo(norms.dtype).tiny)
    return {name: value / length for name, value in direction.items()}


def called(network: nn.Module, parameters: Mapping[str, Tensor], image: Tensor) -> Any:
    """The network's answer with other parameters; what it does to its buffers (running statistics) is done to copies."""
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    return functional_call(network, {**buffers, **parameters}, (image,))


def gradient_of(value: Tensor, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of a scalar by name; 0 for what it does not depend on."""
    scale = _HALF_SCALE if autocast_dtype(value.device.type) == torch.float16 else 1.0
    found = torch.autograd.grad(value * scale, list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, found if scale == 1 else torch._foreach_div(found, scale)))


def precision_of(image: Tensor) -> AbstractContextManager[Any]:
    """The autocast that is in force, without its memory of weights that were cast: those of theta^ are not theta's, and none has a graph."""
    device = image.device.type
    dtype = autocast_dtype(device)
    return nullcontext() if dtype is None else torch.autocast(device, dtype=dtype, cache_enabled=False)


def autocast_dtype(device: str) -> torch.dtype | None:
    """What autocast computes in on this kind of device; None where it is not in force."""
    if hasattr(torch, "get_autocast_dtype"):
        return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
    # torch before 2.4, the last one for Macs with an Intel processor among them.
    if device == "cpu":
        return torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else None
    return torch.get_autocast_gpu_dtype() if torch.is_autocast_enabled() else None


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of a loss's terms."""
    return torch.stack(list(terms.values())).sum()
