"""Every choice and every hyperparameter of a run: frozen dataclasses that check themselves, to and from JSON."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any, TypeVar

PRESETS = ("quick", "standard", "paper")
METHODS = ("full", "ambiguity-only", "all-pseudo-labels", "naive", "mlb")
DOUBTFUL = ("weigh", "fixed", "as-given", "leave-out")
ATTRIBUTES = ("size", "centroid", "extent")
DIMENSIONS = ("2d", "2.5d", "3d")
ROBUST_LOSSES = ("apl", "mae", "sce", "gce")
LOSSES = ("bce", "bce+dice", *(f"{name}{dice}" for name in ROBUST_LOSSES for dice in ("", "+dice")))
ARCHITECTURES = ("unet", "unet++", "paper", "instance")
VIEWS = (0, 2, 4, 6)
NORMALISED = ("separate", "joint", "even")
SIZE_FOLDS, SIZE_STEP_COST = 5, 0.5
"""The expected sizes are learned in at most so many folds; a step of it costs about so much of a plain step of the segmentation."""
MASK_HEADS = ("improved", "plain")
INSTANCES = ("auto", "no", "list", "volume")
MOST_THREADS = 1024

_FROM_ZERO = (
    "context",
    "flat_levels",
    "fine_tune_steps",
    "confidence_steps",
    "dice_weight",
    "rotate_degrees",
    "scale",
    "translate",
    "weight_decay",
    "clip_norm",
    "patience",
    "negatives",
    "teacher_noise",
    "consistency",
    "bound_weight",
)

_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "an object"}

T = TypeVar("T")


@dataclass(frozen=True)
class Intensity:
    """Grey values are clipped to [low, high], then (value - mean) / std. Found on labelled voxels (plan)."""

    low: float
    high: float
    mean: float
    std: float

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in (self.low, self.high, self.mean, self.std))
        if not finite or not self.low < self.high or self.std <= 0:
            raise ValueError(f"intensity needs low < high and std > 0, got {self}")


@dataclass(frozen=True)
class Plan:
    """What the network sees and how long it learns. Arrays are (slices, rows, columns): the axis of `slice_axis` of (z, y, x) comes first.

    own_scale: grey values are first put on each scan's own scale (data/grey.py), and `intensity` speaks of that.

    loss: 'bce+dice', cross-entropy of positives and hardest negatives with `dice_weight` times Dice (with dice_weight 0 the same as 'bce');
    'bce', plain cross-entropy over all known voxels, which for soft labels is the soft cross-entropy and whose probabilities are calibrated;
    or one that tolerates wrong labels: 'apl' (active-passive: `apl_weights` of NBCE, NSCE and NRCE), 'mae' (absolute error), 'sce'
    (symmetric cross-entropy: `sce_weights` of cross-entropy and reverse cross-entropy), 'gce' (generalised: `gce_power`), each also with
    '+dice'. In these `negatives` known voxels without a structure count per voxel with it, 0: all (losses/reduce.py).

    architecture: 'unet'; 'paper', the U-Net of INERRANT's Table 11; or 'instance', a Mask R-CNN for lesions (nets/instance), whose backbone
    has the plan's widths and strides, whose masks learn by `loss`, plain inside their boxes, and whose `mask_head` is 'improved' or 'plain'.
    'unet++' is the nested U-Net of the plan's widths and strides.

    Where labels are doubtful (MLB-Seg, train/meta.py): `warm_up` is the share of the steps that learn from trusted labels alone; `views` Q of the
    pseudo-label enhancement; `teacher` the share that the mean teacher keeps per step, 0: no teacher, and `teacher_noise` of its input in standard
    deviations; `consistency` weighs both consistency terms; `normalised` 'separate' (Eq. 8), 'joint', or 'even', which drops the labels that
    trusted ones speak against and counts the others the same; `supervised_step` adds the loss
    of the trusted batch; `given_share` is the weight of given labels against own pseudo-labels where weights are fixed.

    Bounds (Kervadec et al., Eq. 5): `bound_weight` is lambda; `margin` what a regressed attribute may be missed by, 0: the learned interval;
    `bound_warm_up` the share of the steps before the penalty sets in; `size_steps` how long each of the (at most five) networks learns that regress them.
    """

    structures: tuple[str, ...]
    dimensions: str
    slice_axis: int
    spacing_mm: tuple[float, float, float]
    patch: tuple[int, int, int]
    context: int
    batch: int
    widths: tuple[int, ...]
    strides: tuple[tuple[int, int, int], ...]
    norm: str
    intensity: Intensity
    steps: int
    fine_tune_steps: int
    confidence_steps: int
    learning_rate: float
    learning_rate_end: float
    dice_weight: float
    mirror: tuple[int, ...]
    rotate_degrees: float
    scale: float
    translate: float
    precision: str
    prior: float = 0.0067
    optimiser: str = "adamw"
    schedule: str = "polynomial"
    weight_decay: float = 1e-2
    clip_norm: float = 12.0
    foreground_share: float = 0.85
    validate_every: int = 200
    patience: int = 10
    confidence_widths: tuple[int, ...] = (64, 32, 32)
    average: float = 0.0
    overlap: float = 0.5
    architecture: str = "unet"
    flat_levels: int = 0
    twins: tuple[tuple[str, str], ...] = ()
    own_scale: bool = False
    loss: str = "bce+dice"
    apl_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    sce_weights: tuple[float, float] = (0.1, 1.0)
    gce_power: float = 0.7
    negatives: float = 3.0
    mask_head: str = "improved"
    warm_up: float = 0.25
    views: int = 4
    teacher: float = 0.99
    teacher_noise: float = 0.1
    consistency: float = 1.0
    normalised: str = "separate"
    supervised_step: bool = False
    given_share: float = 0.8
    bound_weight: float = 1e-2
    margin: float = 0.0
    bound_warm_up: float = 0.25
    size_steps: int = 400

    def __post_init__(self) -> None:
        _one_of("dimensions", self.dimensions, DIMENSIONS)
        _one_of("architecture", self.architecture, ARCHITECTURES)
        _one_of("mask_head", self.mask_head, MASK_HEADS)
        _one_of("precision", self.precision, ("float32", "bfloat16", "float16"))
        _one_of("optimiser", self.optimiser, ("adam", "adamw", "sgd"))
        _one_of("schedule", self.schedule, ("polynomial", "exponential"))
        _one_of("norm", self.norm, ("batch", "instance", "group", "none"))
        _one_of("loss", self.loss, LOSSES)
        _one_of("normalised", self.normalised, NORMALISED)
        if len(set(self.structures)) != len(self.structures) or not self.structures:
            raise ValueError(f"a plan needs structures of different names, got {self.structures}")
        if min(self.patch) < 1 or self.batch < 1 or not all(0 < value < math.inf for value in self.spacing_mm):
            raise ValueError(
                f"patch, batch and spacing must be positive, got {self.patch}, {self.batch}, {self.spacing_mm}"
            )
        if self.dimensions != "3d" and self.patch[0] != 1:
            raise ValueError(f"a {self.dimensions} plan has patches of one slice, got {self.patch}")
        if len(self.strides) != len(self.widths):
            raise ValueError(f"each of {len(self.widths)} levels needs a stride, got {self.strides}")
        if self.architecture == "instance" and self.dimensions == "3d":
            raise ValueError("an instance network sees slices, so dimensions must be 2d or 2.5d, got 3d")
        if self.slice_axis not in (0, 1, 2):
            raise ValueError(f"slice_axis must be 0, 1 or 2, got {self.slice_axis}")
        if len(self.widths) < 2 or min(self.widths) < 1 or min(min(stride) for stride in self.strides) < 1:
            raise ValueError(
                f"a plan needs two or more levels of positive width and stride, got {self.widths}, {self.strides}"
            )
        if not set(self.mirror) <= {0, 1, 2}:
            raise ValueError(f"mirror names axes 0, 1 and 2, got {self.mirror}")
        if self.flat_levels > len(self.widths):
            raise ValueError(f"flat_levels must be at most {len(self.widths)} levels, got {self.flat_levels}")
        if not {name for pair in self.twins for name in pair} <= set(self.structures):
            raise ValueError(f"twins must be structures of the plan, got {self.twins}")
        self._check_ranges()

    def _check_ranges(self) -> None:
        if self.views not in VIEWS:
            raise ValueError(f"views must be one of {', '.join(map(str, VIEWS))}, got {self.views}")
        inside = {
            "from 1": (lambda value: value >= 1, ("steps", "validate_every", "size_steps")),
            "from 0": (lambda value: 0 <= value < math.inf, _FROM_ZERO),
            "above 0": (lambda value: 0 < value < math.inf, ("learning_rate", "learning_rate_end")),
            "between 0 and 1": (lambda value: 0 < value < 1, ("prior",)),
            "from 0 and below 1": (
                lambda value: 0 <= value < 1,
                ("average", "overlap", "warm_up", "teacher", "margin"),
            ),
            "from 0 to 1": (lambda value: 0 <= value <= 1, ("foreground_share", "given_share", "bound_warm_up")),
            "above 0 and at most 1": (lambda value: 0 < value <= 1, ("gce_power",)),
            "from 0, and not all 0": (
                lambda values: all(0 <= value < math.inf for value in values) and any(values),
                ("apl_weights", "sce_weights"),
            ),
        }
        for words, (holds, names) in inside.items():
            for name in names:
                if not holds(getattr(self, name)):
                    raise ValueError(f"{name} must be {words}, got {getattr(self, name)}")

    @property
    def channels(self) -> int:
        return 1 + 2 * self.context if self.dimensions == "2.5d" else 1

    @property
    def weighing_cost(self) -> float:
        """A step that learns the weights of doubtful labels (train/bootstrap.py) against a plain one.

        Trusted pass, forward-mode pass and weighted pass; with consistency terms one more for the look-ahead; and as much again per view.
        """
        consistent = self.consistency > 0 and (self.views > 0 or self.teacher > 0)
        return 3.0 + 1.0 * consistent + 1.5 * self.views


@dataclass(frozen=True)
class Relabelling:
    """The rounds (INERRANT, Algorithms 1 and 2). gamma_max None: 1 where at least half of the labels are there, else 0.66 (the paper's Table 7)."""

    method: str = "full"
    rounds: int = 2
    gamma_max: float | None = None
    confidence: str = "learned"
    target: str = "correctness"
    frozen: bool = False
    review: bool = False
    largest_component: bool = False
    fill_holes: bool = False

    def __post_init__(self) -> None:
        _one_of("method", self.method, METHODS)
        _one_of("confidence", self.confidence, ("learned", "mcp"))
        _one_of("target", self.target, ("correctness", "tcp"))
        if not 0 <= self.rounds <= 20:
            raise ValueError(f"rounds must be 0 to 20, got {self.rounds}")
        if self.gamma_max is not None and not 0 < self.gamma_max <= 1:
            raise ValueError(f"gamma_max must lie in (0, 1], got {self.gamma_max}")

    @property
    def later_rounds(self) -> int:
        """How often the method relabels and learns on. 'mlb' does it once, with initial labels; or as often as a person is to decide."""
        if self.method == "mlb":
            return self.rounds if self.review else 1
        return {"full": self.rounds, "all-pseudo-labels": 1}.get(self.method, 0)

    def steps(self, plan: Plan, round_number: int) -> int:
        """How long a round learns. Of 'mlb' the first two rounds share the steps of another method's first one."""
        if self.method != "mlb":
            return plan.steps if round_number == 0 else plan.fine_tune_steps
        first = max(1, round(plan.warm_up * plan.steps))
        return {0: first, 1: max(1, plan.steps - first)}.get(round_number, plan.fine_tune_steps)

    def gamma(self, round_number: int, gamma_max: float) -> float:
        """gamma_t = t / T * gamma_max for t = 1..T; `round_number` counts from 0."""
        return (round_number + 1) / self.rounds * gamma_max


@dataclass(frozen=True)
class Configuration:
    """What the user chose. `plan` holds overrides of single Plan fields by name; everything else is found from the data.

    instances: of each completed scan 'no' list of its lesions, a 'list', or a list and a 'volume'; 'auto' depends on the network.
    doubtful: what labels that were made quickly are to the learning: 'weigh', their voxels get weights learned from the trusted labels (MLB-Seg; with
    the presets quick and standard the best on average, `bench meta`); 'fixed', all the same weight beside own pseudo-labels, and trusted labels beside
    both; 'as-given', they count like trusted ones; 'leave-out', they count as missing.
    bounds: the region attributes, regressed from the labelled scans, that bound what is predicted where a structure is missing.
    """

    preset: str = "quick"
    dimensions: str | None = None
    minutes: float | None = None
    device: str = "auto"
    seed: int = 0
    threads: int = 0
    validation_share: float = 0.2
    absent: str = "missing"
    checkpoint_seconds: float = 30.0
    relabelling: Relabelling = field(default_factory=Relabelling)
    plan: dict[str, Any] = field(default_factory=dict)
    instances: str = "auto"
    doubtful: str = "weigh"
    bounds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _one_of("preset", self.preset, PRESETS)
        _one_of("doubtful", self.doubtful, DOUBTFUL)
        for attribute in self.bounds:
            _one_of("bounds", attribute, ATTRIBUTES)
        if len(set(self.bounds)) != len(self.bounds):
            raise ValueError(f"bounds name an attribute twice, {self.bounds}")
        _one_of("device", self.device, ("auto", "cpu", "cuda", "mps"))
        _one_of("absent", self.absent, ("missing", "absent"))
        _one_of("instances", self.instances, INSTANCES)
        if self.dimensions is not None:
            _one_of("dimensions", self.dimensions, DIMENSIONS)
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes must be positive, got {self.minutes}")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be a whole number from 0, got {self.seed}")
        if not 0 <= self.threads <= MOST_THREADS:
            raise ValueError(f"threads must be 0 to {MOST_THREADS}, got {self.threads}")
        if not 0 <= self.checkpoint_seconds < math.inf:
            raise ValueError(f"checkpoint_seconds must be from 0, got {self.checkpoint_seconds}")
        if not 0 <= self.validation_share < 1:
            raise ValueError(f"validation_share must lie in [0, 1), got {self.validation_share}")
        unknown = set(self.plan) - {item.name for item in dataclasses.fields(Plan)}
        if unknown:
            raise ValueError(f"a plan has no {sorted(unknown)}")

    def weighing_begins(self, plan: Plan, round_number: int, has_doubtful: bool) -> int:
        """The step of a round from which on it learns the weights of doubtful labels; its number of steps where it never does.

        has_doubtful: somebody made labels quickly. 'mlb' has doubtful ones of its own from its second round on, and trusted ones alone before.
        """
        choices, steps = self.relabelling, self.relabelling.steps(plan, round_number)
        from_start = choices.method == "mlb"
        if self.doubtful != "weigh" or plan.architecture == "instance" or (from_start and round_number == 0):
            return steps
        if not has_doubtful and not from_start:
            return steps
        return round(plan.warm_up * steps) if round_number == 0 else 0

    def instances_for(self, architecture: str) -> str:
        """'no', 'list' or 'volume'. By itself only an instance network lists lesions; they may overlap, which only a volume beside shows."""
        return self.instances if self.instances != "auto" else "volume" if architecture == "instance" else "no"


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def to_json(value: Any) -> Any:
    """A dataclass as plain JSON values."""
    return dataclasses.asdict(value)


def from_json(cls: type[T], value: Any) -> T:
    """The dataclass `cls` from JSON values. ValueError: an unknown or missing name, or a value of the wrong kind."""
    if not isinstance(value, dict):
        raise ValueError(f"{cls.__name__} must be an object, got {value!r}")
    hints = typing.get_type_hints(cls)
    fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = set(value) - set(fields)
    if unknown:
        raise ValueError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
    needed = {
        name
        for name, item in fields.items()
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    }
    if needed - set(value):
        raise ValueError(f"{cls.__name__} lacks {', '.join(sorted(needed - set(value)))}")
    return cls(**{name: _convert(hints[name], item, f"{cls.__name__}.{name}") for name, item in value.items()})


def _convert(hint: Any, value: Any, name: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        return _convert(next(part for part in parts if part is not type(None)), value, name)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"{name} must be a list, got {value!r}")
        if parts[-1] is not Ellipsis and len(parts) != len(value):
            raise ValueError(f"{name} must have {len(parts)} values, got {value!r}")
        kinds = [parts[0]] * len(value) if parts[-1] is Ellipsis else parts
        return tuple(_convert(kind, item, name) for kind, item in zip(kinds, value))
    return _plain(hint, value, name)


def _plain(hint: Any, value: Any, name: str) -> Any:
    if typing.get_origin(hint) is dict:
        hint = dict
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{name} is too large a number") from None
    if hint is Any or (isinstance(value, hint) and (hint is bool or not isinstance(value, bool))):
        return value
    raise ValueError(f"{name} must be {_WORDS.get(hint, hint.__name__)}, got {value!r}")
