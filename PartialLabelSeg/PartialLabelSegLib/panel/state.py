"""What the panel remembers: frozen values that are saved with the scene as one JSON text, and come back with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..config import ATTRIBUTES, DOUBTFUL, METHODS, from_json, to_json
from ..data.types import MADE, State
from ..run.failure import Failure
from .counts_as import NOT_THERE, counted

FORMAT = 1
STEPS = ("scans", "learn", "look", "decide", "finish")
DEFAULT_GAMMA = 0.66
"""The share that a structure's slider starts at, until it is moved."""
_STATES = {state.value for state in State}


def _texts(name: str, value: Mapping[str, str], allowed: set[str] | None = None) -> None:
    for key, text in value.items():
        if not isinstance(key, str) or not isinstance(text, str) or (allowed is not None and text not in allowed):
            raise ValueError(
                f"{name} must be texts{f' of {sorted(allowed)}' if allowed else ''}, got {key!r}: {text!r}"
            )


@dataclass(frozen=True)
class Scan:
    """One line of the table of scans.

    name: unique; shown, and the case's name. volume, segmentation: ids of nodes, or "". source: "" for a scan of the scene, else the data
    set that it came from. found: drawn segment -> the state that was found; names: drawn segment -> the structure that it counts as,
    "" for none, where that is not its own name. states: structure -> what the user said otherwise. problems: sentences.
    quick: drawn segments of which the data set itself says that they were made quickly; made: structure -> what the user said otherwise.
    """

    name: str
    volume: str = ""
    segmentation: str = ""
    source: str = ""
    states: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a scan needs a name")
        _texts("states", self.states, _STATES)
        _texts("found", self.found, _STATES)
        _texts("names", self.names)
        _texts("made", self.made, set(MADE))

    def state(self, structure: str) -> str:
        """What counts for a structure: what the user said, else what was found of that which counts as it, else that nobody drew it."""
        return self.states.get(structure) or counted(self.found, self.names).get(structure, NOT_THERE).state


@dataclass(frozen=True)
class Choices:
    """How to learn. minutes None: as long as it takes. dimensions None: found from the scans. lesions: list them one by one in the end.

    method, doubtful, bounds None: as is recommended for what is labelled.
    """

    preset: str = "quick"
    minutes: float | None = None
    device: str = "auto"
    rounds: int = 2
    dimensions: str | None = None
    confidence: str = "learned"
    seed: int = 0
    lesions: bool = False
    method: str | None = None
    doubtful: str | None = None
    bounds: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("method", METHODS), ("doubtful", DOUBTFUL)):
            if getattr(self, name) not in (None, *allowed):
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if not set(self.bounds or ()) <= set(ATTRIBUTES):
            raise ValueError(f"bounds must be of {', '.join(ATTRIBUTES)}, got {self.bounds}")


@dataclass(frozen=True)
class Shown:
    """What lies over the slices. opacity: of the colours of confidence, 0..1."""

    confidence: bool = True
    outlines: bool = True
    expert: bool = True
    accepted: bool = True
    ambiguity: bool = False
    surfaces: bool = False
    doubts: bool = False
    opacity: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity must lie in 0..1, got {self.opacity}")


@dataclass(frozen=True)
class PanelState:
    """Everything that a reopened scene brings back. folder: the work folder, or "". scan, structure: those that are shown, or ""."""

    format: int = FORMAT
    folder: str = ""
    scans: tuple[Scan, ...] = ()
    choices: Choices = Choices()
    step: str = STEPS[0]
    round: int = 0
    gammas: dict[str, float] = field(default_factory=dict)
    scan: str = ""
    structure: str = ""
    overlay: Shown = Shown()

    def __post_init__(self) -> None:
        if self.step not in STEPS:
            raise ValueError(f"a step is one of {', '.join(STEPS)}, got {self.step!r}")
        names = [scan.name for scan in self.scans]
        if len(set(names)) != len(names):
            raise ValueError(f"scans need different names, got {names}")
        if self.round < 0:
            raise ValueError(f"rounds count from 0, got {self.round}")
        for structure, gamma in self.gammas.items():
            plain = isinstance(gamma, (int, float)) and not isinstance(gamma, bool)
            if not plain or not 0 <= gamma <= 1:
                raise ValueError(f"gamma must lie in 0..1, got {gamma!r} for '{structure}'")

    def scan_named(self, name: str) -> Scan | None:
        return next((scan for scan in self.scans if scan.name == name), None)

    def with_scan(self, scan: Scan) -> PanelState:
        """The same with this scan in the place of the one of its name, or added as the last."""
        if self.scan_named(scan.name) is None:
            return replace(self, scans=(*self.scans, scan))
        return replace(self, scans=tuple(scan if old.name == scan.name else old for old in self.scans))

    def without_scan(self, name: str) -> PanelState:
        """The same without a scan; where it was shown, none is."""
        scans = tuple(scan for scan in self.scans if scan.name != name)
        return replace(self, scans=scans, scan="" if self.scan == name else self.scan)

    def without_node(self, node_id: str) -> PanelState:
        """The same where no scan speaks of a node that is gone."""
        if not node_id or all(node_id not in (scan.volume, scan.segmentation) for scan in self.scans):
            return self
        return replace(self, scans=tuple(_without(scan, node_id) for scan in self.scans))

    def gamma(self, structure: str) -> float:
        return self.gammas.get(structure, DEFAULT_GAMMA)

    def with_gamma(self, structure: str, gamma: float) -> PanelState:
        return replace(self, gammas={**self.gammas, structure: float(gamma)})


def _without(scan: Scan, node_id: str) -> Scan:
    volume = "" if scan.volume == node_id else scan.volume
    segmentation = "" if scan.segmentation == node_id else scan.segmentation
    return replace(scan, volume=volume, segmentation=segmentation)


def to_text(state: PanelState) -> str:
    """The state as one line of JSON."""
    return json.dumps(to_json(state), ensure_ascii=False, allow_nan=False)


def from_text(text: str) -> PanelState:
    """The state of a JSON text. Failure: it is damaged, or of a later version of this module."""
    try:
        value = json.loads(text)
        if isinstance(value, dict) and isinstance(value.get("format"), int) and value["format"] > FORMAT:
            raise Failure(
                "This scene was saved by a later version of this module, so the panel starts anew.",
                way_out="Update the module to get back what the panel showed; scans and segmentations are all there.",
            )
        return from_json(PanelState, value)
    except Failure:
        raise
    except (ValueError, TypeError, RecursionError):
        raise Failure(
            "What the panel showed could not be read from this scene, so it starts anew.",
            way_out="Scans and segmentations are all there; add the scans again, and choose the same work folder to go on.",
        ) from None
