"""The working data set: what lies in the folder, that the worker reads from it what the table says, and that nothing stale is left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from data.small_scans import OBLIQUE, blocks, write_segments, write_volume
from PartialLabelSegLib.data.check import check_cohort
from PartialLabelSegLib.data.importers import read_choices, read_cohorts
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.panel.cohort_edits import cycled, merged, renamed, with_states
from PartialLabelSegLib.panel.gather import Gathered, Writer, gathered
from PartialLabelSegLib.panel.state import PanelState, Scan
from PartialLabelSegLib.panel.steps import Steps, finish_now
from PartialLabelSegLib.run.failure import Failure

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(0, 3, 4), Leber=(2, 1, 2))
CODE = "list~SCT^1^A~SCT^10200004^Liver"


@dataclass(frozen=True)
class Drawn:
    name: str
    color: tuple[float, float, float] = (0.1, 0.2, 0.3)
    terminology: str = CODE
    tags: Mapping[str, str] = field(default_factory=dict)
    empty: bool = False


@dataclass
class Scene:
    """Stands for a scene: what is drawn in each scan, how often it was written, and how old it is."""

    drawn: dict[str, tuple[Drawn, ...]]
    written: list[str] = field(default_factory=list)
    age: dict[str, int] = field(default_factory=dict)
    broken: str = ""

    def write(self, scan: Scan, folder: Path, stem: str) -> Steps[Sequence[Drawn]]:
        yield 0.5
        if scan.name == self.broken:
            raise Failure("it cannot be written.", case=scan.name)
        write_volume(folder / f"{stem}.nrrd", OBLIQUE)
        segments = self.drawn[scan.name]
        path = folder / f"{stem}.seg.nrrd"
        path.unlink(missing_ok=True)
        if segments:
            empty = np.zeros(OBLIQUE.shape, bool)
            masks = {item.name: empty if item.empty else MASKS.get(item.name, MASKS["Liver"]) for item in segments}
            write_segments(path, OBLIQUE, masks, {item.name: item.tags for item in segments})
        self.written.append(f"{scan.name} as {stem}")
        return segments

    def writer(self) -> Writer:
        return Writer(self.write, lambda scan: f"today {scan.volume} {self.age.get(scan.name, 0)}")


@pytest.fixture
def scene() -> Scene:
    some = {"PartialLabelSeg.State": "some slices"}
    listed = {**some, "PartialLabelSeg.Slices": "0-2"}
    return Scene(
        {
            "Doe, Jane": (Drawn("Liver"), Drawn("Spleen", terminology="")),
            "two": (Drawn("Leber", tags=some),),
            "three": (
                Drawn("Liver", tags=listed),
                Drawn("Spleen", tags={"PartialLabelSeg.State": "absent"}, empty=True),
            ),
            "bare": (),
        }
    )


STATE = PanelState(
    scans=(
        Scan("Doe, Jane", "v1", "s1", found={"Liver": "labelled", "Spleen": "labelled"}),
        Scan("two", "v2", "s2", found={"Leber": "some slices"}),
        Scan("three", "v3", "s3", found={"Liver": "some slices", "Spleen": "absent"}),
        Scan("bare", "v4"),
    )
)


def gather(state: PanelState, folder: Path, scene: Scene) -> Gathered:
    return finish_now(gathered(state.scans, folder, scene.writer()))


def states_read(found: Gathered) -> dict[str, dict[str, str]]:
    """What the worker makes of it, per scan and structure."""
    table = check_cohort(read_cohorts(found.data_sets, "missing", read_choices(found.choices_file)))
    assert not table.errors, table.errors
    return {row.case: {name: cell.state.value for name, cell in (row.cells or {}).items()} for row in table.rows}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_worker_reads_what_the_table_says(tmp_path: Path, scene: Scene) -> None:
    state = renamed(STATE, "two", "Leber", "Liver")
    state = with_states(state, [("Doe, Jane", "Spleen")], "missing")
    state = with_states(state, [("bare", "Liver"), ("two", "Spleen")], "absent")
    found = gather(state, tmp_path, scene)
    assert found.data_sets == (tmp_path / "scans",)
    read = states_read(found)
    assert set(read) == {scan.name for scan in state.scans}
    for scan in state.scans:
        assert read[scan.name] == {name: scan.state(name) for name in ("Liver", "Spleen")}


def test_the_slices_are_those_of_the_tag_or_those_on_which_something_is_drawn(tmp_path: Path, scene: Scene) -> None:
    found = gather(STATE, tmp_path, scene)
    cohort = read_cohorts(found.data_sets, "missing", found.choices)
    labels = {source.case: source.read_labels(OBLIQUE) for source in cohort.sources}
    assert labels["three"].slices["Liver"].indices == (0, 1, 2)
    assert labels["two"].slices["Leber"].indices == (2, 3)


def test_files_are_numbered_and_only_the_list_says_which_scan_is_which(tmp_path: Path, scene: Scene) -> None:
    gather(STATE, tmp_path, scene)
    place = tmp_path / "scans"
    segmentations = [f"scan-00{number}.seg.nrrd" for number in (1, 2, 3)]
    volumes = [f"scan-00{number}.nrrd" for number in (1, 2, 3, 4)]
    assert names_in(place) == sorted([".written.json", "cases.csv", "structures.json", *segmentations, *volumes])
    naming = [path.name for path in place.iterdir() if b"Jane" in path.read_bytes()]
    assert naming == ["cases.csv"]
    text = (place / "cases.csv").read_text(encoding="utf-8")
    assert '"Doe, Jane",scan-001.nrrd,scan-001.seg.nrrd,labelled,labelled,' in text
    assert str(tmp_path) not in text + (tmp_path / "choices.json").read_text(encoding="utf-8")


def test_colours_and_codes_come_with_the_names(tmp_path: Path, scene: Scene) -> None:
    found = gather(STATE, tmp_path, scene)
    structures = {item.name: item for item in read_cohorts(found.data_sets).structures}
    assert structures["Liver"].color == (0.1, 0.2, 0.3) and structures["Liver"].terminology == CODE
    assert structures["Spleen"].terminology == ""


def test_choices_hold_only_what_differs_from_what_was_found(tmp_path: Path, scene: Scene) -> None:
    gather(STATE, tmp_path, scene)
    some = {"two": {"Leber": "some slices"}, "three": {"Liver": "some slices"}}
    assert json.loads((tmp_path / "choices.json").read_text(encoding="utf-8")) == {
        "format": 1, "names": {}, "states": {"three": some["three"], "two": some["two"]}, "slices": {}, "leave_out": []
    }  # fmt: skip
    edited = cycled(renamed(STATE, "two", "Leber", "Liver"), "two", "Liver")
    gather(edited, tmp_path, scene)
    content = json.loads((tmp_path / "choices.json").read_text(encoding="utf-8"))
    assert content["names"] == {"two": {"Leber": "Liver"}} and content["states"]["two"] == {"Liver": "missing"}


def test_scans_that_did_not_change_are_not_written_again_and_keep_their_number(tmp_path: Path, scene: Scene) -> None:
    gather(STATE, tmp_path, scene)
    scene.written.clear()
    scene.age["two"] = 1
    fewer = replace(STATE, scans=(STATE.scans[2], STATE.scans[1], Scan("new", "v9")))
    scene.drawn["new"] = ()
    gather(fewer, tmp_path, scene)
    assert scene.written == ["two as scan-002", "new as scan-001"]
    place = tmp_path / "scans"
    assert names_in(place) == [
        ".written.json", "cases.csv", "scan-001.nrrd", "scan-002.nrrd", "scan-002.seg.nrrd", "scan-003.nrrd",
        "scan-003.seg.nrrd", "structures.json",
    ]  # fmt: skip
    assert states_read(gather(fewer, tmp_path, scene))["three"]["Spleen"] == "absent"


@pytest.mark.parametrize("lost", ["scan-002.seg.nrrd", ".written.json", "cases.csv"])
def test_what_is_lost_or_damaged_is_written_again(tmp_path: Path, scene: Scene, lost: str) -> None:
    gather(STATE, tmp_path, scene)
    before = {name: (tmp_path / "scans" / name).exists() for name in names_in(tmp_path / "scans")}
    (tmp_path / "scans" / lost).unlink()
    if lost == ".written.json":
        (tmp_path / "scans" / lost).write_text('{"scan-001": 3}', encoding="utf-8")
    scene.written.clear()
    gather(STATE, tmp_path, scene)
    assert dict.fromkeys(names_in(tmp_path / "scans"), True) == before
    assert ("two as scan-002" in scene.written) == (lost != "cases.csv")


def test_a_gathering_that_was_stopped_leaves_no_list_and_the_next_one_trusts_nothing_it_left(
    tmp_path: Path, scene: Scene
) -> None:
    gather(STATE, tmp_path, scene)
    scene.age["Doe, Jane"] = 1
    work = gathered(STATE.scans[1:], tmp_path, scene.writer())
    next(work)
    work.close()
    assert not (tmp_path / "scans" / "cases.csv").exists()
    # Numbers are given anew without the list; whatever lies under them is another scan's.
    turned = replace(STATE, scans=STATE.scans[::-1])
    assert states_read(gather(turned, tmp_path, scene))["Doe, Jane"]["Spleen"] == "labelled"
    scene.broken = "two"
    scene.age["two"] = 5
    with pytest.raises(Failure, match="Case 'two': it cannot be written"):
        gather(turned, tmp_path, scene)
    assert not (tmp_path / "scans" / "cases.csv").exists()


def test_files_of_others_in_the_folder_stay_and_leftovers_of_a_kill_go(tmp_path: Path, scene: Scene) -> None:
    place = tmp_path / "scans"
    place.mkdir()
    for name in ("notes.txt", "scan.nrrd", "scan-1.nrrd"):
        (place / name).write_text("mine", encoding="utf-8")
    for name in (".4711.scan-001.nrrd", "scan-017.seg.nrrd"):
        (place / name).write_text("left over", encoding="utf-8")
    gather(STATE, tmp_path, scene)
    assert {"notes.txt", "scan.nrrd", "scan-1.nrrd"} < set(names_in(place))
    assert not {".4711.scan-001.nrrd", "scan-017.seg.nrrd"} & set(names_in(place))
    gather(PanelState(), tmp_path, scene)
    assert names_in(place) == ["notes.txt", "scan-1.nrrd", "scan.nrrd"]


def on_disk(folder: Path) -> Path:
    """A data set of two scans, as Slicer saves them."""
    for case in ("disk 1", "disk 2"):
        write_volume(folder / f"{case}.nrrd", OBLIQUE)
        write_segments(folder / f"{case}.seg.nrrd", OBLIQUE, {"Liver": MASKS["Liver"]})
    return folder


def test_of_a_data_set_on_disk_only_the_scans_of_the_table_are_used(tmp_path: Path, scene: Scene) -> None:
    place = on_disk(tmp_path / "hospital")
    disk = Scan("disk 1", source=str(place), found={"Liver": "labelled"}, states={"Liver": "some slices"})
    found = gather(STATE.with_scan(disk), tmp_path / "work", scene)
    assert found.data_sets == (tmp_path / "work" / "scans", place)
    assert found.choices.only == frozenset((*(scan.name for scan in STATE.scans), "disk 1"))
    read = states_read(found)
    assert read["disk 1"]["Liver"] == "some slices" and "disk 2" not in read


def test_without_a_scan_of_the_scene_nothing_is_written_but_the_choices(tmp_path: Path, scene: Scene) -> None:
    place = on_disk(tmp_path / "hospital")
    scans = (
        Scan("disk 1", source=str(place), found={"Liver": "labelled"}),
        Scan("disk 2", source=str(place), found={"Liver": "labelled"}),
    )
    state = merged(PanelState(scans=scans), ["Liver"], "Hepar")
    found = gather(state, tmp_path / "work", scene)
    assert found.data_sets == (place,) and names_in(tmp_path / "work") == ["choices.json"]
    assert states_read(found) == {"disk 1": {"Hepar": "labelled"}, "disk 2": {"Hepar": "labelled"}}


def test_unlabelled_scans_of_the_scene_go_with_a_data_set_that_is_labelled(tmp_path: Path, scene: Scene) -> None:
    place = on_disk(tmp_path / "hospital")
    disk = Scan("disk 1", source=str(place), found={"Liver": "labelled"})
    found = gather(PanelState(scans=(STATE.scans[3], disk)), tmp_path / "work", scene)
    assert states_read(found) == {"bare": {"Liver": "missing"}, "disk 1": {"Liver": "labelled"}}


def test_where_nothing_is_drawn_anywhere_it_is_a_sentence(tmp_path: Path, scene: Scene) -> None:
    with pytest.raises(Failure, match="Nothing is drawn in any scan. Draw at least one structure"):
        gather(PanelState(scans=STATE.scans[3:]), tmp_path, scene)


def test_what_was_drawn_meanwhile_counts_and_is_told(tmp_path: Path, scene: Scene) -> None:
    scene.drawn["bare"] = (Drawn("Liver"),)
    found = gather(with_states(STATE, [("bare", "Spleen")], "absent"), tmp_path, scene)
    assert found.found["bare"] == {"Liver": "labelled"}
    assert states_read(found)["bare"] == {"Liver": "labelled", "Spleen": "absent", "Leber": "missing"}
    scene.drawn["bare"] = (Drawn("Liver"), Drawn("Liver"))
    scene.age["bare"] = 1
    with pytest.raises(Failure, match="Case 'bare': Two segments are called 'Liver'"):
        gather(STATE, tmp_path, scene)


@pytest.mark.parametrize("name", ["a,b,c", "x;y;z;w;v;u;t", 'He said "no"', "α/β", "overlapping"])
def test_odd_names_come_through(tmp_path: Path, scene: Scene, name: str) -> None:
    scene.drawn["bare"] = (Drawn(name),)
    state = PanelState(scans=(Scan("bare", "v", "s", found={name: "labelled"}, states={name: "some slices"}),))
    assert states_read(gather(state, tmp_path, scene)) == {"bare": {name: "some slices"}}


def test_the_share_that_is_done_grows_to_one(tmp_path: Path, scene: Scene) -> None:
    shares = list(gathered(STATE.scans, tmp_path, scene.writer()))
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) == 8
    assert read_choices(tmp_path / "choices.json").of("two").states == {"Leber": State.SOME_SLICES}
