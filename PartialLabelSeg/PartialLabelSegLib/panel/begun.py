"""Whether the run in the work folder was begun with the scans and choices of now, or has to be begun anew."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..data.importers import CohortChoices
from ..run.failure import Failure
from ..run.folder import RunFolder

RUN = "run"


def begun_otherwise(folder: Path, scans: Collection[str], choices: CohortChoices) -> str:
    """What is different from what the run knows, in a sentence; empty where it is the same, or nothing was begun yet.

    scans: the names of all that are to be learned from. choices: as they are now, see `choices_of`.
    """
    run = RunFolder(folder / RUN)
    if not run.head.exists():
        return ""
    try:
        head = run.read_head()
        known = [str(item["name"]) for item in head["cases"]]
        before = CohortChoices.from_json(head.get("choices", {}))
    except Failure as failure:
        return failure.sentence()
    except (KeyError, TypeError, ValueError, AttributeError):
        return "What was begun in the work folder cannot be read any more. Begin anew."
    changes = [
        *_named(sorted(set(scans) - set(known)), "added"),
        *_named(sorted(set(known) - set(scans)), "removed"),
    ]
    if _said(before) != _said(choices):
        changes.append("what is labelled, how it was made, or what a segment counts as, was changed")
    return f"Since learning began, {'; '.join(changes)}. Go on as it was begun, or begin anew." if changes else ""


def _named(names: list[str], what: str) -> list[str]:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [f"'{names[0]}'{more} {'were' if more else 'was'} {what}"] if names else []


def _said(choices: CohortChoices) -> Any:
    """Without the list of scans, which is compared by itself."""
    content = choices.to_json()
    return content["names"], content["states"], content["slices"], content.get("made", {})
