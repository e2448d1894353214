"""A soft label as a DICOM segmentation of type FRACTIONAL, PROBABILITY, for a scan that came as a DICOM series. Needs the package highdicom."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ...run.failure import Failure
from ...run.files import replacing
from .optional import optional

_OTHERWISE = "Leave DICOM segmentations out"
ONE = 255
"""The stored value of probability 1."""


def needed_packages() -> None:
    """Failure: highdicom is not installed."""
    optional("highdicom", "A DICOM segmentation", _OTHERWISE)


def write_dicom_seg(path: Path, series: Path, planes: Mapping[str, np.ndarray]) -> None:
    """Writes one file with a segment per structure.

    series: the folder of the scan's series, read as `read_series` reads it. planes: by structure, float32 (z, y, x) in 0..1 on the scan's grid;
    stored in 8 bits, to the nearest 255th. Failure: highdicom is missing, or refuses the series.
    """
    highdicom = optional("highdicom", "A DICOM segmentation", _OTHERWISE)
    pydicom = optional("pydicom", "A DICOM segmentation", _OTHERWISE)
    sources = [pydicom.dcmread(name) for name in _files(series)]
    stacked = np.stack([np.clip(plane, 0, 1) for plane in planes.values()], axis=-1).astype(np.float32)
    if len(sources) != len(stacked):
        raise Failure(
            f"the series in {series.name} has {len(sources)} files for {len(stacked)} slices.",
            way_out=f"{_OTHERWISE}: its frames lie in one file, which is not supported.",
        )
    try:
        segmentation = highdicom.seg.Segmentation(
            source_images=sources,
            pixel_array=stacked,
            segmentation_type=highdicom.seg.SegmentationTypeValues.FRACTIONAL,
            segment_descriptions=[_description(highdicom, number, name) for number, name in enumerate(planes, 1)],
            series_instance_uid=highdicom.UID(),
            series_number=100,
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="PartialLabelSeg",
            manufacturer_model_name="PartialLabelSeg soft labels",
            software_versions="1",
            device_serial_number="0",
            fractional_type=highdicom.seg.SegmentationFractionalTypeValues.PROBABILITY,
            max_fractional_value=ONE,
        )
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Failure(
            f"the series in {series.name} takes no segmentation ({error}).", way_out=f"{_OTHERWISE}."
        ) from None
    with replacing(path) as beside:
        segmentation.save_as(str(beside))


def _files(series: Path) -> tuple[str, ...]:
    """The files of the only series, in the order of the volume's slices."""
    names = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(series))
    return tuple(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(series), names[0])) if names else ()


def _description(highdicom: Any, number: int, name: str) -> Any:
    """A segment. Its codes say only 'morphologically altered structure', since a study names its structures in words of its own."""
    code = highdicom.sr.CodedConcept("49755003", "SCT", "Morphologically Altered Structure")
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=code,
        segmented_property_type=code,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name="PartialLabelSeg soft label",
            version="1",
            family=highdicom.sr.CodedConcept("123109", "DCM", "Manual Processing"),
        ),
    )
