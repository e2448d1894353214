"""The expected volumes of `sizes.json`: as the worker wrote them, in a moment, and nothing where there are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panel.deciding import write_volumes
from PartialLabelSegLib.data.conformal import Band
from PartialLabelSegLib.data.sizes import Bands, CaseSizes, SizeTable, read_sizes, write_sizes
from PartialLabelSegLib.panel import expected_volumes
from PartialLabelSegLib.panel.expected_volumes import ExpectedVolumes, read_volumes
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.folder import RunFolder

BANDS = Bands(4.0, (Band(0.9, 30, 0.3, 5000.0), *(Band(0.9, 30, 4.0),) * 6))


def table(scans: int, structures: int, slices: int) -> SizeTable:
    chance = np.random.default_rng(3)
    names = ["slices", *(f"structure {number}" for number in range(1, structures))]
    cases = {
        f"CT {number}": {
            name: CaseSizes(chance.random(7) * 90_000, chance.random((slices, 5)).astype(np.float32)) for name in names
        }
        for number in range(scans)
    }
    return SizeTable((5.0, 1.0, 1.0), 0, dict.fromkeys(names, BANDS), cases)


def test_the_intervals_are_those_of_the_table_whatever_a_structure_is_called(tmp_path: Path) -> None:
    write_sizes(tmp_path / "sizes.json", table(3, 2, 4))
    oracle = read_sizes(tmp_path / "sizes.json")
    found = read_volumes(tmp_path / "sizes.json")
    assert set(found) == {(case, name) for case, row in oracle.cases.items() for name in row}
    for (case, name), interval in found.items():
        expected = oracle.volume_ml(case, name)
        assert expected is not None
        assert (interval.value, interval.low, interval.high) == pytest.approx(
            (expected.value, expected.low, expected.high)
        )


def test_a_structure_without_an_interval_is_not_spoken_of(tmp_path: Path) -> None:
    one = table(1, 2, 3)
    write_sizes(
        tmp_path / "sizes.json",
        SizeTable((5.0, 1.0, 1.0), 0, {**one.bands, "slices": Bands(1.0, (None,) * 7)}, one.cases),
    )
    assert set(read_volumes(tmp_path / "sizes.json")) == {("CT 0", "structure 1")}


def test_a_round_of_its_own_comes_first_and_a_change_is_seen(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    expected = ExpectedVolumes(run, 1)
    assert expected.now() == {}
    write_volumes(run.path / "sizes.json", {("CT 1", "Liver"): (3.0, 2.0, 4.0)})
    first = expected.now()
    assert first["CT 1", "Liver"].high == 4.0 and expected.now() is first
    write_volumes(run.round(1).path / "sizes.json", {("CT 1", "Liver"): (3.0, 2.5, 3.5)})
    assert expected.now()["CT 1", "Liver"].high == 3.5


def test_a_damaged_file_helps_nobody_and_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "sizes.json").write_text('{"format": 1, "cases": {"CT 1": {"Liver": 3}}}', encoding="utf-8")
    assert ExpectedVolumes(RunFolder(tmp_path), 0).now() == {}
    with pytest.raises(Failure, match=r"sizes\.json is damaged"):
        read_volumes(tmp_path / "sizes.json")


def test_of_a_large_cohort_only_a_small_part_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lists of single slices would halt the window."""
    write_sizes(tmp_path / "sizes.json", table(60, 12, 100))
    size, parsed = (tmp_path / "sizes.json").stat().st_size, []

    def loads(text: str) -> Any:
        parsed.append(len(text))
        return real(text)

    real = json.loads
    monkeypatch.setattr(expected_volumes.json, "loads", loads)
    assert len(read_volumes(tmp_path / "sizes.json")) == 720
    assert size > 2_000_000 and len(parsed) == 1 and parsed[0] < size / 5
