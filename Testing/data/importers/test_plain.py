"""Scans without any drawing as a data set: each is one case of which nothing is known, alone or beside data sets with drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.manifests import MASKS, write
from data.small_scans import OBLIQUE, STRAIGHT, blocks, write_segments, write_volume
from PartialLabelSegLib.data.importers import CohortChoices, read_cohorts
from PartialLabelSegLib.data.types import State, structures_named
from PartialLabelSegLib.run.failure import Failure

KNOWN = structures_named(["Liver", "Spleen"])


def test_a_folder_of_scans_is_one_case_each_and_nothing_is_known(tmp_path: Path) -> None:
    for name in ("b.nrrd", "a.nii.gz", ".hidden.nrrd"):
        write_volume(tmp_path / name, OBLIQUE)
    (tmp_path / "notes.txt").write_text("no scan", encoding="utf-8")
    cohort = read_cohorts((tmp_path,), plain=KNOWN)
    assert [(source.case, source.split) for source in cohort.sources] == [("a", "test"), ("b", "test")]
    assert cohort.structures == KNOWN and not cohort.problems
    labels = cohort.sources[0].read_labels(OBLIQUE)
    assert not labels.label_map.any() and [labels.state(name) for name in labels.structures] == [State.MISSING] * 2


def test_one_scan_is_a_case(tmp_path: Path) -> None:
    write_volume(tmp_path / "a scan.nrrd", STRAIGHT)
    (source,) = read_cohorts((tmp_path / "a scan.nrrd",), plain=KNOWN).sources
    assert source.case == "a scan" and source.read_image().GetSize() == STRAIGHT.size


def test_of_two_scans_of_one_name_the_first_is_taken(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "a.nrrd"):
        write_volume(tmp_path / name, OBLIQUE)
    cohort = read_cohorts((tmp_path,), plain=KNOWN)
    assert len(cohort.sources) == 1
    (problem,) = cohort.problems
    assert (problem.case, problem.severity) == ("a", "warning") and "a.nrrd has the name of another" in problem.message


def test_where_no_scan_is_it_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Failure, match=r"empty holds no scan\. Give a scan"):
        read_cohorts((tmp_path / "empty",), plain=KNOWN)
    with pytest.raises(Failure, match="no data set that is understood"):
        read_cohorts((tmp_path / "empty",))


def test_data_sets_with_drawings_are_read_as_ever_and_joined_with_it(tmp_path: Path) -> None:
    plain, drawn = tmp_path / "plain", tmp_path / "drawn"
    plain.mkdir()
    write_volume(plain / "p.nrrd", OBLIQUE)
    drawn.mkdir()
    write_volume(drawn / "d.nrrd", OBLIQUE)
    write_segments(drawn / "d.seg.nrrd", OBLIQUE, blocks(OBLIQUE, Leber=(0, 0, 0)))
    table = write(tmp_path / "table", "A,ct.nrrd,labels.nii.gz,labelled,labelled,labelled", "B,ct.nrrd,,,")
    choices = CohortChoices(
        names={"d": {"Leber": "Liver"}}, states={"p": {"Spleen": State.ABSENT}}, leave_out=frozenset({"B"})
    )
    cohort = read_cohorts((plain, drawn, table), choices=choices, plain=KNOWN)
    sources = {source.case: source for source in cohort.sources}
    assert set(sources) == {"p", "d", "A"}
    assert [item.name for item in cohort.structures] == ["Liver", "Spleen", "Tumour"]
    assert sources["p"].read_labels(OBLIQUE).state("Spleen") is State.ABSENT
    assert sources["d"].read_labels(OBLIQUE).voxels("Liver") == 8
    np.testing.assert_array_equal(sources["A"].read_labels(OBLIQUE).positive("Liver"), MASKS["Liver"])
