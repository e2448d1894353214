"""Expected against completed volumes: read, counted, warned of and drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from PartialLabelSegLib.data.conformal import Band
from PartialLabelSegLib.data.sizes import Bands, CaseSizes, SizeTable, write_sizes
from PartialLabelSegLib.report.collect import collect
from PartialLabelSegLib.report.html import render
from PartialLabelSegLib.report.sizes import expected_sizes, last_sizes, sizes, unexpected
from PartialLabelSegLib.report.tables import percent
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.folder import RunFolder
from report.fake_run import block_scans, write_run

BAND = Band(0.9, 12, math.log(2), floor=1e-9)
NAME = "Structure 1"
BLOCK_ML = 4 * 4 * 2 * 3 / 1000


def table_of(cases: dict[str, float], name: str = NAME) -> SizeTable:
    """Expected volumes [mL]; the interval reaches from half to twice."""
    bands = {name: Bands(1.0, (BAND, *(None,) * 6))}
    rows = {case: {name: CaseSizes(np.array([ml * 1000, 0, 0, 0, 1, 1, 1]))} for case, ml in cases.items()}
    return SizeTable((1.0, 1.0, 1.0), 0, bands, rows, learned_from={name: 12})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Five scans of blocks, all as large as expected, but in "scan 2" the first structure is missing and expected to be ten times as large as it was completed."""
    folder = write_run(tmp_path_factory.mktemp("sizes"), *block_scans(2, 5), rounds=1)
    completed = {case["name"]: case["structures"][NAME]["completed_ml"] for case in collect(folder)["cases"]}
    expected = {name: ml * (10 if name == "scan 2" else 1) for name, ml in completed.items()}
    write_sizes(folder.round(0).path / "sizes.json", table_of(expected))
    return folder


def test_the_report_holds_interval_and_volume_of_each_scan(run: RunFolder) -> None:
    found = collect(run)["sizes"]
    assert list(found) == [NAME] and found[NAME]["coverage"] == 0.9 and found[NAME]["scans"] == 12
    rows = {row["case"]: row for row in found[NAME]["cases"]}
    assert set(rows) == {f"scan {n}" for n in range(1, 6)}
    assert rows["scan 1"]["drawn"] and rows["scan 1"]["completed_ml"] == pytest.approx(BLOCK_ML)
    assert rows["scan 1"]["expected_ml"] == pytest.approx([BLOCK_ML, BLOCK_ML / 2, BLOCK_ML * 2], rel=1e-4)
    assert [name for name, row in rows.items() if row["outside"]] == ["scan 2"]


def completed_of(run: RunFolder, name: str) -> float:
    return next(
        float(case["structures"][NAME]["completed_ml"]) for case in collect(run)["cases"] if case["name"] == name
    )


def test_what_lies_outside_is_warned_of_in_words(run: RunFolder) -> None:
    warnings = [item for item in collect(run)["warnings"] if item.get("structure") == NAME]
    assert [item["case"] for item in warnings] == ["scan 2"]
    low, high = (10 * factor * completed_of(run, "scan 2") for factor in (0.5, 2))
    assert f"expected {low:.3g}–{high:.3g} mL" in warnings[0]["message"]


def test_the_page_shows_a_strip_with_a_bar_and_a_dot_for_each_scan(run: RunFolder) -> None:
    page = sizes(collect(run))
    strip = page[page.index("<h3>") :]
    assert strip.count("<rect") == 5 and strip.count("<circle") == 5
    assert "1 of 2 suggested outside" in strip and "scan 2: " in strip
    assert "Expected and completed volumes" in render(collect(run))


def test_a_drawn_volume_outside_its_interval_is_shown_and_not_warned_of() -> None:
    cases = [case_of("one", 1.0, "labelled"), case_of("two", 0.0, "missing"), case_of("three", 5.0, "missing")]
    found = expected_sizes(table_of({"one": 5.0, "two": 5.0, "three": 5.0}), cases)
    assert found is not None and [row["outside"] for row in found[NAME]["cases"]] == [True, True, False]
    assert [warning["case"] for _, warning in unexpected(found)] == ["two"]
    assert unexpected(found)[0][1]["message"].startswith("nothing was suggested")


def case_of(name: str, ml: float, state: str) -> dict[str, Any]:
    return {"name": name, "structures": {NAME: {"state": state, "completed_ml": ml}}}


def report_of(found: Any) -> dict[str, Any]:
    return {"structures": [{"name": NAME, "color": (0.9, 0.6, 0.0)}], "sizes": found}


def test_of_many_scans_all_that_lie_outside_are_shown_and_the_others_counted() -> None:
    cases = [case_of(f"scan {n}", 50.0 if n % 40 == 0 else 5.0, "missing") for n in range(200)]
    found = expected_sizes(table_of({case["name"]: 5.0 for case in cases}), cases)
    page = sizes(report_of(found))
    assert "5 of 200 suggested outside; 130 scans inside not shown" in page
    strip = page[page.index("<h3>") :]
    assert strip.count("<rect") == 70 and strip.count("--alarm") == 10


def test_true_sizes_have_no_coverage_and_are_drawn_all_the_same() -> None:
    state = {"state": "missing", "completed_ml": 2.0}
    table = replace(table_of({"a": 2.0}), bands={}, exact=True)
    found = expected_sizes(table, [{"name": "a", "structures": {NAME: state}}])
    assert found is not None and found[NAME]["coverage"] is None
    page = sizes({"sizes": found, "structures": [{"name": NAME}]})
    assert f"in {percent(1.0)} of scans" in page and "0 of 1 suggested outside" in page


def test_a_wide_interval_does_not_flatten_the_rest() -> None:
    cases = [case_of("one", 5.0, "missing"), case_of("two", 6.0, "missing")]
    found = expected_sizes(table_of({"one": 5.0, "two": 5.0}), cases)
    assert found is not None
    found[NAME]["cases"][0]["expected_ml"][2] = 5000.0
    page = sizes(report_of(found))
    dots = [float(part.split('"')[0]) for part in page[page.index("<h3>") :].split('cy="')[1:]]
    assert max(dots) < 145


def test_a_run_without_regressed_sizes_says_nothing(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert last_sizes(run, 2) is None and expected_sizes(None, []) is None
    assert sizes(report_of(None)) == "" and sizes(report_of({})) == ""


def test_damaged_sizes_are_a_failure(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.round(1).path.mkdir(parents=True)
    (run.round(1).path / "sizes.json").write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(Failure, match=r"sizes\.json is damaged"):
        last_sizes(run, 2)
