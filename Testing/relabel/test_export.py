"""A completed case as files: read back by other readers, on the original grid, with the annotator's voxels as they were."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import EXPERT, FIRST_ROUND, Labels, Marks
from PartialLabelSegLib.data.prediction import Prediction
from PartialLabelSegLib.data.seg_nrrd import read_seg_nrrd
from PartialLabelSegLib.data.types import Structure, structures_named
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.complete import Options, completed
from PartialLabelSegLib.relabel.export import Completed, export_case
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Tumour", "Spleen")
STRUCTURES = (
    Structure("Liver", (0.5, 0.25, 0.0), "Segmentation category~SCT^123037004^Anatomical~SCT^10200004^Liver~^^~^^~^^"),
    Structure("Tumour", (0.0, 1.0, 0.0)),
    Structure("Spleen", (0.0, 0.0, 1.0)),
)
GRIDS = {
    "oblique": (0.9, 0.1, -0.4, -0.2, 0.95, 0.1, 0.3, 0.2, 0.9),
    "left-handed": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    "sagittal": (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
}


@pytest.fixture(params=sorted(GRIDS))
def grid(request: pytest.FixtureRequest) -> Grid:
    """Anisotropic, far from the origin, in several orientations."""
    matrix = np.reshape(GRIDS[request.param], (3, 3))
    if request.param == "oblique":
        matrix = np.linalg.qr(matrix)[0]
    return Grid((5, 4, 3), (0.71, 0.83, 2.5), (-152.5, 233.125, 1101.3), tuple(float(part) for part in matrix.ravel()))


@pytest.fixture
def a_case(grid: Grid) -> Completed:
    """The liver drawn, a tumour suggested in and beside it, the spleen confirmed absent."""
    label_map, origin = np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint8)
    label_map[1, 1:3, 1:4] = 1
    label_map[2, 1, 1] = 2
    origin[label_map == 1] = EXPERT
    origin[label_map == 2] = FIRST_ROUND
    inside = np.zeros(grid.shape, bool)
    inside[1, 1, 1] = True
    overlaps = {"Tumour": Marks.of(inside, FIRST_ROUND)}
    pair = frozenset({frozenset(("Liver", "Tumour"))})
    labels = Labels(NAMES, label_map, (True, False, True), origin, overlaps=overlaps, overlapping=pair)
    share = np.arange(60, dtype=np.uint16).reshape(grid.shape) * np.uint16(1111)
    return Completed("CT 7/a", grid, labels, STRUCTURES, Prediction(NAMES, label_map, share, share[::-1].copy(), share))


def test_a_segmentation_comes_back_with_names_colours_terminology_and_origin(a_case: Completed, tmp_path: Path) -> None:
    (path,) = export_case(tmp_path, a_case, ["seg-nrrd"])
    assert path.name == "CT_7_a.seg.nrrd"
    found = read_seg_nrrd(path)
    assert found.grid.same_as(a_case.grid)
    for segment, structure in zip(found.segments, STRUCTURES, strict=True):
        assert (segment.name, segment.terminology) == (structure.name, structure.terminology)
        assert segment.color == pytest.approx(structure.color)
        assert np.array_equal(segment.mask, a_case.labels.positive(structure.name))
    tags = [(item.tags["PartialLabelSeg.Origin"], item.tags["PartialLabelSeg.State"]) for item in found.segments]
    assert tags == [("expert", "labelled"), ("suggested", "missing"), ("none", "absent")]


def test_a_segmentation_opens_in_slicer(a_case: Completed, tmp_path: Path) -> None:
    slicer = pytest.importorskip("slicer")
    (path,) = export_case(tmp_path, a_case, ["seg-nrrd"])
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLScene(scene)
    node = logic.LoadSegmentationFromFile(str(path), True)
    segmentation = node.GetSegmentation()
    found = [segmentation.GetNthSegment(number) for number in range(segmentation.GetNumberOfSegments())]
    assert [segment.GetName() for segment in found] == list(NAMES)
    assert found[0].GetColor() == pytest.approx(STRUCTURES[0].color)
    assert segmentation.GetNumberOfLayers() == 2


def test_a_label_map_lies_on_the_original_grid_for_two_readers(a_case: Completed, tmp_path: Path) -> None:
    (path,) = export_case(tmp_path, a_case, ["nifti"])
    image = sitk.ReadImage(str(path))
    assert Grid.from_image(image).same_as(a_case.grid)
    assert sitk.GetArrayFromImage(image).dtype == np.uint8
    assert np.array_equal(sitk.GetArrayFromImage(image), a_case.labels.label_map)
    # nibabel: index (x, y, z), patient space right-anterior-superior instead of left-posterior-superior
    other = nibabel.Nifti1Image.from_filename(path)
    assert np.array_equal(np.asarray(other.dataobj).T, a_case.labels.label_map)
    corner = np.diag([-1, -1, 1, 1]) @ other.affine @ np.array([4, 3, 2, 1])
    assert corner[:3] == pytest.approx(image.TransformIndexToPhysicalPoint((4, 3, 2)), abs=1e-3)


def test_what_the_label_map_cannot_show_has_a_file_of_its_own(a_case: Completed, tmp_path: Path) -> None:
    export_case(tmp_path, a_case, ["nifti"])
    description = json.loads((tmp_path / "CT_7_a.json").read_text(encoding="utf-8"))
    assert description["structures"] == {"Liver": 1, "Tumour": 2, "Spleen": 3}
    assert description["overlapping"] == {"Tumour": "overlapping/CT_7_a.2.nii.gz"}
    assert description["states"]["Tumour"] == "missing"
    assert description["origins"] == {"Liver": "expert", "Tumour": "suggested", "Spleen": "none"}
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / description["overlapping"]["Tumour"])))
    assert np.array_equal(mask > 0, a_case.labels.positive("Tumour"))


@pytest.mark.parametrize(("bits", "kind", "scale"), [(16, np.uint16, 65535), (8, np.uint8, 255)])
def test_confidence_is_stored_with_its_scale(
    a_case: Completed, tmp_path: Path, bits: int, kind: type, scale: int
) -> None:
    paths = export_case(tmp_path, a_case, ["probability", "confidence"], bits)
    assert [path.name for path in paths] == ["CT_7_a.probability.nrrd", "CT_7_a.confidence.nrrd"]
    assert a_case.prediction is not None
    for path, truth in zip(paths, (a_case.prediction.probability, a_case.prediction.confidence), strict=True):
        image = sitk.ReadImage(str(path))
        array = sitk.GetArrayFromImage(image)
        assert array.dtype == kind
        assert image.GetMetaData("PartialLabelSeg.Scale") == f"1/{scale}"
        assert path.name.split(".")[1] in image.GetMetaData("PartialLabelSeg.Meaning")
        assert Grid.from_image(image).same_as(a_case.grid)
        assert np.abs(array / scale - truth / 65535).max() <= 0.5 / scale + 1e-9 * (bits == 8)


@pytest.mark.parametrize("there", ["CT_7_a.seg.nrrd", "CT_7_a.nii.gz", "CT_7_a.json", "overlapping/CT_7_a.2.nii.gz"])
def test_nothing_is_overwritten_unless_asked_for(a_case: Completed, tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine", encoding="utf-8")
    with pytest.raises(Failure, match=r"Case 'CT 7/a'.*exists"):
        export_case(tmp_path, a_case)
    assert (tmp_path / there).read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [Path(there).name]
    export_case(tmp_path, a_case, replace=True)
    assert (tmp_path / there).read_bytes() != b"mine"


def test_a_case_that_does_not_fit_together_is_refused(a_case: Completed, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="structures"):
        Completed("a", a_case.grid, a_case.labels, STRUCTURES[:2])
    with pytest.raises(ValueError, match="on a grid"):
        Completed("a", Grid((4, 4, 3), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1)), a_case.labels, STRUCTURES)
    with pytest.raises(ValueError, match="formats are"):
        export_case(tmp_path, a_case, ["stl"])
    with pytest.raises(ValueError, match="8 or 16"):
        export_case(tmp_path, a_case, ["confidence"], bits=12)
    with pytest.raises(ValueError, match="no prediction"):
        export_case(tmp_path, Completed("a", a_case.grid, a_case.labels, STRUCTURES), ["confidence"])


@settings(max_examples=25)
@given(st.data())
def test_the_annotators_voxels_are_byte_identical_in_the_files(
    drawn: SimpleNamespace, a_grid: Grid, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    expert = data.draw(drawn.labels())
    labels = expert
    for number in range(2):
        prediction = data.draw(drawn.prediction(labels))
        labels = apply(labels, prediction, data.draw(drawn.review(prediction)), "scan", number)
    final = completed(labels, data.draw(drawn.prediction(labels)), options=Options(2, fill_holes=True))
    case = Completed("scan", a_grid, final, structures_named(NAMES))
    segments, label_map = export_case(tmp_path_factory.mktemp("out"), case)
    drawn_voxels = expert.origin == EXPERT
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(label_map)))
    assert array[drawn_voxels].tobytes() == expert.label_map[drawn_voxels].tobytes()
    for segment in read_seg_nrrd(segments).segments:
        settled = expert.certain(segment.name)
        assert np.array_equal(segment.mask[settled], expert.positive(segment.name)[settled])
