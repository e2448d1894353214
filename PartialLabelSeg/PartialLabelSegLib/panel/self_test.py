"""The panel tries itself inside Slicer: phantoms from the scene, a network that is really trained, suggestions that wait."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from .sample_scans import made_up_scans
from .steps import finish_now

PLAN: dict[str, Any] = {
    "widths": [4, 8],
    "strides": [[1, 1, 1], [1, 2, 2]],
    "patch": [1, 32, 32],
    "batch": 4,
    "steps": 40,
    "fine_tune_steps": 20,
    "confidence_steps": 20,
    "validate_every": 20,
    "confidence_widths": [4],
    "precision": "float32",
    "overlap": 0.0,
}
"""A network that learns next to nothing, in seconds."""
TINY = (
    "--checkpoint-seconds",
    "0.5",
    *(part for name, value in PLAN.items() for part in ("--set", f"{name}={json.dumps(value)}")),
)
SECONDS = 600.0


def learn_phantoms(panel: Any, events: Callable[[], object], say: Callable[[str], object]) -> str:
    """From nothing to suggestions that wait, through the panel's own logic. events: lets Qt work. What it came to, in a word.

    'missing', 'broken', 'old': there is no PyTorch to try it with, and that is all that is known.
    """
    desk, scans, learn = panel.logic.desk, panel.logic.scans, panel.logic.learn

    def until(condition: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, f"nothing came of it: {desk.message.text}"
            events()
            time.sleep(0.01)

    finish_now(made_up_scans(desk.scene, scans=6, undrawn=1))
    scans.add_from_scene()
    until(lambda: desk.state.scans and not desk.busy)
    say(scans.view().summary)
    desk.extra_arguments = TINY
    learn.set_choice("rounds", 1)
    panel.logic.open_step("learn")
    until(lambda: learn.torch.asked and learn.view().torch.state != "unknown")
    if not learn.torch.state.ready:
        return str(learn.torch.state.state)
    learn.learn()
    until(lambda: learn.state not in ("idle", "running"))
    assert learn.state == "waiting", desk.message.text
    say("Learned. The suggestions wait for decisions.")
    return str(learn.state)
