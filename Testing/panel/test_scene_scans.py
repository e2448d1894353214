"""Pairs of real nodes: read for the table, stamped, and written for the worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.small_scans import OBLIQUE, blocks, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, add_segmentation
from PartialLabelSegLib.data.importers import read_cohorts
from PartialLabelSegLib.panel.cohort import CohortTable
from PartialLabelSegLib.panel.cohort_edits import renamed
from PartialLabelSegLib.panel.cohort_sources import with_scene_scan
from PartialLabelSegLib.panel.gather import gathered
from PartialLabelSegLib.panel.pairs import guess_pairs
from PartialLabelSegLib.panel.scene_scans import read_pair, read_pairs, scene_writer
from PartialLabelSegLib.panel.state import PanelState, Scan
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.run.failure import Failure

MASKS = blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(1, 3, 4))
NOTHING = np.zeros(OBLIQUE.shape, bool)


def table_of(host: SlicerHost) -> tuple[CohortTable, PanelState]:
    table, state = CohortTable(), PanelState()
    for scan in finish_now(read_pairs(guess_pairs(host.scene).pairs)):
        state = with_scene_scan(state, table.learn_scene(scan))
    return table, state


def test_pairs_of_the_scene_become_lines_and_a_data_set_that_the_worker_reads_to_the_voxel(
    host: SlicerHost, tmp_path: Path
) -> None:
    first = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE), "CT one")
    add_segmentation(first, OBLIQUE, {"Leber": MASKS["Liver"], "Spleen": MASKS["Spleen"], "Empty": NOTHING})
    add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE, 1), "CT two")
    table, state = table_of(host)
    assert [scan.found for scan in state.scans] == [{"Leber": "labelled", "Spleen": "labelled", "Empty": "missing"}, {}]
    assert "'Empty' is empty" in table.view(state).scans[0].problems[0].sentence

    state = renamed(state, "CT one", "Leber", "Liver")
    done = finish_now(gathered(state.scans, tmp_path, scene_writer(host.scene, "today")))
    cohort = read_cohorts(done.data_sets, "missing", done.choices)
    assert [source.case for source in cohort.sources] == ["CT one", "CT two"]
    labels = cohort.sources[0].read_labels(OBLIQUE)
    np.testing.assert_array_equal(labels.positive("Liver"), MASKS["Liver"])
    np.testing.assert_array_equal(labels.positive("Spleen"), MASKS["Spleen"])
    assert cohort.problems == ()


def test_a_change_in_the_scene_is_seen_by_the_stamp_and_nothing_else_is(host: SlicerHost) -> None:
    volume = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE), "CT")
    segmentation = add_segmentation(volume, OBLIQUE, MASKS)
    scan = Scan("CT", volume.GetID(), segmentation.GetID())
    stamp = scene_writer(host.scene, "today").stamp
    before = stamp(scan)
    assert stamp(scan) == before and scene_writer(host.scene, "tomorrow").stamp(scan) != before
    seen = {before}
    segment = segmentation.GetSegmentation().GetNthSegment(0)
    segment.SetName("Hepar")
    seen.add(stamp(scan))
    segment.GetRepresentation("Binary labelmap").Modified()
    seen.add(stamp(scan))
    volume.GetImageData().Modified()
    seen.add(stamp(scan))
    segmentation.GetSegmentation().RemoveSegment("id1")
    seen.add(stamp(scan))
    assert len(seen) == 5


def test_a_volume_that_is_gone_is_a_sentence(host: SlicerHost, tmp_path: Path) -> None:
    writer = scene_writer(host.scene, "today")
    with pytest.raises(Failure, match="Case 'CT': its volume is not in the scene any more. Choose another volume"):
        finish_now(gathered([Scan("CT", "nowhere")], tmp_path, writer))
    assert writer.stamp(Scan("CT", "nowhere")).endswith("gone")
    assert read_pair("CT", None).volume == ""


def test_a_volume_that_cannot_be_a_scan_is_a_sentence_beside_it(host: SlicerHost) -> None:
    colours = add_scan(host.scene, OBLIQUE, np.zeros((*OBLIQUE.shape, 3), np.uint8), "RGB")
    (problem,) = read_pair("RGB", colours).problems
    assert problem.startswith("It holds 3 values a voxel") and "RGB" not in problem
