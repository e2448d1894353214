"""The beginning of a run: which cases come in, where they lie, which of them validate; and what is refused."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.begin import final_splits, import_cases, import_lost, open_session, read_run
from PartialLabelSegLib.config import Configuration, Relabelling
from PartialLabelSegLib.data.case import Case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_image
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.folder import RunFolder

GRID = Grid((5, 4, 3), (1.0, 1.5, 3.0), (1.0, 2.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
STRUCTURES = ("Liver", "Spleen", "Aorta")

Imported = list[tuple[Case, frozenset[str]]]


def case_of(name: str, split: str) -> Case:
    return Case(Path(name), name, split, GRID, 0)


@st.composite
def cohorts(draw: st.DrawFn, splits: tuple[str, ...] = ("", "train", "test")) -> Imported:
    drawn = draw(st.lists(st.frozensets(st.sampled_from(STRUCTURES)), min_size=1, max_size=25))
    said = [draw(st.sampled_from(splits)) for _ in drawn]
    return [(case_of(f"scan{number}", split), found) for number, (split, found) in enumerate(zip(said, drawn))]


SHARES = st.floats(0, 0.9)
SEEDS = st.integers(0, 50)


def chosen(imported: Imported, share: float, seed: int = 0) -> dict[str, str]:
    return final_splits(imported, Configuration(validation_share=share, seed=seed))


@given(cohorts(), SHARES, SEEDS)
def test_what_the_data_set_says_stays_and_validation_is_drawn_from_training_scans_with_labels(
    imported: Imported, share: float, seed: int
) -> None:
    splits = chosen(imported, share, seed)
    assert list(splits) == [case.name for case, _ in imported]
    for case, drawn in imported:
        if case.split == "test":
            assert splits[case.name] == "test"
        elif splits[case.name] == "validation":
            assert drawn, "a scan without any label can be relabelled and has to stay in training"
        else:
            assert splits[case.name] == "train"


@given(cohorts(), SHARES, SEEDS)
def test_validation_takes_at_most_its_share_and_at_most_half_of_any_structure(
    imported: Imported, share: float, seed: int
) -> None:
    splits = chosen(imported, share, seed)
    training = [(case.name, drawn) for case, drawn in imported if case.split != "test" and drawn]
    taken = [drawn for name, drawn in training if splits[name] == "validation"]
    assert len(taken) <= round(share * len(training))
    held = Counter(name for _, drawn in training for name in drawn)
    given_away = Counter(name for drawn in taken for name in drawn)
    assert all(given_away[name] <= held[name] / 2 for name in held)


@given(cohorts(("", "train", "test", "validation")), SEEDS)
def test_where_the_data_set_names_validation_scans_or_none_is_wanted_nothing_is_drawn(
    imported: Imported, seed: int
) -> None:
    said = {case.name: case.split or "train" for case, _ in imported}
    if "validation" in said.values():
        assert chosen(imported, 0.5, seed) == said
    without = [
        (replace(case, split="" if case.split == "validation" else case.split), drawn) for case, drawn in imported
    ]
    assert "validation" not in chosen(without, 0.0, seed).values()


@given(cohorts(), SHARES, SEEDS, st.randoms())
def test_the_same_seed_draws_the_same_scans_in_whatever_order_they_come(
    imported: Imported, share: float, seed: int, chance: Any
) -> None:
    shuffled = list(imported)
    chance.shuffle(shuffled)
    assert chosen(shuffled, share, seed) == chosen(imported, share, seed)


def test_scans_that_show_a_new_structure_come_first() -> None:
    everywhere: Imported = [(case_of(f"liver{number}", ""), frozenset({"Liver"})) for number in range(30)]
    rare: Imported = [(case_of(f"aorta{number}", ""), frozenset({"Aorta"})) for number in range(3)]
    for seed in range(10):
        splits = chosen(everywhere + rare, 0.06, seed)
        assert sum(splits[f"aorta{number}"] == "validation" for number in range(3)) == 1
        assert sum(split == "validation" for split in splits.values()) == 2


def test_another_seed_draws_other_scans() -> None:
    imported: Imported = [(case_of(f"scan{number}", ""), frozenset({"Liver"})) for number in range(20)]
    drawn = {
        tuple(name for name, split in chosen(imported, 0.2, seed).items() if split == "validation") for seed in range(8)
    }
    assert len(drawn) > 4 and {len(names) for names in drawn} == {4}


class Data:
    """A manifest that a test writes line by line. Every scan has other grey values; the liver of scan n has n + 1 voxels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = ["case,image,labels,split,Liver,Spleen"]

    def scan(self, name: str, number: int, states: str = "labelled,missing", split: str = "") -> None:
        rng = np.random.default_rng(number)
        labels = np.zeros(GRID.shape, np.uint8)
        labels.reshape(-1)[: number + 1] = 1
        write_image(self.folder / f"{number}.nrrd", GRID.image(rng.integers(-100, 100, GRID.shape).astype(np.int16)))
        write_image(self.folder / f"{number}-labels.nrrd", GRID.image(labels))
        self.lines.append(f"{name},{number}.nrrd,{number}-labels.nrrd,{split},{states}")

    def write(self) -> Path:
        (self.folder / "cases.csv").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return self.folder / "cases.csv"


@pytest.fixture
def data(tmp_path: Path) -> Data:
    (tmp_path / "data").mkdir()
    return Data(tmp_path / "data")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def imported(data: Data, run: RunFolder, configuration: Configuration | None = None) -> list[Event]:
    return list(import_cases([data.write()], run, configuration or Configuration()))


def livers(run: RunFolder) -> dict[str, int]:
    """Voxels of the liver per case name, as the run has them."""
    session = read_run(run)
    from PartialLabelSegLib.data.case import read_case

    return {name: read_case(run.case(folder)).labels().voxels("Liver") for name, folder, _ in session.cases}


def test_an_import_leaves_a_folder_per_case_and_then_the_head(data: Data, run: RunFolder) -> None:
    data.scan("one", 0, split="train")
    data.scan("two", 1, split="test")
    events = imported(data, run, Configuration(seed=9, relabelling=Relabelling(rounds=3)))
    *read, told = events
    assert [(event.kind, event.fields["case"]) for event in read] == [("imported", "one"), ("imported", "two")]
    head = read_run(run)
    assert (told.kind, tuple(told.fields["sentences"])) == ("learned_from", head.learned_from)
    assert (head.configuration.seed, head.configuration.relabelling.rounds) == (9, 3)
    assert head.cases == (("one", "one", "train"), ("two", "two", "test"))
    assert [item.name for item in head.structures] == ["Liver", "Spleen"]
    assert livers(run) == {"one": 1, "two": 2}


def test_a_broken_case_is_named_and_left_out_and_the_others_go_on(data: Data, run: RunFolder) -> None:
    data.scan("good", 0)
    data.scan("cut off", 1)
    data.scan("no image", 2)
    data.scan("bad state", 3, "drawn,missing")
    content = (data.folder / "1.nrrd").read_bytes()
    (data.folder / "1.nrrd").write_bytes(content[: len(content) // 2])
    (data.folder / "2.nrrd").unlink()
    problems = {
        event.fields["case"]: event.fields["message"] for event in imported(data, run) if event.kind == "problem"
    }
    assert set(problems) == {"cut off", "no image", "bad state"}
    assert "1.nrrd" in problems["cut off"]
    assert "missing" in problems["no image"] and "drawn" in problems["bad state"]
    assert livers(run) == {"good": 1}


def test_a_case_that_fails_in_an_unforeseen_way_is_left_out_too(
    data: Data, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import PartialLabelSegLib.begin as begin

    write = begin.write_case

    def strange(folder: Path, source: Any, name: str) -> Case:
        if name == "odd":
            raise RuntimeError("ITK ERROR: /srv/doe/scan.nrrd")
        return write(folder, source, name)

    monkeypatch.setattr(begin, "write_case", strange)
    data.scan("odd", 0)
    data.scan("even", 1)
    problems = [event.fields["message"] for event in imported(data, run) if event.kind == "problem"]
    assert problems == ["Case 'odd': its files cannot be used (RuntimeError)."]
    assert livers(run) == {"even": 2}


def test_where_no_case_can_be_used_there_is_no_run(data: Data, run: RunFolder) -> None:
    data.scan("only", 0)
    (data.folder / "0.nrrd").write_text("not a scan", encoding="utf-8")
    with pytest.raises(Failure, match="No case of the data set can be used. Run `check`"):
        imported(data, run)
    assert not run.head.exists()


def test_two_cases_whose_safe_names_are_one_have_folders_of_their_own(data: Data, run: RunFolder) -> None:
    for number, name in enumerate(("a/b", "a_b", "A_B", "a b")):
        data.scan(name, number)
    imported(data, run)
    folders = [folder for _, folder, _ in read_run(run).cases]
    assert len({folder.lower() for folder in folders}) == 4
    assert livers(run) == {"a/b": 1, "a_b": 2, "A_B": 3, "a b": 4}


def stopped_after(data: Data, run: RunFolder, cases: int) -> None:
    """An import that dies after some cases."""
    story = import_cases([data.write()], run, Configuration())
    for _ in range(cases):
        next(story)
    story.close()
    assert not run.head.exists()


def test_an_interrupted_import_goes_on_and_writes_nothing_twice(data: Data, run: RunFolder) -> None:
    for number in range(3):
        data.scan(f"scan{number}", number)
    stopped_after(data, run, 2)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()}
    assert len(before) == 2 * 5
    imported(data, run)
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert livers(run) == {"scan0": 1, "scan1": 2, "scan2": 3}


def labels_changed(data: Data) -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels.reshape(-1)[:7] = 1
    write_image(data.folder / "0-labels.nrrd", GRID.image(labels))


def image_changed(data: Data) -> None:
    shutil.copy(data.folder / "1.nrrd", data.folder / "0.nrrd")


def split_changed(data: Data) -> None:
    data.lines[1] = data.lines[1].replace(",,", ",test,")


def state_changed(data: Data) -> None:
    data.lines[1] = data.lines[1].replace("labelled,missing", "labelled,absent")


@pytest.mark.parametrize("change", [labels_changed, image_changed, split_changed, state_changed])
def test_what_was_changed_in_the_data_set_meanwhile_is_imported_as_it_is_now(
    data: Data, run: RunFolder, tmp_path: Path, change: Callable[[Data], None]
) -> None:
    data.scan("scan0", 0)
    data.scan("scan1", 1)
    stopped_after(data, run, 2)
    change(data)
    imported(data, run)
    fresh = RunFolder(tmp_path / "fresh")
    imported(data, fresh)
    assert run.read_head() == fresh.read_head()
    for path in fresh.path.rglob("*.json"):
        twin = run.path / path.relative_to(fresh.path)
        same_but_split = {**json.loads(twin.read_text(encoding="utf-8")), "split": ""} == {
            **json.loads(path.read_text(encoding="utf-8")),
            "split": "",
        }
        assert same_but_split, path.name


def test_a_mended_case_does_not_take_the_folder_of_another(data: Data, run: RunFolder) -> None:
    data.scan("a/b", 0, "drawn,missing")
    data.scan("a_b", 1)
    stopped_after(data, run, 2)
    assert (run.case("a_b") / "case.json").exists()
    data.lines[1] = data.lines[1].replace("drawn", "labelled")
    imported(data, run)
    assert livers(run) == {"a/b": 1, "a_b": 2}


def test_a_case_half_written_by_a_killed_import_is_written_again(data: Data, run: RunFolder) -> None:
    data.scan("scan0", 0)
    data.scan("scan1", 1)
    stopped_after(data, run, 1)
    (run.case("scan0") / "labels.nrrd").write_bytes(b"half")
    (run.case("scan1")).mkdir()
    (run.case("scan1") / "image.nrrd").write_bytes(b"half")
    imported(data, run)
    assert livers(run) == {"scan0": 1, "scan1": 2}


def test_a_lost_case_of_a_run_is_imported_again(data: Data, run: RunFolder) -> None:
    for number in range(3):
        data.scan(f"scan{number}", number)
    imported(data, run)
    head = run.head.read_bytes()
    shutil.rmtree(run.case("scan1"))
    assert [event.fields["case"] for event in import_lost([data.folder / "cases.csv"], run)] == ["scan1"]
    assert list(import_lost([data.folder / "cases.csv"], run)) == []
    assert livers(run) == {"scan0": 1, "scan1": 2, "scan2": 3}
    assert run.head.read_bytes() == head
    shutil.rmtree(run.case("scan2"))
    del data.lines[3]
    with pytest.raises(Failure, match="Case 'scan2': it is missing from the run and from the data set"):
        list(import_lost([data.write()], run))


def doubled(head: dict[str, Any]) -> None:
    head["cases"].append(head["cases"][0])


def outside(head: dict[str, Any]) -> None:
    head["cases"][0]["folder"] = "../../elsewhere"


def other_split(head: dict[str, Any]) -> None:
    head["cases"][0]["split"] = "holiday"


def no_cases(head: dict[str, Any]) -> None:
    head["cases"] = []


def numbers(head: dict[str, Any]) -> None:
    head["cases"] = [1, 2]


def two_livers(head: dict[str, Any]) -> None:
    head["structures"] = [head["structures"][0]] * 2


def strange_pair(head: dict[str, Any]) -> None:
    head["overlapping"] = [["Liver", "Moon"]]


def unknown_choice(head: dict[str, Any]) -> None:
    head["configuration"]["colour"] = "blue"


@pytest.mark.parametrize(
    "change", [doubled, outside, other_split, no_cases, numbers, two_livers, strange_pair, unknown_choice]
)
def test_a_head_that_contradicts_itself_is_refused(
    data: Data, run: RunFolder, change: Callable[[dict[str, Any]], None]
) -> None:
    data.scan("scan0", 0)
    imported(data, run)
    head = json.loads(run.head.read_text(encoding="utf-8"))
    change(head)
    run.head.write_text(json.dumps(head), encoding="utf-8")
    with pytest.raises(Failure, match=r"run\.json is damaged|leads out of its folder"):
        read_run(run)


def test_a_folder_that_holds_another_case_is_refused_and_a_lost_one_too(
    data: Data, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The threads and the priority of this process are those of all tests.
    monkeypatch.setattr("PartialLabelSegLib.begin.be_a_good_neighbour", lambda threads: 1)
    data.scan("scan0", 0)
    data.scan("scan1", 1)
    imported(data, run)
    shutil.copy(run.case("scan1") / "case.json", run.case("scan0") / "case.json")
    with pytest.raises(Failure, match="Case 'scan0': its description .* is that of the case 'scan1'"):
        list(open_session(run))
    shutil.rmtree(run.case("scan0"))
    with pytest.raises(Failure, match="Case 'scan0': it is missing from the run. Give the same command"):
        list(open_session(run))
