"""Nodes of ours that go leave what they shared with others as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, write_predicted
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.types import Structure, structures_named
from PartialLabelSegLib.panel.accepted import accepted_segments
from PartialLabelSegLib.panel.masks import tight
from PartialLabelSegLib.panel.our_nodes import remove_node
from PartialLabelSegLib.panel.outlines import make_outlines
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.suggestions import read_suggestions

NAMES = ("Liver", "Spleen")
GRID = Grid((12, 10, 8), (1.0, 2.0, 5.0), (3.0, -4.0, 10.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def body() -> np.ndarray:
    truth = np.zeros(GRID.shape, np.uint8)
    truth[2:6, 2:7, 2:6] = 1
    truth[2:6, 2:7, 8:11] = 2
    return truth


def test_suggestions_are_whole_after_their_outlines_are_gone(host: SlicerHost, tmp_path: Path) -> None:
    write_predicted(tmp_path, body(), GRID, NAMES, ())
    suggestions = finish_now(read_suggestions(tmp_path))
    scan = add_scan(host.scene, GRID, np.zeros(GRID.shape, np.int16))
    before = suggestions.label.copy()
    assert before.any()
    outlines = make_outlines(scan, suggestions, structures_named(list(NAMES)))
    remove_node(outlines)
    del outlines
    np.testing.assert_array_equal(suggestions.label, before)


def test_a_segment_holds_what_it_was_filled_with_and_nothing_else(host: SlicerHost) -> None:
    scan = add_scan(host.scene, GRID, np.zeros(GRID.shape, np.int16))
    accepted = accepted_segments(scan, "CT")
    whole = (slice(0, 8), slice(0, 10), slice(0, 12))
    liver, spleen = tight(whole, body() == 1), tight(whole, body() == 2)
    assert liver is not None and spleen is not None
    assert not finish_now(accepted.holds("Liver", liver, "accepted"))
    accepted.fill(Structure("Liver"), liver, "accepted")
    accepted.fill(Structure("Spleen"), spleen, "accepted")
    assert finish_now(accepted.holds("Liver", liver, "accepted"))
    assert not finish_now(accepted.holds("Liver", liver, "edited")), "another origin"
    assert not finish_now(accepted.holds("Liver", spleen, "accepted")), "another place"
    less = liver[1].copy()
    less[1, 1, 1] = False
    assert not finish_now(accepted.holds("Liver", (liver[0], less), "accepted")), "one voxel less"
