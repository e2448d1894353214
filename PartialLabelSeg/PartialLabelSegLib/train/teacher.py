"""The mean teacher: a running average of the student's parameters and buffers, asked about a noisy input (MLB-Seg, 3.3; Tarvainen and Valpola 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .meta import precision_of


class MeanTeacher:
    """Begins as a copy of the student. `keep`: the share of itself that it keeps at each step, 0.99 in the paper."""

    def __init__(self, student: nn.Module, keep: float) -> None:
        if not 0 <= keep < 1:
            raise ValueError(f"keep must be from 0 and below 1, got {keep}")
        self._keep = keep
        self._values = {name: value.detach().clone() for name, value in student.state_dict().items()}

    def follow(self, student: nn.Module) -> None:
        """teacher = keep teacher + (1 - keep) student, for parameters and running statistics; counts are copied."""
        now = student.state_dict()
        floats = [(value, now[name].detach()) for name, value in self._values.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine for mine, _ in floats], [new for _, new in floats], 1 - self._keep)
        for name, value in self._values.items():
            if not value.is_floating_point():
                value.copy_(now[name])

    @torch.no_grad()
    def probability(self, student: nn.Module, image: Tensor) -> Tensor:
        """What the teacher says of an image (N, C, *spatial): probabilities (N, K, *spatial), without a graph.

        The student's module computes it, in the mode it is in: while it learns, a norm takes the batch's statistics, for both alike.
        """
        values = dict(self._values)
        for name, _ in student.named_buffers():
            # What a norm notes in passing is the student's to average.
            values[name] = values[name].clone()
        with precision_of(image):
            return torch.sigmoid(functional_call(student, values, (image,)))

    def state(self) -> dict[str, Tensor]:
        """The averaged parameters and buffers by name, not copied."""
        return self._values

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes over the values of `state`, of the same network. KeyError, RuntimeError: it is another one's."""
        for name, value in self._values.items():
            value.copy_(state[name])


def noisy(image: Tensor, amount: float, generator: torch.Generator | None) -> Tensor:
    """The image (grey values of standard deviation 1) with Gaussian noise of the standard deviation `amount` (Eq. 12 with mean 0).

    generator: of the cpu, so that every device draws the same.
    """
    if amount == 0:
        return image
    return image + amount * torch.randn(image.shape, generator=generator).to(image.device, image.dtype)
