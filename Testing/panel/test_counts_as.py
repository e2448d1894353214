"""What drawings count as in the table is what the worker makes of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.small_scans import OBLIQUE, blocks
from PartialLabelSegLib.data.importers.choices import CaseChoices
from PartialLabelSegLib.data.importers.drawing import Drawing, drawn_in
from PartialLabelSegLib.data.importers.rename import renamed
from PartialLabelSegLib.data.importers.settle import settled
from PartialLabelSegLib.data.labels import Slices
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.panel.counts_as import NOT_THERE, Counted, counted, is_drawn

DRAWINGS = ("Leber", "liver", "left", "right")
MASKS = blocks(OBLIQUE, Leber=(0, 0, 0), liver=(0, 3, 0), left=(0, 0, 3), right=(2, 3, 4))
FOUND = st.dictionaries(st.sampled_from(DRAWINGS), st.sampled_from([state.value for state in State]), min_size=1)
NAMES = st.dictionaries(st.sampled_from(DRAWINGS), st.sampled_from(["Liver", "liver", "Kidneys", "right", ""]))


@given(FOUND, NAMES)
def test_the_table_says_what_the_worker_will(found: dict[str, str], names: dict[str, str]) -> None:
    drawn, slices = {}, {}
    for name, word in found.items():
        if word in ("labelled", "some slices"):
            drawn.update(drawn_in(MASKS[name].astype(np.uint8), {name: (1,)}))
        if word == "some slices":
            slices[name] = Slices(0, (0, 1, 2, 3))
    said = {name: State(word) for name, word in found.items()}
    there = counted(found, names)
    structures = tuple(dict.fromkeys([*there, *DRAWINGS, "Liver", "Kidneys"]))
    labels, _ = settled(renamed(Drawing(drawn, said, slices), CaseChoices(names)), structures, frozenset(), OBLIQUE)
    assert labels is not None
    for name in structures:
        item = there.get(name, NOT_THERE)
        assert item.state == labels.state(name).value, name
        assert is_drawn(found, item) == (labels.voxels(name) > 0)
        assert item.in_part == (labels.state(name) is State.MISSING and labels.voxels(name) > 0)


def test_drawings_that_are_left_out_are_no_structure() -> None:
    assert counted({"Liver": "labelled", "scribble": "labelled"}, {"scribble": ""}) == {
        "Liver": Counted("labelled", ("Liver",))
    }


def test_drawings_with_voxels_come_first_and_missing_parts_are_named() -> None:
    there = counted({"left": "missing", "right": "labelled"}, {"left": "Kidneys", "right": "Kidneys"})
    assert there == {"Kidneys": Counted("missing", ("right", "left"), ("left",))}
    alike = counted({"LIVER": "missing", "Liver": "labelled"}, {"LIVER": "Liver"})
    assert alike == {"Liver": Counted("labelled", ("Liver", "LIVER"))}
