"""A DICOM segmentation of probabilities is read back by pydicom frame by frame, and asked for in a sentence where highdicom is missing."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import generate_uid

from data.small_scans import OBLIQUE, grey_values
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.image_io import read_scan
from PartialLabelSegLib.data.raters.dicom_seg import write_dicom_seg
from PartialLabelSegLib.data.raters.export import ExportOptions, export_soft_labels
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.rated_case import RatedCase
from PartialLabelSegLib.data.raters.types import Reading
from PartialLabelSegLib.run.failure import Failure


def write_whole_series(folder: Path) -> Path:
    """A CT series with the patient's and the study's attributes, as a scanner writes them; its files in no order."""
    folder.mkdir()
    matrix = np.reshape(OBLIQUE.direction, (3, 3))
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for index, values in enumerate(grey_values(OBLIQUE)):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
        data.Modality, data.PatientName, data.PatientID = "CT", "Doe^Jane", "7"
        data.PatientBirthDate = data.PatientSex = data.AccessionNumber = data.StudyID = ""
        data.StudyDate, data.StudyTime, data.ReferringPhysicianName, data.PositionReferenceIndicator = (
            "20260101",
            "",
            "",
            "",
        )
        data.InstanceNumber, data.SeriesNumber = index + 1, 1
        position = np.array(OBLIQUE.origin) + matrix[:, 2] * OBLIQUE.spacing[2] * index
        data.ImagePositionPatient = [f"{part:.10g}" for part in position]
        data.ImageOrientationPatient = [f"{part:.10g}" for part in matrix[:, :2].T.ravel()]
        data.PixelSpacing = [OBLIQUE.spacing[1], OBLIQUE.spacing[0]]
        data.SliceThickness = OBLIQUE.spacing[2]
        data.Rows, data.Columns = values.shape
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.RescaleSlope, data.RescaleIntercept = 1, 0
        data.PixelData = values.tobytes()
        data.save_as(folder / f"{(index * 3) % 4}.dcm", enforce_file_format=True)
    return folder


def probabilities() -> np.ndarray:
    """float32 on the series' grid; each slice has another mean, so that none can be mistaken for another."""
    plane = np.zeros(OBLIQUE.shape, np.float32)
    for index in range(len(plane)):
        plane[index, 1:4, 2:5] = (index + 1) / 5
    return plane


def frames_by_place(path: Path) -> dict[tuple[int, int], np.ndarray]:
    """The stored probabilities by segment and slice, from the position along the normal."""
    data = pydicom.dcmread(path)
    normal = np.reshape(OBLIQUE.direction, (3, 3))[:, 2]
    found = {}
    for frame, values in zip(data.PerFrameFunctionalGroupsSequence, data.pixel_array):
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float) - OBLIQUE.origin
        segment = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        found[(int(segment), round(float(position @ normal) / OBLIQUE.spacing[2]))] = (
            values / data.MaximumFractionalValue
        )
    return found


def test_the_probabilities_come_back_at_the_place_of_their_slice(tmp_path: Path) -> None:
    series = write_whole_series(tmp_path / "ct")
    assert Grid.from_image(read_scan(series)).shape == OBLIQUE.shape
    write_dicom_seg(tmp_path / "soft.dcm", series, {"nodule": probabilities(), "cyst": 1 - probabilities()})
    data = pydicom.dcmread(tmp_path / "soft.dcm")
    assert (data.Modality, data.SegmentationType, data.SegmentationFractionalType) == (
        "SEG",
        "FRACTIONAL",
        "PROBABILITY",
    )
    assert [segment.SegmentLabel for segment in data.SegmentSequence] == ["nodule", "cyst"]
    assert data.PatientID == "7" and data.FrameOfReferenceUID
    frames = frames_by_place(tmp_path / "soft.dcm")
    for index in range(OBLIQUE.size[2]):
        np.testing.assert_allclose(frames[(1, index)], probabilities()[index], atol=0.51 / 255)
        np.testing.assert_allclose(frames[(2, index)], 1 - probabilities()[index], atol=0.51 / 255)


def test_an_export_of_a_series_has_a_segmentation_beside_the_data_set(tmp_path: Path) -> None:
    series = write_whole_series(tmp_path / "ct")
    image = read_scan(series)
    reading = Reading("ct-1", "anna", None, (), probabilities() > 0.5)
    case = RatedCase("ct-1", image, {"nodule": RatedScan((reading,), OBLIQUE.shape)}, series=series)
    export_soft_labels(tmp_path / "out", [case], options=ExportOptions(dicom_seg=True))
    assert (tmp_path / "out" / "dicom" / "ct-1.dcm").is_file()
    assert sitk.ReadImage(str(tmp_path / "out" / "soft" / "ct-1" / "nodule.nrrd")).GetSize() == OBLIQUE.size


def test_without_highdicom_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(Failure, match="needs the Python package highdicom") as caught:
        export_soft_labels(tmp_path / "out", [], options=ExportOptions(dicom_seg=True))
    assert "Leave DICOM segmentations out, or install it" in caught.value.way_out
    assert list(tmp_path.iterdir()) == []


def test_planes_that_do_not_fit_the_series_are_a_sentence(tmp_path: Path) -> None:
    series = write_whole_series(tmp_path / "ct")
    with pytest.raises(Failure, match="has 4 files for 3 slices"):
        write_dicom_seg(tmp_path / "soft.dcm", series, {"nodule": probabilities()[:3]})
    assert not (tmp_path / "soft.dcm").exists()
