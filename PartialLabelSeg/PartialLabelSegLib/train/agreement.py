"""One look at a batch's views and at the teacher's answer: the enhanced pseudo-label, both consistency terms, and their gradient.

Consistency does not depend on the weights of voxels. So its gradient at theta is taken once and serves twice: the look-ahead follows it, and
the weighted step carries it along (`carried`), without the graphs of all views waiting in memory for the weighted step's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..losses.consistency import between_views, with_teacher
from .meta import called, gradient_of, precision_of, total
from .views import View, enhanced


@dataclass(frozen=True, eq=False)
class Agreement:
    """probability (N, K, *spatial): the mean over the image and its views. terms: weighted, detached. gradient: of their sum, by parameter."""

    probability: Tensor
    terms: dict[str, Tensor]
    gradient: dict[str, Tensor]


def agreement(
    network: nn.Module,
    parameters: Mapping[str, Tensor],
    image: Tensor,
    views: Sequence[View],
    teacher: Tensor | None,
    weight: float,
) -> Agreement:
    """What the network with these parameters says of an image (N, C, *spatial) and its views.

    teacher: the teacher's probabilities (N, K, *spatial); None: there is none. weight: of both terms; 0: there is no term.
    Of several views one at a time keeps its graph: the others are computed again when it is their turn.
    """
    wanted = weight > 0 and (bool(views) or teacher is not None)
    leaves = {name: value.detach().requires_grad_(wanted) for name, value in parameters.items()}

    def answer(shown: Tensor) -> Tensor:
        return torch.sigmoid(called(network, leaves, shown))

    def probability(shown: Tensor) -> Tensor:
        return checkpoint(answer, shown, use_reentrant=False) if views and wanted else answer(shown)

    size = image.shape[2:]
    with torch.set_grad_enabled(wanted), precision_of(image):
        said = [probability(image), *(view.back(probability(view.of(image)), size) for view in views)]
        seen = [torch.ones(size, dtype=torch.bool), *(view.seen(size) for view in views)]
        seen = [mask.to(image.device) for mask in seen]
        terms = {}
        if wanted and views:
            terms["consistency_views"] = weight * between_views(said, seen)
        if wanted and teacher is not None:
            terms["consistency_teacher"] = weight * with_teacher(said[0], teacher)
        gradient = gradient_of(total(terms), leaves) if terms else {}
    mean = enhanced([one.detach() for one in said], seen) if views else said[0].detach()
    return Agreement(mean, {name: value.detach() for name, value in terms.items()}, gradient)


def carried(value: Tensor, gradient: Mapping[str, Tensor], network: nn.Module) -> Tensor:
    """A term of the given value whose gradient with respect to the network's parameters is the given one, by name."""
    own = dict(network.named_parameters())
    carried_value: Tensor = _Carried.apply(value, list(gradient.values()), *(own[name] for name in gradient))
    return carried_value


class _Carried(torch.autograd.Function):
    """A value whose gradient is known already. It is never computed with: where the gradient is not a number, the value stays one."""

    @staticmethod
    def forward(context: Any, value: Tensor, slopes: list[Tensor], *parameters: Tensor) -> Tensor:
        context.slopes = slopes
        return value.clone()

    @staticmethod
    def backward(context: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(above * slope for slope in context.slopes)
