"""A whole round with the instance network: structures, confidence, predictions with a list of instances; and what it costs is measured first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk

from PartialLabelSegLib.config import Configuration, Plan, from_json, to_json
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.nets.instance.network import InstanceNetwork
from PartialLabelSegLib.train.estimate import probe
from PartialLabelSegLib.train.learn import learn_confidence, learn_segmentation, segmentation_network
from PartialLabelSegLib.train.suggest import predict_cases
from train.making import CPU, STRUCTURES, labels_of_cohort, make_session, plan_of


def plan_of_instances() -> Plan:
    plan = plan_of(dimensions="2.5d", steps=6)
    return replace(plan, architecture="instance", batch=4, validate_every=3, loss="apl", foreground_share=0.5)


def test_a_round_of_partly_labelled_scans_ends_with_predictions_confidence_and_instances(tmp_path: Path) -> None:
    session = make_session(tmp_path, labels_of_cohort(), plan=plan_of_instances())
    for case in session.cases:
        session.prepare(case, 0)
    told = [event.kind for event in learn_segmentation(session, 0)]
    assert told.count("validation") == 2 and "progress" in told
    list(learn_confidence(session, 0))
    assert isinstance(segmentation_network(session, 0), InstanceNetwork)
    case = session.cases[0]
    list(predict_cases(session, 0, (case,)))
    folder = session.round(0).prediction(case.folder.name)
    prediction, grid = read_prediction(folder, case.name)
    assert prediction.structures == STRUCTURES and grid == case.grid
    image = sitk.ReadImage(str(folder / "instances.nrrd"))
    assert image.GetSize() == case.grid.size
    said = json.loads((folder / "instances.json").read_text(encoding="utf-8"))["instances"]
    assert {one["structure"] for one in said} <= set(STRUCTURES)
    numbers = sitk.GetArrayFromImage(image)
    assert {int(value) for value in set(numbers[numbers > 0].tolist())} == {one["number"] for one in said}


def test_a_plan_with_an_instance_network_fits_into_json_and_its_cost_is_measured() -> None:
    plan = replace(plan_of_instances(), mask_head="plain")
    assert from_json(Plan, json.loads(json.dumps(to_json(plan)))) == plan
    measured = probe(plan, CPU, Configuration())
    assert measured.step_seconds > 0 and measured.seconds > measured.step_seconds
    with pytest.raises(ValueError, match="mask_head must be one of improved, plain"):
        replace(plan, mask_head="deep")
