"""The agreement of a study: every structure of every scan, with a consensus made of the readings themselves."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.rated_case import RatedCase
from PartialLabelSegLib.data.raters.recipe import Recipe
from PartialLabelSegLib.data.raters.types import Reading
from PartialLabelSegLib.metrics.study_agreement import study_agreement

SHAPE = (2, 3, 6)


def row(length: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[0, 1, :length] = True
    return mask


def case(name: str, **lengths: tuple[int, ...]) -> RatedCase:
    image = sitk.GetImageFromArray(np.zeros(SHAPE, np.int16))
    image.SetSpacing((10.0, 10.0, 10.0))
    structures = {
        structure: RatedScan(tuple(Reading(name, f"R{n}", mask=row(length)) for n, length in enumerate(found)), SHAPE)
        for structure, found in lengths.items()
    }
    return RatedCase(name, image, structures)


def test_every_structure_has_its_agreement_with_the_majority() -> None:
    cases = [case("one", Femur=(2, 4, 4), Tibia=(1, 1)), case("two", Femur=(3, 3, 3))]
    femur, tibia = study_agreement(iter(cases))
    assert (femur.structure, tibia.structure, femur.consensus) == ("Femur", "Tibia", "majority")
    # Two of three raters say 4 mL in the first scan.
    assert femur.raters[0].bias_ml.mean == pytest.approx((-2 + 0) / 2)
    assert femur.raters[1].dice.mean == 1.0 and [pair.scans for pair in femur.pairs] == [2, 2, 2]
    assert tibia.raters[0].scans == 1


def test_another_consensus_is_named_and_used() -> None:
    (found,) = study_agreement([case("one", Femur=(2, 4))], Recipe(method="share", threshold=1.0))
    # What both marked.
    assert found.consensus == "share" and found.raters[1].bias_ml.mean == pytest.approx(2.0)
