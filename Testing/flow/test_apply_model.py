"""New scans completed by a finished run: the same suggestions as the run itself would make, and nothing drawn is changed."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow.conftest import GRID, STATES, Said, Stages, ball_scan, here, staged
from PartialLabelSegLib.apply_model import for_structures
from PartialLabelSegLib.config import Relabelling
from PartialLabelSegLib.data.label_files import read_array, write_image
from PartialLabelSegLib.data.labels import Labels, Marks, Slices
from PartialLabelSegLib.data.model_file import About, write_about
from PartialLabelSegLib.data.prediction import Prediction, read_prediction
from PartialLabelSegLib.data.seg_nrrd import Segment, read_seg_nrrd, write_seg_nrrd
from PartialLabelSegLib.data.types import structures_named
from PartialLabelSegLib.panel.saved_models import save_model
from PartialLabelSegLib.run.folder import RunFolder

Finished = tuple[Path, str]


def apply(model: Path, cases: Path, out: Path, *more: str | Path) -> Said:
    done = here("apply", model, cases, *more, "--out", out)
    assert "Traceback" not in done.out + done.errors
    return done


def predicted(run: Path, number: int, case: str) -> Prediction:
    return read_prediction(run / "rounds" / str(number) / "predictions" / case)[0]


def same(first: Prediction, second: Prediction, *parts: str) -> bool:
    """Whether two predictions are the same to the last bit; torch adds in the same order wherever it has as many threads."""
    return all(np.array_equal(getattr(first, part), getattr(second, part)) for part in parts)


def test_one_scan_is_completed_as_the_run_itself_completed_it(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new"
    done = apply(finished[0], ball_cohort / "scan5.nrrd", out)
    assert done.status == 0, done.out
    assert done.message == "Done. Segmentations: new/completed. Report: new/report.html."
    ours, runs = predicted(out, 0, "scan5"), predicted(finished[0], 2, "scan5")
    assert same(ours, runs, "label", "probability", "confidence", "rank")
    name = "scan5.nii.gz"
    assert np.array_equal(read_array(out / "completed" / name), read_array(finished[0] / "completed" / name))
    segments, theirs = (read_seg_nrrd(run / "completed" / "scan5.seg.nrrd").segments for run in (out, finished[0]))
    assert [(item.name, item.color, item.terminology) for item in segments] == [
        (item.name, item.color, item.terminology) for item in theirs
    ]
    for word in ("probability", "confidence"):
        assert (out / "completed" / f"scan5.{word}.nrrd").exists()
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [case["name"] for case in report["cases"]] == ["scan5"]
    assert not list(out.glob("rounds/*/training.json"))


def test_a_folder_of_scans_is_completed_scan_by_scan_and_a_broken_one_is_left_out(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "scans"
    for case in (3, 5):
        write_image(folder / f"patient {case}.nii.gz", GRID.image(ball_scan(case)[0]))
    (folder / "broken.nrrd").write_text("no scan", encoding="utf-8")
    shutil.copy(folder / "patient 3.nii.gz", folder / "patient 3.nii.gz.part")
    write_image(folder / "patient 3.nrrd", GRID.image(ball_scan(0)[0]))
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    done = apply(finished[0], folder, tmp_path / "new")
    assert done.status == 0, done.out
    problems = [event for event in done.events if event["event"] == "problem"]
    assert [problem["case"] for problem in problems] == ["patient 3", "broken"]
    names = {path.name for path in (tmp_path / "new" / "completed").glob("*.seg.nrrd")}
    assert names == {"patient_3.seg.nrrd", "patient_5.seg.nrrd"}
    assert same(predicted(tmp_path / "new", 0, "patient_5"), predicted(finished[0], 2, "scan5"), "label", "confidence")


def test_what_is_drawn_in_a_data_set_stays_and_what_the_network_does_not_know_is_left_out(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(ball_cohort, tmp_path / "data"))
    rows = ["case,image,labels,split,Tumour,Spleen,Liver"]
    for case, (_, liver, spleen) in enumerate(STATES):
        labels = "" if {liver, spleen} == {"missing"} else f"labels{case}.nrrd"
        if labels:
            partial = read_array(ball_cohort / f"labels{case}.nii.gz")
            moved = np.array([0, 3, 2], np.uint8)[partial]
            write_image(data / labels, GRID.image(moved))
        rows.append(f"scan{case},scan{case}.nrrd,{labels},train,missing,{spleen},{liver}")
    (data / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = apply(finished[0], data, tmp_path / "new")
    assert done.status == 0, done.out
    told = [event["message"] for event in done.events if event["event"] == "problem"]
    assert any("the network has not learned it" in text for text in told)
    assert [
        item["name"] for item in json.loads((tmp_path / "new" / "run.json").read_text(encoding="utf-8"))["structures"]
    ] == [
        "Liver",
        "Spleen",
    ]
    for case, (_, *states) in enumerate(STATES):
        truth, result = ball_scan(case)[1], read_array(tmp_path / "new" / "completed" / f"scan{case}.nii.gz")
        for value, state in enumerate(states, 1):
            if state == "labelled":
                assert np.array_equal(result == value, truth == value)
            else:
                assert np.count_nonzero((result == value) & (truth == value)) > 50


def test_a_network_alone_is_as_sure_as_its_probability(finished: Finished, ball_cohort: Path, tmp_path: Path) -> None:
    done = apply(finished[0] / "rounds" / "2" / "segmentation.pt", ball_cohort / "scan5.nrrd", tmp_path / "new")
    assert done.status == 0, done.out
    ours, runs = predicted(tmp_path / "new", 0, "scan5"), predicted(finished[0], 2, "scan5")
    assert same(ours, runs, "label", "probability")
    assert np.array_equal(ours.confidence, np.where(ours.label > 0, ours.probability, 0))
    assert not same(ours, runs, "confidence")


SAVED = About("mine", structures_named(["Liver", "Spleen"]), 3, rules=Relabelling(rounds=2))


def saved(finished: Finished, folder: Path, about: About | None = SAVED, confidence: int | None = 2) -> Path:
    """What the panel keeps of a run. confidence: of which round."""
    path = folder / "mine.pt"
    shutil.copy(finished[0] / "rounds" / "2" / "segmentation.pt", path)
    if about is not None:
        write_about(path, about)
    if confidence is not None:
        shutil.copy(finished[0] / "rounds" / str(confidence) / "confidence.pt", folder / "mine.confidence.pt")
    return path


def test_a_saved_model_is_as_sure_as_the_run_and_its_structures_look_the_same(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    liver, spleen = SAVED.structures
    looks = (replace(liver, color=(0.25, 0.5, 0.75), terminology="a~b~c"), spleen)
    learned = RunFolder(finished[0]).round(2)
    model = save_model(learned, tmp_path / "models", replace(SAVED, structures=looks)).path
    assert {path.name for path in model.parent.iterdir()} == {"mine.pt", "mine.confidence.pt", "mine.json"}
    done = apply(model, ball_cohort / "scan5.nrrd", tmp_path / "new")
    assert done.status == 0, done.out
    ours, runs = predicted(tmp_path / "new", 0, "scan5"), predicted(finished[0], 2, "scan5")
    assert same(ours, runs, "label", "probability", "confidence", "rank")
    liver_segment = read_seg_nrrd(tmp_path / "new" / "completed" / "scan5.seg.nrrd").segments[0]
    assert liver_segment.terminology == "a~b~c" and liver_segment.color == (0.25, 0.5, 0.75)


def test_a_saved_model_without_its_confidence_or_its_rules_is_as_sure_as_its_probability(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    runs = predicted(finished[0], 2, "scan5")
    for place, (about, confidence) in enumerate(
        ((SAVED, None), (replace(SAVED, rules=None), 2), (None, None)),
    ):
        folder = tmp_path / str(place)
        folder.mkdir()
        model = saved(finished, folder, about, confidence)
        assert apply(model, ball_cohort / "scan5.nrrd", folder / "new").status == 0
        ours = predicted(folder / "new", 0, "scan5")
        assert same(ours, runs, "label", "probability")
        assert np.array_equal(ours.confidence, np.where(ours.label > 0, ours.probability, 0))


def test_a_saved_model_whose_parts_do_not_belong_together_is_a_sentence(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    scan = ball_cohort / "scan5.nrrd"
    for about, confidence, words in (
        (SAVED, 1, "was learned from other scans or labels"),
        (None, 2, "Put mine.json back; or remove mine.confidence.pt"),
        (replace(SAVED, structures=structures_named(["Liver", "Heart"])), 2, "was made for other structures"),
    ):
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        done = apply(saved(finished, folder, about, confidence), scan, folder / "new")
        assert done.status == 1 and words in done.message, done.message
        assert not (folder / "new" / "run.json").exists()


def test_several_data_sets_are_completed_at_once_with_what_is_said_of_them(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    image, truth = ball_scan(7)
    write_image(drawn / "other.nrrd", GRID.image(image))
    segments = [
        Segment(f"S{value}", name, (0.1, 0.5, 0.5), "", truth == value) for value, name in ((1, "Leber"), (2, "Milz"))
    ]
    write_seg_nrrd(drawn / "other.seg.nrrd", segments, GRID)
    choices = tmp_path / "choices.json"
    said = {"names": {"other": {"Leber": "Liver", "Milz": ""}}, "only": ["scan5", "other"], "format": 1}
    choices.write_text(json.dumps(said), encoding="utf-8")
    out, plain = tmp_path / "new", tmp_path / "plain"
    plain.mkdir()
    for name in ("scan3", "scan5"):
        shutil.copy(ball_cohort / f"{name}.nrrd", plain / f"{name}.nrrd")
    done = apply(finished[0], plain, out, drawn, "--choices", choices)
    assert done.status == 0, done.out
    names = {path.name for path in (out / "completed").glob("*.seg.nrrd")}
    assert names == {"scan5.seg.nrrd", "other.seg.nrrd"}
    assert same(predicted(out, 0, "scan5"), predicted(finished[0], 2, "scan5"), "label", "probability", "confidence")
    found = {item.name: item for item in read_seg_nrrd(out / "completed" / "other.seg.nrrd").segments}
    assert np.array_equal(found["Liver"].mask, truth == 1)
    assert found["Liver"].tags["PartialLabelSeg.Origin"] == "expert"
    assert "expert" not in found["Spleen"].tags["PartialLabelSeg.Origin"], "its drawing was to be left out"
    assert apply(finished[0], plain, out, drawn).status == 0
    choices.write_text(json.dumps({**said, "only": ["scan5"]}), encoding="utf-8")
    refused = apply(finished[0], plain, out, drawn, "--choices", choices)
    assert refused.status == 1 and "was begun with other choices than choices.json holds now" in refused.message
    twice = apply(finished[0], plain, tmp_path / "twice", ball_cohort)
    assert twice.status == 1 and "a scan of this name is in 'plain' and in" in twice.message


def test_the_same_again_predicts_nothing_again_and_another_network_is_refused(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    out, scan = tmp_path / "new", ball_cohort / "scan5.nrrd"
    assert apply(finished[0], scan, out).status == 0
    again = apply(finished[0], scan, out)
    assert again.status == 0 and "prediction" not in {event["event"] for event in again.events}
    other = apply(finished[0] / "rounds" / "1" / "segmentation.pt", scan, out)
    assert other.status == 1 and "begun with another network" in other.message
    into_itself = apply(finished[0], scan, finished[0])
    assert into_itself.status == 1 and "is a run of its own" in into_itself.message


def test_scans_whose_prediction_was_interrupted_are_completed_by_the_same_command(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    scans = tmp_path / "scans"
    for case in (3, 5):
        write_image(scans / f"scan{case}.nrrd", GRID.image(ball_scan(case)[0]))

    class Stop(BaseException):
        pass

    for moment in ("imported", "prepared", "prediction"):

        def stop(event: dict[str, object], moment: str = moment) -> None:
            if event["event"] == moment:
                raise Stop

        with pytest.raises(Stop):
            here("apply", finished[0], scans, "--out", tmp_path / "new", watch=stop)
    assert apply(finished[0], scans, tmp_path / "new").status == 0
    assert apply(finished[0], scans, tmp_path / "fresh").status == 0
    for name in ("scan3", "scan5"):
        ours, fresh = (predicted(tmp_path / run, 0, name) for run in ("new", "fresh"))
        assert same(ours, fresh, "label", "confidence")


@pytest.mark.parametrize("stage", ["learning", "waiting", "relabelled"])
def test_an_unfinished_run_is_not_applied(stages: Stages, tmp_path: Path, stage: str) -> None:
    run = staged(stages, stage, tmp_path / "run")
    done = apply(run, stages.cohort / "scan5.nrrd", tmp_path / "new")
    assert done.status == 1 and "run is not finished. Run first: complete --out run" in done.message


def test_what_cannot_be_applied_is_a_sentence(finished: Finished, ball_cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "network.pt").write_bytes(b"PK\x03\x04 no network")
    scan = ball_cohort / "scan5.nrrd"
    for model, cases, words in (
        (tmp_path / "nowhere", scan, "There is no 'nowhere'"),
        (tmp_path / "network.pt", scan, r"the network (network.pt) is damaged"),
        (finished[0] / "rounds" / "2" / "confidence.pt", scan, "holds another network"),
        (tmp_path / "empty", scan, "run.json) is missing from empty"),
        (finished[0], tmp_path / "nothing", "There is no 'nothing'"),
        (finished[0], tmp_path / "empty", "empty holds no scan"),
        (finished[0], tmp_path / "network.pt", "network.pt holds no scan"),
    ):
        done = apply(model, cases, tmp_path / "new")
        assert done.status == 1 and words.lower() in done.message.lower(), done.message
        assert not (tmp_path / "new" / "run.json").exists()


def test_damaged_networks_of_an_applied_run_are_a_sentence(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    out, scan = tmp_path / "new", ball_cohort / "scan5.nrrd"
    assert apply(finished[0], scan, out).status == 0
    shutil.rmtree(out / "rounds" / "0" / "predictions")
    shutil.copy(finished[0] / "rounds" / "1" / "confidence.pt", out / "rounds" / "0" / "confidence.pt")
    done = apply(finished[0], scan, out)
    assert done.status == 1 and "was learned from other scans or labels" in done.message


NAMES = ("A", "B", "C", "D")


@st.composite
def some_labels(draw: st.DrawFn) -> Labels:
    names = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    label_map = rng.integers(0, len(names) + 1, (2, 3, 4)).astype(np.uint8)
    known = tuple(draw(st.booleans()) for _ in names)
    overlaps = {names[0]: Marks.of(rng.random((2, 3, 4)) > 0.8)}
    slices = {name: Slices(0, (1,)) for name, flag in zip(names, known) if not flag}
    pairs = frozenset(frozenset((names[0], other)) for other in names[1:])
    quick = draw(st.frozensets(st.sampled_from(names)))
    origin = (label_map > 0).astype(np.uint8)
    return Labels(names, label_map, known, origin, slices, overlaps, overlapping=pairs, imperfect=quick)


@given(some_labels(), st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple))
def test_labels_keyed_to_other_structures_say_the_same_of_those_that_both_have(
    labels: Labels, names: tuple[str, ...]
) -> None:
    moved = for_structures(labels, names, frozenset())
    assert moved.structures == names
    for name in names:
        if name in labels.structures:
            assert np.array_equal(moved.positive(name), labels.positive(name))
            assert moved.is_known(name) == labels.is_known(name)
            assert moved.state(name) == labels.state(name)
            assert (name in moved.imperfect) == (name in labels.imperfect)
        else:
            assert not moved.is_known(name) and not moved.positive(name).any()
    assert np.array_equal(moved.label_map > 0, moved.origin > 0)
