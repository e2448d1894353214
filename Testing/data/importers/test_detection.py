"""Which format a path is taken for, and the sentence where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.small_scans import STRAIGHT, blocks, write_segments, write_volume
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.run.failure import Failure


def test_a_manifest_goes_before_everything_else_in_its_folder(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", STRAIGHT)
    write_segments(tmp_path / "a.seg.nrrd", STRAIGHT, blocks(STRAIGHT, Liver=(0, 0, 0)))
    assert read_cohort(tmp_path).format == "segmentations"
    (tmp_path / "cases.csv").write_text("case,image,labels,Liver\nA,a.nrrd,a.seg.nrrd,labelled\n", encoding="utf-8")
    assert read_cohort(tmp_path).format == "manifest"


@pytest.mark.parametrize("name", ["", "notes.txt", "a.nrrd", "gone"])
def test_what_is_not_understood_is_answered_with_what_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    write_volume(tmp_path / "a.nrrd", STRAIGHT)
    with pytest.raises(Failure) as caught:
        read_cohort(tmp_path / name)
    for word in ("cases.csv", "dataset.json", ".seg.nrrd", "pt_*/ct.csv"):
        assert word in str(caught.value)


def test_another_word_for_absent_is_our_own_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="absent must be"):
        read_cohort(tmp_path, "no")
