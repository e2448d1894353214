"""The training loop: step by step, with a checkpoint, a look at the cancel file, and a validation every so often; the same for segmentation and confidence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ..config import Plan
from ..run.events import Event
from ..run.failure import Failure
from .batches import Batch
from .checkpoint import load, save
from .device import Device, free_unused, is_out_of_memory
from .objective import Objective, Remembering

PROGRESS_SECONDS = 1.0
AS_GOOD = 0.02
"""A first training's later network is kept where validation says that it is worse by no more than this. A few scans, each with some of the
structures, tell two networks no better apart, and a network from the middle of a falling learning rate draws organs much too large."""
EVERY_STEP, AVERAGE_EVERY = 100, 4
"""After the first hundred steps the running average takes every fourth step's weights, as much of them as of four: it costs a read and a write of every weight."""
PACE = 0.1
"""How much of the time that a step is taken to need comes from the last one: steps over doubtful labels take several times as long as those before."""
MOST_LOST = 10
"""After so many steps in a row without a usable gradient something is wrong with more than a step."""


Terms = dict[str, torch.Tensor]


class Batches(Protocol):
    """What makes the batch of any step."""

    def batch(self, step: int, size: int) -> Batch:
        """The batch of `step` with `size` windows."""


class Cancelled(Exception):
    """The cancel file was seen; the checkpoint is written."""


@dataclass(frozen=True)
class Stage:
    """One training: how long, how fast, where its checkpoint lies, and what looks at it in between.

    validate(network) -> Dice per structure name, or None where there is nothing to validate on. rate: first and last learning rate.
    goes_on: the network has learned before, in an earlier round, and is measured before its first step.
    made_with: a word that changes with what is learned from; a checkpoint with another one is refused.
    """

    name: str
    steps: int
    rate: tuple[float, float]
    checkpoint: Path
    validate: Callable[[nn.Module], dict[str, float]] | None
    cancelled: Callable[[], bool]
    checkpoint_seconds: float = 30.0
    goes_on: bool = False
    made_with: str = ""


@dataclass
class Progress:
    """What a training remembers beside the weights. terms: the parts of the loss by name, None where a step had no such part.

    recent: the terms of the steps since the last noted ones.
    """

    step: int = 0
    batch: int = 1
    seconds: float = 0.0
    steps: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    validation: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_score: float = -1.0
    terms: dict[str, list[float | None]] = field(default_factory=dict)
    recent: list[dict[str, float]] = field(default_factory=list)

    def curves(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "loss": self.loss,
            "terms": {name: row + [None] * (len(self.steps) - len(row)) for name, row in self.terms.items()},
            "validation": self.validation,
            "best_step": self.best_step,
            "seconds": self.seconds,
            "batch": self.batch,
        }


class Trainer:
    """Trains one network in place. Everything that chance decides comes from the batch maker's seed and the step number, so a resumed training repeats an undisturbed one."""

    def __init__(self, network: nn.Module, objective: Objective, maker: Batches, plan: Plan, device: Device) -> None:
        self.network = network
        self._objective = objective
        given: Any = objective
        self._memory: Remembering | None = given if isinstance(given, Remembering) else None
        self._maker = maker
        self._plan = plan
        self._device = device
        weights = {name: value.detach() for name, value in network.state_dict().items()}
        self._average = {name: value.clone() for name, value in weights.items()}
        # Looking up at every step which mean belongs to which weight would take as long as averaging.
        pairs = [(self._average[name], value) for name, value in weights.items()]
        self._floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]
        self._lost = 0
        self._best: dict[str, torch.Tensor] | None = None
        self._optimiser = _optimiser(network, plan)
        self._scaler = torch.amp.GradScaler(device.name, enabled=device.precision == "float16")
        if self._memory is not None:
            self._memory.watch(self._optimiser)

    def run(self, stage: Stage) -> Iterator[Event]:
        """Trains until the stage's last step or until validation has stopped rising. Afterwards the network holds the best weights.

        Yields progress and validation events. Raises Cancelled after saving a checkpoint.
        """
        progress = self._restore(stage) or Progress(batch=self._plan.batch)
        if progress.step:
            yield Event("resumed", {"stage": stage.name, "step": progress.step, "steps": stage.steps})
        started, saved, told = time.monotonic() - progress.seconds, time.monotonic(), 0.0
        window = [self._on_device(terms) for terms in progress.recent]
        pace: float | None = None
        if stage.goes_on and not progress.validation:
            # What it starts with is a candidate too: a round never ends with a network that validation likes less.
            yield from self._validated(stage, progress)
        while progress.step < stage.steps and not self._stopped_rising(progress):
            if stage.cancelled():
                self._save(stage, progress, window)
                raise Cancelled
            window.append((yield from self._step_that_fits(stage, progress)))
            progress.step += 1
            took, progress.seconds = time.monotonic() - started - progress.seconds, time.monotonic() - started
            pace = took if pace is None else pace + PACE * (took - pace)
            last = progress.step == stage.steps
            if last or progress.step % 10 == 0:
                self._note_loss(progress, window)
                if last or time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    yield _progress_event(stage, progress, pace)
            if last or progress.step % self._plan.validate_every == 0:
                yield from self._validated(stage, progress)
                progress.seconds = time.monotonic() - started
            if not last and time.monotonic() - saved >= stage.checkpoint_seconds:
                self._save(stage, progress, window)
                saved = time.monotonic()
                yield Event("checkpoint", {"stage": stage.name, "step": progress.step})
        self.network.load_state_dict(self._best if self._best is not None else self._averaged())
        self.progress = progress

    def _on_device(self, terms: dict[str, float]) -> Terms:
        return {name: torch.tensor(value, device=self._device.torch) for name, value in terms.items()}

    def _step_that_fits(self, stage: Stage, progress: Progress) -> Generator[Event, None, Terms]:
        """One step; when memory runs out, half the batch and again."""
        while True:
            try:
                return self._step(stage, progress.step, progress.batch)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._optimiser.zero_grad(set_to_none=True)
            free_unused(self._device)
            if progress.batch == 1:
                raise Failure(
                    "Memory ran out although the batch holds a single window.",
                    way_out="Close other programs, or choose a smaller patch or width in the plan.",
                )
            progress.batch = max(1, progress.batch // 2)
            yield Event("note", {"message": f"Memory ran out; going on with {progress.batch} windows per step."})

    def _step(self, stage: Stage, step: int, batch_size: int) -> Terms:
        if not self.network.training:
            self.network.train()
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(step, stage.steps, stage.rate, self._plan.schedule)
        batch = self._maker.batch(step, batch_size)
        self._optimiser.zero_grad(set_to_none=True)
        with self._device.autocast():
            terms = self._objective(self.network, batch)
            loss = torch.stack(list(terms.values())).sum()
        self._scaler.scale(loss).backward()
        told = {name: term.detach() for name, term in terms.items()}
        if self._plan.clip_norm > 0:
            self._scaler.unscale_(self._optimiser)
            if self._is_lost(self._clipped(), step):
                # With float16 the scale was too large; it is halved here as after a step.
                self._scaler.update()
                return told
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._follow(step)
        if self._memory is not None:
            self._memory.after_step(self.network, step)
        return told

    def _clipped(self) -> torch.Tensor:
        """The norm of the whole gradient, which is shortened to `clip_norm` where it is longer.

        On a processor, where looking at a number costs nothing, a gradient that is short enough is not written once more: most are.
        """
        longest = self._plan.clip_norm
        if self._device.name != "cpu":
            return nn.utils.clip_grad_norm_(self.network.parameters(), longest)
        gradients = [weight.grad for weight in self.network.parameters() if weight.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        if bool(norm > longest):
            torch._foreach_mul_(gradients, float(longest / (norm + 1e-6)))
        return norm

    def _is_lost(self, norm: torch.Tensor, step: int) -> bool:
        """Whether the gradient is not a number. Seen once in some hundred steps with bfloat16 convolutions of torch for processors: the step is lost, not the network."""
        if self._device.name != "cpu" or bool(torch.isfinite(norm)):
            self._lost = 0
            return False
        self._lost += 1
        if self._lost == MOST_LOST:
            raise Failure(
                f"The gradient is not a number, {MOST_LOST} times in a row up to step {step + 1}.",
                way_out='Compute with whole precision: --set precision="float32"; or lower learning_rate in the plan.',
            )
        self._optimiser.zero_grad(set_to_none=True)
        return True

    def _follow(self, step: int) -> None:
        """The running average of the weights: a better network than the last step's when training is short."""
        if self._plan.average == 0 or (step > EVERY_STEP and step % AVERAGE_EVERY):
            return
        keep = min(self._plan.average, (1 + step) / (10 + step)) ** (AVERAGE_EVERY if step > EVERY_STEP else 1)
        torch._foreach_lerp_([mean for mean, _ in self._floats], [value for _, value in self._floats], 1 - keep)
        for mean, value in self._counts:
            mean.copy_(value)

    def _averaged(self) -> dict[str, torch.Tensor]:
        return self._average if self._plan.average > 0 else self.network.state_dict()

    def _validated(self, stage: Stage, progress: Progress) -> Iterator[Event]:
        """Measures the averaged weights on the fixed validation cases and remembers them where they are about the best so far."""
        if stage.validate is None:
            return
        current = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self._averaged())
        self.network.eval()
        dice = stage.validate(self.network)
        known = [value for value in dice.values() if math.isfinite(value)]
        score = sum(known) / len(known) if known else 0.0
        progress.validation.append({"step": progress.step, "dice": dice})
        if score >= progress.best_score - (0.0 if stage.goes_on else AS_GOOD):
            progress.best_score, progress.best_step = max(score, progress.best_score), progress.step
            self._best = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(current)
        yield Event("validation", {"stage": stage.name, "step": progress.step, "dice": dice, "dice_mean": score})

    def _stopped_rising(self, progress: Progress) -> bool:
        since = sum(1 for entry in progress.validation if entry["step"] > progress.best_step)
        return self._plan.patience > 0 and since >= self._plan.patience

    @staticmethod
    def _note_loss(progress: Progress, window: list[Terms]) -> None:
        """Notes the mean loss of the steps since the last noted one, and the mean of each of its terms."""
        value = float(torch.stack([torch.stack(list(terms.values())).sum() for terms in window]).mean())
        _check_finite(value, progress)
        for name in dict.fromkeys(name for terms in window for name in terms):
            # Terms may set in during a training, such as those of doubtful labels after the warm-up.
            found = [terms[name] for terms in window if name in terms]
            row = progress.terms.setdefault(name, [])
            row += [None] * (len(progress.steps) - len(row))
            row.append(float(torch.stack(found).mean()))
        window.clear()
        progress.steps.append(progress.step)
        progress.loss.append(value)

    def _save(self, stage: Stage, progress: Progress, window: list[Terms]) -> None:
        progress.recent = [{name: float(term) for name, term in terms.items()} for terms in window]
        # Weights that are lost must not take the place of a checkpoint that is not.
        _check_finite(sum(value for terms in progress.recent for value in terms.values()), progress)
        save(
            stage.checkpoint,
            {
                "network": self.network.state_dict(),
                "average": self._average,
                "best": self._best or {},
                "optimiser": self._optimiser.state_dict(),
                "scaler": self._scaler.state_dict(),
                "objective": {} if self._memory is None else self._memory.state(),
                "progress": vars(progress),
                "made_with": stage.made_with,
            },
        )

    def _restore(self, stage: Stage) -> Progress | None:
        if not stage.checkpoint.exists():
            return None
        # To main memory first: network, averages and optimiser copy each value to where, and as what, they keep it.
        content = load(stage.checkpoint, "the checkpoint")
        way_out = f"Delete {'/'.join(stage.checkpoint.parts[-3:])} and run the same command again."
        if content.get("made_with") != stage.made_with:
            text = f"The checkpoint ({stage.checkpoint.name}) belongs to other scans, labels or choices."
            raise Failure(text, way_out=way_out)
        try:
            self.network.load_state_dict(content["network"])
            for name, value in self._average.items():
                value.copy_(content["average"][name])
            self._best = content["best"] or None
            self._optimiser.load_state_dict(content["optimiser"])
            self._scaler.load_state_dict(content["scaler"])
            if self._memory is not None:
                self._memory.load_state(content["objective"])
            return Progress(**content["progress"])
        except (KeyError, RuntimeError, ValueError, TypeError):
            raise Failure(
                f"The checkpoint ({stage.checkpoint.name}) belongs to another network.", way_out=way_out
            ) from None


def _check_finite(loss: float, progress: Progress) -> None:
    if not math.isfinite(loss):
        raise Failure(
            f"The loss is not a number at step {progress.step}.",
            way_out="Check the scans for extreme grey values (`check`), or lower learning_rate in the plan.",
        )


def learning_rate(step: int, steps: int, rate: tuple[float, float], schedule: str) -> float:
    """The rate of a step, after a linear rise over the first hundredth of the steps.

    'exponential' falls from the first to the last rate (INERRANT, section 4.1.3). 'polynomial' falls as (1 - step / steps) ** 0.9, which keeps it
    high for longer and suits short trainings.
    """
    done = step / max(1, steps - 1)
    if schedule == "exponential":
        fall = rate[0] * (rate[1] / rate[0]) ** done
    else:
        fall = rate[1] + (rate[0] - rate[1]) * (1 - done) ** 0.9
    return fall * min(1.0, (step + 1) / max(1, steps // 100))


def _optimiser(network: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    try:
        return _built(parameters, plan, fused=True)
    except RuntimeError:
        # This torch has no fused optimiser for this device.
        return _built(parameters, plan, fused=None)


def _built(parameters: list[nn.Parameter], plan: Plan, fused: bool | None) -> torch.optim.Optimizer:
    """fused: one pass over the weights instead of one per operation, twice as fast on a processor."""
    rate, decay = plan.learning_rate, plan.weight_decay
    if plan.optimiser == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay, fused=fused)
    if plan.optimiser == "adam":
        return torch.optim.Adam(parameters, rate, fused=fused)
    return torch.optim.AdamW(parameters, rate, weight_decay=decay, fused=fused)


def _progress_event(stage: Stage, progress: Progress, step_seconds: float) -> Event:
    left = step_seconds * (stage.steps - progress.step)
    terms = {name: row[-1] for name, row in progress.terms.items() if len(row) == len(progress.steps)}
    fields = {"stage": stage.name, "step": progress.step, "steps": stage.steps, "loss": progress.loss[-1]}
    return Event("progress", {**fields, "terms": terms, "seconds_left": round(left, 1)})
