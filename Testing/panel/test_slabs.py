"""Masks looked at in slabs come out as those looked at in one go."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.panel import slabs
from PartialLabelSegLib.panel.masks import tight
from PartialLabelSegLib.panel.slabs import slabs_of, tight_in_steps
from PartialLabelSegLib.panel.steps import finish_now


@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.0, 0.01, 0.5]))
def test_a_mask_is_cut_to_its_voxels_as_in_one_go(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((5, 4, 6)) < share
    box = (slice(2, 7), slice(0, 4), slice(10, 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slabs, "_VOXELS", 48)
        found, expected = finish_now(tight_in_steps(box, mask)), tight(box, mask)
    if expected is None:
        assert found is None and not mask.any()
        return
    assert found is not None and found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_slabs_cover_a_scan_without_gap_and_hold_a_plane_at_least() -> None:
    for shape in ((300, 512, 512), (7, 2048, 2048), (1, 3, 3)):
        found = list(slabs_of(shape))
        assert found[0].start == 0 and found[-1].stop == shape[0]
        assert all(one.stop == other.start for one, other in pairwise(found))
        assert all(1 <= slab.stop - slab.start <= max(1, (1 << 21) // (shape[1] * shape[2])) for slab in found)
