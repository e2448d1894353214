"""Files and folders compared from end to end: measures, grids, names, and everything that one side lacks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from PartialLabelSegLib.metrics.evaluate import evaluate
from PartialLabelSegLib.metrics.pairing import Missing, Note
from PartialLabelSegLib.run.failure import Failure

NAMES = {"Liver": 1, "Spleen": 2}


def label_map() -> NDArray[np.uint8]:
    """Liver of 2 x 3 x 3 voxels, Spleen of 2 x 2 x 2."""
    array = np.zeros((4, 8, 10), np.uint8)
    array[1:3, 1:4, 1:4] = 1
    array[1:3, 5:7, 6:8] = 2
    return array


def write(path: Path, array: NDArray, names: dict[str, int] | None = None, spacing: float = 1.0) -> Path:
    path.parent.mkdir(exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((spacing, spacing, 2.0))
    if path.name.endswith(".seg.nrrd"):
        for index, (name, value) in enumerate((names or {}).items()):
            for key, text in {"ID": f"S{index}", "Name": name, "LabelValue": str(value), "Layer": "0"}.items():
                image.SetMetaData(f"Segment{index}_{key}", text)
    elif names:
        (path.parent / f"{path.name.split('.')[0]}.json").write_text(
            json.dumps({"structures": names}), encoding="utf-8"
        )
    sitk.WriteImage(image, str(path))
    return path


def test_a_segmentation_agrees_with_itself_across_formats(tmp_path: Path) -> None:
    predicted = write(tmp_path / "p" / "a.seg.nrrd", label_map(), NAMES)
    reference = write(tmp_path / "r" / "a_oar.nii.gz", label_map(), NAMES)
    result = evaluate(predicted, reference)
    assert [(item.case, item.structure, item.dice, item.hd_mm) for item in result.measured] == [
        ("a", "Liver", 1.0, 0.0),
        ("a", "Spleen", 1.0, 0.0),
    ]
    assert (result.missing, result.notes, result.failed) == ((), (), ())
    assert result.measured[1].volume_reference_ml == pytest.approx(8 * 2.0 / 1000)


def test_folders_are_compared_case_by_case_and_what_is_lacking_is_listed(tmp_path: Path) -> None:
    worse = label_map()
    worse[1:3, 1:4, 1] = 0
    write(tmp_path / "p" / "a.nii.gz", label_map(), NAMES)
    write(tmp_path / "p" / "b.nii.gz", worse, NAMES)
    write(tmp_path / "p" / "d.nii.gz", worse, NAMES)
    write(tmp_path / "r" / "a_seg.nii.gz", label_map(), {**NAMES, "Kidney": 3})
    write(tmp_path / "r" / "b_seg.nii.gz", label_map(), {"Liver": 1})
    write(tmp_path / "r" / "c_seg.nii.gz", label_map(), NAMES)
    result = evaluate(tmp_path / "p", tmp_path / "r")
    assert [(item.case, item.structure) for item in result.measured] == [
        ("a", "Liver"),
        ("a", "Spleen"),
        ("b", "Liver"),
    ]
    assert set(result.missing) == {
        Missing("a", "Kidney", "prediction"),
        Missing("b", "Spleen", "reference"),
        Missing("c", "", "prediction"),
        Missing("d", "", "reference"),
    }
    assert result.notes == (Note("b", "the reference holds values without a name (2), which were left out."),)
    dice = 2 * 12 / (12 + 18)
    assert result.of("Liver")["dice"].mean == pytest.approx((1 + dice) / 2)
    assert result.of("Liver")["dice"].std == pytest.approx((1 - dice) / math.sqrt(2))
    assert result.overall()["dice"].n == 3


def test_the_prediction_is_resampled_onto_the_references_grid_and_this_is_said(tmp_path: Path) -> None:
    reference = write(tmp_path / "r" / "a.nii.gz", label_map(), NAMES)
    fine = sitk.GetImageFromArray(np.repeat(np.repeat(label_map(), 2, 1), 2, 2))
    fine.SetSpacing((0.5, 0.5, 2.0))
    fine.SetOrigin((-0.25, -0.25, 0.0))
    predicted = write(tmp_path / "p" / "a.nii.gz", label_map(), NAMES)
    sitk.WriteImage(fine, str(predicted))
    result = evaluate(predicted, reference)
    assert [item.dice for item in result.measured] == [1.0, 1.0]
    assert result.notes == (
        Note(
            "a",
            "the prediction, 20×16×4 voxels of 0.5×0.5×2 mm, was resampled by nearest neighbour onto the reference's grid, "
            "10×8×4 voxels of 1×1×2 mm.",
        ),
    )


def test_spacing_makes_the_distances_of_a_file_millimetres(tmp_path: Path) -> None:
    moved = np.roll(label_map(), 1, axis=2)
    result = evaluate(
        write(tmp_path / "p.nrrd", moved, spacing=3.0), write(tmp_path / "r.nrrd", label_map(), spacing=3.0)
    )
    assert result.of("label 2")["hd_mm"].mean == pytest.approx(3.0)


def test_a_structure_that_was_not_found_scores_0_and_its_distance_is_undefined(tmp_path: Path) -> None:
    without = np.where(label_map() == 2, 0, label_map()).astype(np.uint8)
    result = evaluate(write(tmp_path / "p.nrrd", without, NAMES), write(tmp_path / "r.nrrd", label_map(), NAMES))
    spleen = result.measured[1]
    assert (spleen.dice, spleen.recall) == (0.0, 0.0)
    assert math.isnan(spleen.hd_mm)
    written = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert written["cases"]["r"]["Spleen"]["hd_mm"] is None
    assert written["structures"]["Spleen"]["hd_mm"] == {"mean": None, "std": None, "n": 0, "undefined": 1}
    assert written["overall"]["dice"]["mean"] == 0.5


def test_label_maps_without_names_are_compared_value_by_value(tmp_path: Path) -> None:
    other = np.where(label_map() == 2, 3, label_map()).astype(np.uint8)
    result = evaluate(write(tmp_path / "p.nrrd", other), write(tmp_path / "r.nrrd", label_map()))
    assert {item.structure: item.dice for item in result.measured} == {"label 1": 1.0, "label 2": 0.0, "label 3": 0.0}


def test_names_of_one_side_serve_both_and_this_is_said(tmp_path: Path) -> None:
    result = evaluate(
        write(tmp_path / "p" / "a.nrrd", label_map()), write(tmp_path / "r" / "a.nrrd", label_map(), NAMES)
    )
    assert result.structures == ("Liver", "Spleen")
    assert result.notes == (
        Note("a", "nothing names the values of the prediction; they were read as those of the other side."),
    )


def test_structures_that_are_given_are_the_only_ones_compared(tmp_path: Path) -> None:
    predicted, reference = write(tmp_path / "p.nrrd", label_map()), write(tmp_path / "r.seg.nrrd", label_map(), NAMES)
    assert evaluate(predicted, reference, {"Spleen": 2}).structures == ("Spleen",)


def test_names_that_differ_in_writing_only_are_matched_and_this_is_said(tmp_path: Path) -> None:
    result = evaluate(
        write(tmp_path / "p" / "a.nrrd", label_map(), {"left_kidney": 1, "spleen": 2}),
        write(tmp_path / "r" / "a.nrrd", label_map(), {"Left kidney": 1, "spleen": 2}),
    )
    assert {item.structure: item.dice for item in result.measured} == {"Left kidney": 1.0, "spleen": 1.0}
    assert result.notes == (Note("a", "'left_kidney' of the prediction was compared with 'Left kidney'."),)
    assert result.missing == ()


def test_nothing_under_the_references_ignore_label_is_counted(tmp_path: Path) -> None:
    unknown = label_map()
    unknown[3], unknown[2] = 9, 9
    write(tmp_path / "r" / "a.nii.gz", unknown)
    (tmp_path / "r" / "dataset.json").write_text(
        json.dumps({"labels": {"background": 0, **NAMES, "ignore": 9}}), encoding="utf-8"
    )
    wrong = label_map()
    wrong[2:] = 1
    result = evaluate(write(tmp_path / "p" / "a.nii.gz", wrong), tmp_path / "r")
    assert {item.structure: item.dice for item in result.measured} == {"Liver": 1.0, "Spleen": 1.0}


def test_a_confidence_beside_the_prediction_is_ranked(tmp_path: Path) -> None:
    wrong = label_map()
    wrong[1:3, 1:4, 4] = 1
    write(tmp_path / "p" / "a.nii.gz", wrong, NAMES)
    write(tmp_path / "p" / "a.confidence.nrrd", np.where(label_map() > 0, 200, 100).astype(np.uint8))
    result = evaluate(tmp_path / "p", write(tmp_path / "r" / "a.nii.gz", label_map(), NAMES))
    liver = result.to_json()["cases"]["a"]["Liver"]
    assert (liver["auc"], liver["ap_success"], liver["ap_error"]) == (1.0, 1.0, 1.0)
    assert (liver["candidates"], liver["errors"]) == (24, 6)
    assert result.to_json()["cases"]["a"]["Spleen"]["auc"] is None
    assert result.of("Spleen")["auc"].undefined == 1


def test_a_confidence_that_cannot_be_used_hinders_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "p" / "a.nii.gz", label_map(), NAMES)
    write(tmp_path / "p" / "a.confidence.nrrd", np.full(label_map().shape, np.nan, np.float32))
    reference = write(tmp_path / "r" / "a.nii.gz", label_map(), NAMES)
    result = evaluate(tmp_path / "p", reference)
    assert result.measured[0].ranking is None
    assert result.notes[0].text.startswith("the confidence was left out: a.confidence.nrrd has 320 voxels whose value")
    (tmp_path / "p" / "a.confidence.nrrd").write_bytes(b"nothing")
    assert (
        evaluate(tmp_path / "p", reference).notes[0].text.startswith("the confidence was left out: a.confidence.nrrd")
    )


def test_a_case_that_cannot_be_read_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    for case in ("a", "b"):
        write(tmp_path / "p" / f"{case}.nrrd", label_map(), NAMES)
        write(tmp_path / "r" / f"{case}.nrrd", label_map(), NAMES)
    (tmp_path / "p" / "a.nrrd").write_bytes(b"NRRD0004\n")
    result = evaluate(tmp_path / "p", tmp_path / "r")
    assert {item.case for item in result.measured} == {"b"}
    assert len(result.failed) == 1
    assert result.failed[0].startswith("Case 'a': a.nrrd cannot be read as an image")
    assert result.to_json()["failed"] == list(result.failed)


def test_without_a_structure_in_common_the_names_of_both_are_told(tmp_path: Path) -> None:
    predicted = write(tmp_path / "p.seg.nrrd", label_map(), {"Heart": 1})
    with pytest.raises(
        Failure, match=r"Case 'r': the prediction \(Heart\) and the reference \(Liver, Spleen\) have no"
    ):
        evaluate(predicted, write(tmp_path / "r.nrrd", label_map(), NAMES))


def test_swapping_prediction_and_reference_swaps_only_what_has_a_direction(tmp_path: Path) -> None:
    left, right = label_map(), np.roll(label_map(), 1, axis=1)
    right[0, 0, 0] = 1
    paths = write(tmp_path / "p.nrrd", left, NAMES), write(tmp_path / "r.nrrd", right, NAMES)
    for forth, back in zip(evaluate(*paths).measured, evaluate(*paths[::-1]).measured, strict=True):
        assert (forth.dice, forth.jaccard, forth.hd_mm, forth.hd95_mm) == (
            back.dice,
            back.jaccard,
            back.hd_mm,
            back.hd95_mm,
        )
        assert forth.asd_mm == pytest.approx(back.asd_mm)
        assert (forth.precision, forth.volume_error_ml) == (back.recall, -back.volume_error_ml)
