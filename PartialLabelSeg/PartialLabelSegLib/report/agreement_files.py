"""The agreement of raters as files of one folder: `agreement.json`, `agreement.txt`, and a chart per structure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..data.case import safe_name
from ..metrics.agreement import Agreement
from ..metrics.agreement_table import format_agreement
from ..run.files import write_json, write_text
from .agreement import agreement_chart
from .svg_file import svg_file


def write_agreement(folder: Path, results: Sequence[Agreement]) -> tuple[Path, ...]:
    """Writes `agreement.json` (all structures), `agreement.txt` (the tables) and `agreement-<structure>.svg`; returns the paths in this order."""
    names = [safe_name(result.structure) for result in results]
    # Two structures may differ in letters only that no file name has.
    stems = [name if names.count(name) == 1 else f"{name}-{number}" for number, name in enumerate(names, 1)]
    charts = [folder / f"agreement-{stem}.svg" for stem in stems]
    table, numbers = folder / "agreement.txt", folder / "agreement.json"
    write_json(numbers, {"format": 1, "structures": {result.structure: result.to_json() for result in results}})
    write_text(table, "\n\n\n".join(format_agreement(result) for result in results) + "\n")
    for path, result in zip(charts, results):
        write_text(path, svg_file(agreement_chart(result)))
    return numbers, table, *charts
