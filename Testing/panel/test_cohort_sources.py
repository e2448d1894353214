"""Lines of the table from the scene and from data sets on disk: what is found, what is odd, and names that clash."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.small_scans import OBLIQUE, blocks, label_map, write_volume
from panel.table_samples import Drawn
from PartialLabelSegLib.data.check import check_cohort
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.panel.cohort_sources import (
    DataSetRead,
    Known,
    Look,
    SceneScan,
    data_set_of,
    free_name,
    scan_of_scene,
    with_data_set,
    with_scene_scan,
)
from PartialLabelSegLib.panel.state import PanelState, Scan
from PartialLabelSegLib.run.failure import Failure


def seen(*segments: Drawn) -> tuple[Scan, Known]:
    return scan_of_scene(SceneScan("CT", "volume", "segmentation", segments))


def state_tag(word: str) -> dict[str, str]:
    return {"PartialLabelSeg.State": word}


def test_a_drawn_segment_is_labelled_and_tags_may_say_otherwise() -> None:
    scan, known = seen(
        Drawn("Liver", terminology="code"),
        Drawn("Spleen", tags=state_tag("some slices")),
        Drawn("Uterus", tags=state_tag("absent"), empty=True),
        Drawn("Heart", tags=state_tag("missing"), empty=True),
    )
    assert scan.found == {"Liver": "labelled", "Spleen": "some slices", "Uterus": "absent", "Heart": "missing"}
    assert scan.problems == () and known.problems == () and known.usable
    assert known.looks["Liver"] == Look((0.1, 0.2, 0.3), "code")


@pytest.mark.parametrize(
    ("segment", "state", "words"),
    [
        (Drawn("Liver", empty=True), "missing", "'Liver' is empty: it counts as not labelled"),
        (Drawn("Liver", tags=state_tag("absent")), "labelled", "says 'absent', but it is drawn"),
        (Drawn("Liver", tags=state_tag("nonsense")), "labelled", "The tag 'nonsense' of 'Liver' is not understood"),
        (
            Drawn("Liver", tags={"PartialLabelSeg.Origin": "accepted"}),
            "labelled",
            "was suggested earlier, not drawn by an expert",
        ),
    ],
)
def test_what_is_odd_about_a_segment_is_a_sentence_beside_the_scan(segment: Drawn, state: str, words: str) -> None:
    scan, known = seen(segment)
    assert scan.found == {"Liver": state}
    (problem,) = known.problems
    assert problem.severity == "warning" and problem.structure == "Liver" and words in problem.sentence
    assert scan.problems == (problem.sentence,) and known.usable


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ((Drawn("Liver"), Drawn("Liver")), "Two segments are called 'Liver'"),
        ((Drawn("Labels"),), "A segment cannot be called 'Labels'"),
    ],
)
def test_segments_that_cannot_be_written_are_errors(segments: tuple[Drawn, ...], words: str) -> None:
    _, known = seen(*segments)
    assert not known.usable and words in known.problems[0].sentence


def test_a_scan_without_a_segmentation_is_fine_and_an_empty_segmentation_is_pointed_out() -> None:
    scan, known = scan_of_scene(SceneScan("CT", "volume"))
    assert scan.found == {} and known.problems == ()
    _, empty = seen()
    assert "has no segment" in empty.problems[0].sentence and empty.usable


def test_a_scan_whose_volume_is_gone_or_odd_cannot_be_used() -> None:
    _, gone = scan_of_scene(SceneScan("CT", ""))
    _, odd = scan_of_scene(SceneScan("CT", "volume", problems=("It holds 3 values a voxel.",)))
    assert not gone.usable and "not in the scene any more" in gone.problems[0].sentence
    assert not odd.usable and odd.problems[0].sentence == "It holds 3 values a voxel."


def test_scans_of_one_name_get_a_number() -> None:
    state = PanelState()
    for volume in ("v1", "v2", "v3"):
        state = with_scene_scan(state, Scan("CT", volume))
    assert [scan.name for scan in state.scans] == ["CT", "CT (2)", "CT (3)"]
    again = with_scene_scan(state, Scan("CT", "v2", "s", found={"Liver": "labelled"}))
    assert [scan.segmentation for scan in again.scans] == ["", "s", ""]
    assert again.scans[1].found == {"Liver": "labelled"} and again.scans[1].name == "CT (2)"


@pytest.mark.parametrize(
    ("name", "free"), [("CT", "CT (2)"), (" MR\n", "MR"), ("", "scan"), ("*", "scan"), ("T2*", "T2*")]
)
def test_a_free_name_is_fit_for_a_case(name: str, free: str) -> None:
    assert free_name(name, ["CT"]) == free


def checked(folder: Path, *lines: str) -> Any:
    """What `check --json` says of a manifest, as it comes through a pipe."""
    write_volume(folder / "ct.nrrd", OBLIQUE)
    write_volume(folder / "labels.nrrd", OBLIQUE, label_map(blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(0, 3, 4))))
    (folder / "cases.csv").write_text(
        "\n".join(["case,image,labels,Liver,Spleen,slices", *lines]) + "\n", encoding="utf-8"
    )
    return json.loads(json.dumps(check_cohort(read_cohort(folder)).to_json()))


def test_a_data_set_on_disk_becomes_lines_with_remarks_and_problems(tmp_path: Path) -> None:
    table = checked(
        tmp_path,
        'a,ct.nrrd,labels.nrrd,labelled,labelled,"Spleen: 0-1,3"',
        "b,ct.nrrd,,missing,absent,",
        "c,nowhere.nrrd,,,,",
        ",ct.nrrd,,,,",
    )
    read = data_set_of(str(tmp_path), table)
    assert [scan.name for scan in read.scans] == ["a", "b", "c"]
    assert read.scans[0].found == {"Liver": "labelled", "Spleen": "some slices"}
    assert read.scans[1].found == {"Liver": "missing", "Spleen": "absent"}
    assert read.known["a"].remarks == {"Liver": "0.0126 mL", "Spleen": "3 of 4 slices, 0.0126 mL"}
    assert read.known["a"].looks["Spleen"].color == tuple(table["looks"]["Spleen"]["color"])
    assert read.known["b"].usable and not read.known["c"].usable
    assert read.known["c"].problems[0].sentence.startswith("Its image 'nowhere.nrrd' is missing.")
    assert [problem.severity for problem in read.problems] == ["error"] and "has no case name" in read.problems[
        0
    ].sentence
    state = with_data_set(PanelState(), read)
    assert [scan.source for scan in state.scans] == [str(tmp_path)] * 3


def test_a_sentence_does_not_begin_with_a_changed_file_name(tmp_path: Path) -> None:
    (tmp_path / "x.nrrd").write_text("no image", encoding="utf-8")
    read = data_set_of("x", checked(tmp_path, "a,x.nrrd,,,,"))
    assert read.known["a"].problems[0].sentence.startswith("x.nrrd ")


@pytest.mark.parametrize("table", [[], {}, {"problems": [], "cases": [{}]}, {"problems": None, "cases": []}, "error"])
def test_what_is_no_check_is_a_sentence(table: Any) -> None:
    with pytest.raises(Failure, match="What the worker said of 'scans' is not understood"):
        data_set_of("data/scans", table)


def data(source: str, *names: str, **found: str) -> DataSetRead:
    return DataSetRead(source, tuple(Scan(name, source=source, found=dict(found)) for name in names), {})


def test_a_data_set_that_is_read_again_keeps_what_was_said() -> None:
    state = with_data_set(PanelState(), data("A", "a", "b", Liver="labelled"))
    state = state.with_scan(replace(state.scans[0], states={"Liver": "missing"}))
    again = with_data_set(state, data("A", "a", "c", Liver="labelled", Spleen="labelled"))
    assert [scan.name for scan in again.scans] == ["a", "b", "c"]
    assert again.scans[0].states == {"Liver": "missing"} and set(again.scans[0].found) == {"Liver", "Spleen"}
    assert again.scans[1].problems == ("It is not in its data set any more. Remove this line.",)


def test_a_scan_of_the_scene_gives_way_to_one_on_disk_of_its_name() -> None:
    state = PanelState(scans=(Scan("a", "v1"), Scan("b", "v2")), scan="a")
    both = with_data_set(state, data("A", "a", "a (2)"))
    assert [(scan.name, scan.volume) for scan in both.scans] == [("a (3)", "v1"), ("b", "v2"), ("a", ""), ("a (2)", "")]


def test_two_data_sets_with_a_scan_of_one_name_are_refused_with_a_sentence() -> None:
    state = with_data_set(PanelState(), data("first/scans", "a"))
    with pytest.raises(
        Failure, match="Case 'a': a scan of this name is in 'first/scans' and in 'second/scans', so the second"
    ):
        with_data_set(state, data("second/scans", "a", "b"))
    with pytest.raises(Failure, match="is in 'scans' and in 'more'"):
        with_data_set(state, data("second/more", "a"))


def test_remarks_of_what_is_drawn_in_part_say_so() -> None:
    cell = {"state": "missing", "voxels": 3, "ml": 1480.2, "slices": 0, "slices_of": 0}
    row = {"case": "a", "structures": {"Liver": cell, "Spleen": {**cell, "voxels": 0}}}
    read = data_set_of("x", {"problems": [], "cases": [row]})
    assert read.known["a"].remarks == {"Liver": "drawn in part, 1480 mL", "Spleen": ""}
