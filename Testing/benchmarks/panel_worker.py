"""A worker that learns nothing, for the panel's benchmark: its events come as fast as a real one's, and its files were made before.

python panel_worker.py LEFT complete ... --out RUN      LEFT: the run (`panel_cohort`) whose parts it moves into RUN
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

LEARNING = "round 0: learning the structures"
STEPS = 400
EVENTS_PER_SECOND = 5
"""A real worker says something about once a second."""


def main(left: Path, run: Path, seconds: float) -> int:
    run.mkdir(parents=True, exist_ok=True)
    head = json.loads((left / "run.json").read_text(encoding="utf-8"))
    names = [case["name"] for case in head["cases"]]
    # Importing says a line for each scan: here as many as a large cohort has, at once.
    for number in range(100):
        say("imported", case=names[number % len(names)], step=number + 1, steps=100)
    os.rename(left / "cases", run / "cases")
    os.rename(left / "run.json", run / "run.json")
    say("planning", cases=len(names))
    say("estimate", seconds=seconds, step_seconds=seconds / STEPS, gigabytes=1.5, device="cpu", threads=2)
    for number in range(100):
        say("prepared", round=0, case=names[number % len(names)], step=number + 1, steps=100)
    say("round", round=0, rounds=2, gamma=1.0)
    learn([item["name"] for item in head["structures"]], seconds)
    for number, case in enumerate(head["cases"], 1):
        time.sleep(0.5)
        target = run / "rounds" / "0" / "predictions" / case["folder"]
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(left / "rounds" / "0" / "predictions" / case["folder"], target)
        say("prediction", round=0, case=case["name"], step=number, steps=len(names))
    time.sleep(1.0)
    say("waiting", message="The suggestions of round 0 wait.")
    return 4


def learn(structures: list[str], seconds: float) -> None:
    ticks = round(seconds * EVENTS_PER_SECOND)
    for tick in range(1, ticks + 1):
        time.sleep(1 / EVENTS_PER_SECOND)
        done = tick / ticks
        where = {"stage": LEARNING, "step": round(STEPS * done)}
        left = {"loss": 1 - 0.8 * done, "seconds_left": seconds * (1 - done)}
        say("progress", steps=STEPS, **where, **left)
        if tick % EVENTS_PER_SECOND == 0:
            dice = {name: min(1.0, done + 0.02 * place) for place, name in enumerate(structures)}
            say("validation", dice=dice, dice_mean=done, **where)
            say("checkpoint", **where)


def say(kind: str, **fields: object) -> None:
    print(json.dumps({"event": kind, "time": time.time(), **fields}), flush=True)


if __name__ == "__main__":
    out = sys.argv[sys.argv.index("--out") + 1]
    sys.exit(main(Path(sys.argv[1]), Path(out), float(os.environ.get("PANEL_WORKER_SECONDS", "10"))))
