"""Several data sets and a file of choices on the command line: what is checked, what comes into the run, and when a run goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.conftest import GRID, QUICK, Said, ball_scan, here, tiny
from PartialLabelSegLib.begin import read_run
from PartialLabelSegLib.data.case import read_case
from PartialLabelSegLib.data.label_files import read_array, write_image
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.seg_nrrd import Segment, read_seg_nrrd, write_seg_nrrd
from PartialLabelSegLib.run.folder import RunFolder

CHOICES = {
    "format": 1,
    "names": {"other1": {"Leber": "Liver"}},
    "states": {"scan0": {"Liver": "missing"}, "other0": {"Milz": "some slices"}},
    "leave_out": ["scan5"],
}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two more scans, as Slicer saves them: one with 'Liver' and 'Milz', one in which the liver is called 'Leber'."""
    folder = tmp_path_factory.mktemp("second")
    for number, names in enumerate((("Liver", "Milz"), ("Leber",))):
        image, truth = ball_scan(20 + number)
        segments = [
            Segment(f"S{value}", name, (0.1 * value, 0.5, 0.5), "", truth == value)
            for value, name in enumerate(names, 1)
        ]
        write_image(folder / f"other{number}.nrrd", GRID.image(image))
        write_seg_nrrd(folder / f"other{number}.seg.nrrd", segments, GRID)
    return folder


def write(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def choices(tmp_path: Path) -> Path:
    return write(tmp_path / "choices.json", CHOICES)


def complete(cohort: Path, second: Path, out: Path, *more: str | Path) -> list[str]:
    first, *rest = tiny(cohort, out)
    return [first, rest[0], str(second), *rest[1:], *map(str, more)]


def begun(*arguments: str | Path) -> Said:
    """The command until the first steps of learning, where it is cancelled."""
    out = Path(arguments[[str(word) for word in arguments].index("--out") + 1])

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "estimate":
            (out / "cancel").touch()

    return here(*arguments, watch=stop)


def labels_in(run: Path) -> dict[str, Labels]:
    folder = RunFolder(run)
    return {name: read_case(folder.case(place)).labels() for name, place, _ in read_run(folder).cases}


def test_a_check_of_two_data_sets_shows_what_the_choices_make_of_them(
    ball_cohort: Path, second: Path, choices: Path
) -> None:
    done = here("check", ball_cohort, second, "--choices", choices, "--json")
    table = json.loads(done.out)
    assert done.status == 0, done.out
    assert table["format"] == "manifest + segmentations" and table["structures"] == ["Liver", "Spleen", "Milz"]
    found = {row["case"]: {name: cell["state"] for name, cell in row["structures"].items()} for row in table["cases"]}
    assert found["scan0"] == {"Liver": "missing", "Spleen": "missing", "Milz": "missing"}
    assert found["other0"] == {"Liver": "labelled", "Spleen": "missing", "Milz": "some slices"}
    assert found["other1"] == {"Liver": "labelled", "Spleen": "missing", "Milz": "missing"}
    assert "scan5" not in found and len(found) == 7
    assert [(item["severity"], item["case"], item["structure"]) for item in table["problems"]] == [
        ("warning", "scan0", "Liver")
    ]
    assert table["looks"]["Milz"] == {"color": [0.2, 0.5, 0.5], "terminology": ""}
    shown = here("check", ball_cohort, second, "--choices", choices)
    assert shown.status == 0 and "chosen to be missing" in shown.out


def test_choices_that_do_not_fit_are_one_sentence(ball_cohort: Path, second: Path, tmp_path: Path) -> None:
    wrong = write(tmp_path / "wrong.json", {"states": {"scan0": {"Livre": "missing"}}})
    out = tmp_path / "run"
    for arguments in (
        ["check", ball_cohort, second, "--choices", wrong],
        complete(ball_cohort, second, out, "--choices", wrong),
    ):
        done = here(*arguments)
        assert done.status == 1 and "Perhaps 'Liver' is meant. Correct its name in the choices" in done.message
        assert str(tmp_path) not in done.message
    assert not (out / "run.json").exists()
    gone = here(*complete(ball_cohort, second, tmp_path / "other", "--choices", tmp_path / "no.json"))
    assert gone.status == 1 and gone.message == "There is no file no.json with choices. Correct --choices."
    assert not (tmp_path / "other").exists()


def test_one_name_in_two_data_sets_is_one_sentence(ball_cohort: Path, second: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(second, tmp_path / "again"))
    shutil.move(again / "other1.nrrd", again / "scan1.nrrd")
    shutil.move(again / "other1.seg.nrrd", again / "scan1.seg.nrrd")
    done = here("check", ball_cohort, again)
    assert done.status == 1 and f"is in '{ball_cohort.name}' and in 'again'" in done.message


def test_a_run_learns_from_what_was_chosen_and_goes_on_only_with_the_same_choices(
    ball_cohort: Path, second: Path, choices: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    arguments = complete(ball_cohort, second, out, "--choices", choices)
    assert begun(*arguments).status == 3
    labels = labels_in(out)
    assert set(labels) == {"scan0", "scan1", "scan2", "scan3", "scan4", "other0", "other1"}
    assert labels["scan0"].voxels("Liver") == 0 and not labels["scan0"].is_known("Liver")
    np.testing.assert_array_equal(labels["other1"].positive("Liver"), ball_scan(21)[1] == 1)
    np.testing.assert_array_equal(labels["scan1"].positive("Spleen"), ball_scan(1)[1] == 2)
    on_slices = np.flatnonzero((ball_scan(20)[1] == 2).any(axis=(1, 2)))
    assert labels["other0"].slices["Milz"].indices == tuple(on_slices)

    changed = write(tmp_path / "changed.json", {**CHOICES, "leave_out": []})
    refused = here(*complete(ball_cohort, second, out, "--choices", changed))
    assert refused.status == 1
    assert refused.message.startswith(
        "run was begun with other choices than changed.json holds now. Leave out --choices"
    )
    # The same said in another order, no file at all, and no data set: each goes on.
    reordered = write(tmp_path / "same.json", dict(reversed(list(CHOICES.items()))))
    shutil.rmtree(out / "cases" / "other1")
    for last in (["--choices", str(reordered)], []):
        (out / "cancel").touch()
        assert here(*complete(ball_cohort, second, out, *last)).status == 3
    (out / "cancel").touch()
    assert here("complete", "--out", out).status == 3
    # The case that was lost came back as it had been chosen.
    np.testing.assert_array_equal(labels_in(out)["other1"].positive("Liver"), ball_scan(21)[1] == 1)


def test_a_run_that_was_begun_without_choices_takes_none_later(
    ball_cohort: Path, second: Path, choices: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert begun(*complete(ball_cohort, second, out)).status == 3
    assert "begun with other choices" in here(*complete(ball_cohort, second, out, "--choices", choices)).message
    nothing = write(tmp_path / "nothing.json", {"format": 1})
    (out / "cancel").touch()
    assert here(*complete(ball_cohort, second, out, "--choices", nothing)).status == 3


def test_what_an_expert_drew_is_unchanged_in_the_completed_scans_and_what_was_kept_out_is_in_its_file(
    ball_cohort: Path, second: Path, choices: Path, tmp_path: Path
) -> None:
    before = {
        path: path.read_bytes() for folder in (ball_cohort, second) for path in folder.rglob("*") if path.is_file()
    }
    plan = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    done = here(*complete(ball_cohort, second, tmp_path / "run", "--choices", choices, "--rounds", "1", *plan))
    assert done.status == 0, done.out[-2000:]
    completed = tmp_path / "run" / "completed"
    found = {path.name.split(".")[0]: read_seg_nrrd(path) for path in completed.glob("*.seg.nrrd")}
    assert set(found) == {"scan0", "scan1", "scan2", "scan3", "scan4", "other0", "other1"}
    expert = {
        ("scan1", "Spleen"): (1, 2),
        ("scan2", "Liver"): (2, 1),
        ("other1", "Liver"): (21, 1),
        ("other0", "Liver"): (20, 1),
    }
    for (case, name), (seed, value) in expert.items():
        segment = next(item for item in found[case].segments if item.name == name)
        assert segment.tags["PartialLabelSeg.Origin"] == "expert"
        np.testing.assert_array_equal(segment.mask, ball_scan(seed)[1] == value)
    # The liver that was chosen as missing is completed as if it had not been drawn.
    liver = next(item for item in found["scan0"].segments if item.name == "Liver")
    assert "expert" not in liver.tags["PartialLabelSeg.Origin"]
    assert read_array(completed / "scan0.nii.gz").shape == GRID.shape
    assert {path: path.read_bytes() for path in before} == before
