"""Which predicted segmentation belongs to which reference: files matched by the name of their case.

A case's name is the file's without its ending, and without a word such as `_oar`, `_label` or `_seg` at its end. A folder may also
hold scans and maps beside the segmentations (`a_ct`, `a_0000`, `a.confidence` beside `a_oar` or `a`); those are passed over.
Where a case has several segmentations, one whose name ends on such a word, or `.seg.nrrd`, comes first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..run.failure import Failure

ENDINGS = (".seg.nrrd", ".nrrd", ".nii.gz", ".nii", ".mha", ".mhd")
_LABEL_WORD = re.compile(r"[._-](oar|labels?|labelmap|seg|segmentation|mask|gt|truth|pred|prediction|completed)$", re.I)
_OTHER_WORD = re.compile(
    r"(\d{4}|image|img|ct|mri?|scan|scribbles?|readers|confidence|probability|uncertainty|instances)$", re.I
)
_LAST_WORD = re.compile(r"[._-]([^._-]+)$")


@dataclass(frozen=True)
class Pair:
    """One case with the files of its prediction, its reference and, where there is one, the prediction's confidence."""

    case: str
    predicted: Path
    reference: Path
    confidence: Path | None = None


@dataclass(frozen=True)
class Missing:
    """What one side lacks: a structure of a case, or the whole case where `structure` is empty."""

    case: str
    structure: str
    missing_from: str

    def __post_init__(self) -> None:
        if self.missing_from not in ("prediction", "reference"):
            raise ValueError(f"missing_from must be 'prediction' or 'reference', got {self.missing_from!r}.")


@dataclass(frozen=True)
class Note:
    """Something about a case that a reader of its measures should know, said in a sentence's second half."""

    case: str
    text: str


@dataclass(frozen=True)
class Pairing:
    """The cases that both sides have, those that only one has, and what a reader should know."""

    pairs: tuple[Pair, ...]
    missing: tuple[Missing, ...] = ()
    notes: tuple[Note, ...] = ()


def pair_cases(predicted: Path, reference: Path) -> Pairing:
    """Match two files (whatever their names), two folders, or a file with its case in a folder.

    Raises Failure where a path does not exist, holds no segmentation, or no case is on both sides.
    """
    if predicted.is_file() and reference.is_file():
        case = case_name(reference)
        return Pairing((Pair(case, _checked(predicted), _checked(reference), _confidence(predicted)),))
    sides = {"prediction": _segmentations(predicted), "reference": _segmentations(reference)}
    left, right = sides["prediction"], sides["reference"]
    common = sorted(left.keys() & right.keys(), key=_natural)
    if not common:
        raise Failure(
            f"No case is in both {predicted.name} ({_few(left)}) and {reference.name} ({_few(right)}).",
            way_out="Name the files of one case alike, apart from an ending such as _seg or _label.",
        )
    # One file against a folder asks for that case only.
    whole = predicted.is_dir() and reference.is_dir()
    missing = [Missing(case, "", "reference") for case in left.keys() - right.keys() if whole]
    missing += [Missing(case, "", "prediction") for case in right.keys() - left.keys() if whole]
    return Pairing(
        pairs=tuple(Pair(case, left[case][0], right[case][0], _confidence(left[case][0])) for case in common),
        missing=tuple(sorted(missing, key=lambda item: _natural(item.case))),
        notes=tuple(
            _choice(case, side, sides[side][case]) for case in common for side in sides if sides[side][case][1:]
        ),
    )


def case_name(path: Path) -> str:
    """The file's name without its ending and without words such as `_seg` at its end."""
    return _split(path)[0]


def stem(path: Path) -> str:
    """The file's name without the ending of its format; all of it where that is none of ENDINGS."""
    lowered = path.name.lower()
    return next((path.name[: -len(ending)] for ending in ENDINGS if lowered.endswith(ending)), path.name)


def _split(path: Path) -> tuple[str, bool]:
    """The case's name, and whether the file's name says that it is a segmentation."""
    name, said = stem(path), path.name.lower().endswith(ENDINGS[0])
    while (word := _LABEL_WORD.search(name)) and word.start() > 0:
        name, said = name[: word.start()], True
    return name, said


def _segmentations(path: Path) -> dict[str, list[Path]]:
    """The segmentations of a file or folder by case, the one to use first, and only such others as might be meant too."""
    if path.is_file():
        return {case_name(path): [_checked(path)]}
    if not path.is_dir():
        raise Failure(f"{path.name} does not exist.", way_out="Give a file or a folder of segmentations.")
    cases: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(path.iterdir(), key=_preference):
        if file.is_file() and not file.name.startswith(".") and file.name.lower().endswith(ENDINGS):
            cases[case_name(file)].append(file)
    found = {case: _rivals(files) for case, files in cases.items() if not _belongs_to_another(case, cases)}
    if not found:
        raise Failure(
            f"{path.name} holds no segmentation.", way_out=f"Files that can be read end on {', '.join(ENDINGS)}."
        )
    return found


def _preference(path: Path) -> tuple[bool, int, str]:
    ending = next((at for at, ending in enumerate(ENDINGS) if path.name.lower().endswith(ending)), len(ENDINGS))
    return (not _split(path)[1], ending, path.name)


def _rivals(files: list[Path]) -> list[Path]:
    """The first file, and the others that are called segmentations as clearly: of those a person may have meant another."""
    return files[:1] + [file for file in files[1:] if _split(file)[1]]


def _belongs_to_another(case: str, cases: dict[str, list[Path]]) -> bool:
    """Whether a file is the scan or a map of another case in the folder: that case's name and one more word."""
    word = _LAST_WORD.search(case)
    owner = cases.get(case[: word.start()]) if word else None
    if word is None or not owner or any(_split(file)[1] for file in cases[case]):
        return False
    return bool(_OTHER_WORD.match(word.group(1))) or _split(owner[0])[1]


def _confidence(predicted: Path) -> Path | None:
    """The file beside the prediction that is called as its case (or as itself) and then `.confidence` or `_confidence`."""
    names = (f"{name}{mark}confidence" for name in (case_name(predicted), stem(predicted)) for mark in "._-")
    paths = (predicted.with_name(f"{name}{ending}") for name in names for ending in ENDINGS)
    return next((path for path in paths if path.is_file()), None)


def _checked(path: Path) -> Path:
    if not path.name.lower().endswith(ENDINGS):
        raise Failure(
            f"{path.name} is no segmentation.", way_out=f"Files that can be read end on {', '.join(ENDINGS)}."
        )
    return path


def _choice(case: str, side: str, files: list[Path]) -> Note:
    others = ", ".join(path.name for path in files[1:])
    return Note(case, f"of several files for the {side}, {files[0].name} was taken and not {others}.")


def _few(cases: Iterable[str]) -> str:
    names = sorted(cases, key=_natural)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts case 2 before case 10."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)
