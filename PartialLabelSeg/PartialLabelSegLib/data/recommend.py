"""Which method suits the state of the labels, and why, in a clinician's words: a small table of rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from .labels import Labels
from .types import CHECKED, QUICK, State

ENOUGH_TRUSTED = 3
"""Checked scans of a structure from which on its quick labels can be judged, voxel by voxel."""
ENOUGH_FOR_BOUNDS, MANY_LABELLED = 5, 20
"""Scans with a structure from which on its size can be learned, and from which on that adds little (Kervadec et al., Table 1)."""
SHARE_UNLABELLED = 0.25
"""From this share of scans without any label on, bounds are worth their time."""


@dataclass(frozen=True)
class Drawn:
    """One structure in one scan. made: 'checked', 'quick', or '' where nothing is drawn. whole: it was looked for in the whole scan."""

    state: State
    made: str = ""
    whole: bool = True

    @classmethod
    def of(cls, labels: Labels, structure: str) -> Drawn:
        state = labels.state(structure)
        if state is State.MISSING and not labels.voxels(structure):
            return cls(state, "", False)
        made = QUICK if structure in labels.imperfect else CHECKED
        return cls(state, made, state in (State.LABELLED, State.ABSENT))


@dataclass(frozen=True)
class StructureCounts:
    """In how many scans a structure is drawn and checked, drawn quickly, missing, or absent; `partly` of the drawn ones only in part."""

    checked: int = 0
    quick: int = 0
    missing: int = 0
    absent: int = 0
    partly: int = 0

    def __post_init__(self) -> None:
        if min(self.checked, self.quick, self.missing, self.absent, self.partly) < 0 or self.partly > self.drawn:
            raise ValueError(f"counts must be from 0, and no more drawn in part than drawn, got {self}")

    @property
    def drawn(self) -> int:
        return self.checked + self.quick

    @property
    def scans(self) -> int:
        return self.drawn + self.missing + self.absent


@dataclass(frozen=True)
class LabelCounts:
    """What a cohort has labels of. scans: all that are learned from; unlabelled: those of them of which nothing is labelled or known."""

    structures: Mapping[str, StructureCounts] = field(default_factory=dict)
    scans: int = 0
    unlabelled: int = 0

    def __post_init__(self) -> None:
        if any(item.scans != self.scans for item in self.structures.values()) or not 0 <= self.unlabelled <= self.scans:
            raise ValueError(f"every structure must be counted in all of {self.scans} scans, got {self}")

    def named(self, of: Callable[[StructureCounts], bool]) -> list[str]:
        """The structures of which something holds, in order."""
        return [name for name, item in self.structures.items() if of(item)]


def counts_of(structures: Iterable[str], scans: Iterable[Mapping[str, Drawn]]) -> LabelCounts:
    """The counts of some scans, looked at one at a time. Each says of every structure how it is drawn."""
    names = tuple(structures)
    counters: dict[str, Counter[str]] = {name: Counter() for name in names}
    number = unlabelled = 0
    for scan in scans:
        number += 1
        unlabelled += all(scan[name].state is State.MISSING and not scan[name].made for name in names)
        for name, counter in counters.items():
            drawn = scan[name]
            absent = drawn.state is State.ABSENT
            counter["absent" if absent else drawn.made or "missing"] += 1
            counter["partly"] += bool(drawn.made) and not drawn.whole
    return LabelCounts({name: StructureCounts(**counter) for name, counter in counters.items()}, number, unlabelled)


@dataclass(frozen=True)
class Recommendation:
    """What to choose, as `Configuration` names it. reason: sentences for a clinician."""

    method: str
    doubtful: str
    bounds: tuple[str, ...]
    reason: str

    def to_json(self) -> dict[str, object]:
        choices = {"method": self.method, "doubtful": self.doubtful, "bounds": list(self.bounds)}
        return {**choices, "reason": self.reason}


Test = Callable[[LabelCounts], bool]
Words = Callable[[LabelCounts], str]


@dataclass(frozen=True)
class Rule:
    """Where `holds`, these choices (only those that the rule is about), because of what `why` says ('' says nothing)."""

    holds: Test
    choices: Mapping[str, object]
    why: Words


def _is_missing(item: StructureCounts) -> bool:
    return item.missing + item.partly > 0


def _is_quick(item: StructureCounts) -> bool:
    return item.quick > 0


def _cannot_be_judged(item: StructureCounts) -> bool:
    return item.quick > 0 and item.checked < ENOUGH_TRUSTED


def _can_be_bounded(item: StructureCounts) -> bool:
    # A size is learned from what is drawn completely.
    return item.missing > 0 and item.drawn - item.partly >= ENOUGH_FOR_BOUNDS and item.drawn < MANY_LABELLED


def _has_many_unlabelled(counts: LabelCounts) -> bool:
    return counts.unlabelled >= SHARE_UNLABELLED * counts.scans > 0


def _why_rounds(counts: LabelCounts) -> str:
    found = {name: counts.structures[name] for name in counts.named(_is_missing)}
    missing = listed([f"{name} in {item.missing + item.partly}" for name, item in found.items()])
    return (
        f"Not every structure is drawn in every scan (missing or drawn in part: {missing} of {scans(counts.scans)}). "
        "What the others teach is suggested there, and the surest of it is learned from again, in rounds."
    )


def _why_weigh(counts: LabelCounts) -> str:
    found = [
        f"{name} in {scans(counts.structures[name].quick)}, checked in {counts.structures[name].checked}"
        for name in counts.named(_is_quick)
    ]
    return f"Some labels were drawn quickly ({listed(found)}). Each place of them counts as far as the checked ones speak for it."


def _why_as_given(counts: LabelCounts) -> str:
    few = [f"{name} in {counts.structures[name].checked}" for name in counts.named(_cannot_be_judged)]
    return (
        f"Some labels were drawn quickly, but too few are checked to tell where they are wrong ({listed(few)}; "
        f"{ENOUGH_TRUSTED} are needed of each). Until then they count as they are. "
        "Checking a few more scans helps most."
    )


def _why_bounds(counts: LabelCounts) -> str:
    return (
        f"{counts.unlabelled} of {scans(counts.scans)} have no label at all, and {listed(counts.named(_can_be_bounded))} "
        "can be learned from few: the sizes in the labelled scans keep what is suggested in the others within what is usual."
    )


def _why_no_bounds(counts: LabelCounts) -> str:
    return (
        f"{counts.unlabelled} of {scans(counts.scans)} have no label at all. With {ENOUGH_FOR_BOUNDS} or more drawn scans of a structure "
        "its usual size could be learned, and keep what is suggested in the others within bounds."
    )


def _says_nothing(counts: LabelCounts) -> str:
    return ""


RULES: tuple[tuple[Rule, ...], ...] = (
    (
        Rule(
            lambda counts: not counts.named(lambda item: item.drawn > 0),
            {"method": "ambiguity-only"},
            lambda counts: "Nothing is drawn yet. Draw each structure in a few scans first.",
        ),
        Rule(
            lambda counts: not counts.named(_is_missing),
            {"method": "ambiguity-only"},
            lambda counts: "Every structure is labelled in every scan, so nothing has to be suggested.",
        ),
        Rule(lambda counts: True, {"method": "full"}, _why_rounds),
    ),
    (
        Rule(lambda counts: not counts.named(_is_quick), {"doubtful": "weigh"}, _says_nothing),
        Rule(
            lambda counts: bool(counts.named(_cannot_be_judged)),
            {"doubtful": "as-given"},
            _why_as_given,
        ),
        Rule(lambda counts: True, {"doubtful": "weigh"}, _why_weigh),
    ),
    (
        Rule(
            lambda counts: _has_many_unlabelled(counts) and bool(counts.named(_can_be_bounded)),
            {"bounds": ("size",)},
            _why_bounds,
        ),
        Rule(
            lambda counts: (
                _has_many_unlabelled(counts) and not counts.named(lambda item: item.drawn >= ENOUGH_FOR_BOUNDS)
            ),
            {"bounds": ()},
            _why_no_bounds,
        ),
        Rule(lambda counts: True, {"bounds": ()}, _says_nothing),
    ),
)
"""Of each group the first rule that holds: how what is missing is learned, what quick labels are worth, and what bounds suggestions."""


def recommend(counts: LabelCounts) -> Recommendation:
    """What suits these labels, and why. With nothing quick, or nothing missing, the choices that are about it have no effect."""
    rules = [next(rule for rule in group if rule.holds(counts)) for group in RULES]
    chosen: dict[str, object] = {}
    for rule in rules:
        chosen.update(rule.choices)
    reason = " ".join(filter(None, (rule.why(counts) for rule in rules)))
    return Recommendation(reason=reason, **chosen)  # type: ignore[arg-type]


def scans(number: int) -> str:
    """'1 scan', '5 scans'."""
    return f"{number} scan{'s' * (number != 1)}"


def listed(items: Collection[str]) -> str:
    """'Liver', 'Liver and Spleen', 'Liver, Spleen and 3 more'."""
    shown = list(items)
    if len(shown) > 3:
        shown = [*shown[:2], f"{len(shown) - 2} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
