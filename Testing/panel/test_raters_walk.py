"""The raters' page as a clinician uses it: grid, ticks by mouse and keys, two raters, the soft label, and saving it with the real worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PySide6 import QtCore

from panel.rated_scene import AtKnee

Wait = Callable[..., None]
Key = QtCore.Qt.Key


def test_from_the_grid_to_a_folder_of_soft_labels(knee: AtKnee, tmp_path: Path) -> None:
    knee.picture("raters_1_begin")
    knee.click("raters_fit_one_box")
    knee.go_to(6)
    knee.picture("raters_2_grid")
    knee.click("raters_part_read")
    knee.add_rater("Anna")
    knee.press_cell(3, 2)
    knee.press_cell(3, 3)
    knee.key(Key.Key_Right)
    knee.key(Key.Key_Space)
    assert knee.rating.rater_named("Anna").ticks == {(6, 3, 2), (6, 3, 3), (6, 3, 4)}
    knee.picture("raters_3_read")
    knee.key(Key.Key_PageDown)
    knee.key(Key.Key_D)
    assert knee.rating.rater_named("Anna").read == {6, 7}
    knee.add_rater("Ben")
    knee.picture("raters_4_blind")
    knee.go_to(6)
    knee.press_cell(3, 3)
    knee.click("raters_part_together")
    knee.picture("raters_5_together")
    preview = knee.controller.room.together.preview
    assert preview is not None and preview.known
    scores = json.loads((knee.desk.work_folder / "raters" / "scores.json").read_text(encoding="utf-8"))
    assert len(scores["ticks"]) == 4
    knee.controller.together.compared()
    knee.settle()
    result = knee.controller.together.comparing.result
    assert result is not None and result.cells.ratings > 0
    knee.opened.application.answers.append(tmp_path)
    knee.click("raters_export")
    knee.opened.until(lambda: knee.controller.together.exporting.work.working() is None, 60, "the soft labels")
    (out,) = [path for path in tmp_path.iterdir() if path.name.startswith("soft labels")]
    assert (out / "softlabel.json").is_file(), knee.desk.message
    (soft,) = (out / "soft").rglob("*.nrrd")
    plane = sitk.GetArrayFromImage(sitk.ReadImage(str(soft)))
    last = list(preview.stages.values())[-1]
    np.testing.assert_allclose(plane[6], last, atol=1e-6)
    knee.window.resize(1400, 1250)
    knee.picture("raters_6_saved")
    knee.click("raters_export_learn")
    knee.opened.until_read()
    names = [scan.name for scan in knee.desk.state.scans]
    assert knee.opened.is_seen("scans_step") and len(names) == 2, (names, knee.desk.message.text)
    knee.picture("raters_7_learn")
