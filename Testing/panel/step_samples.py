"""View models of the steps Scans and Learn as the logic would make them, and the looks of the window that they are tried in."""

from __future__ import annotations

import math
import random
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from PySide6 import QtWidgets

from host import appearance
from panel.decide_samples import LONG, LONG_SCAN, ORGANS, Recorder, dark_palette
from PartialLabelSegLib.data.types import PALETTE
from PartialLabelSegLib.panel.state import Choices
from PartialLabelSegLib.panel.view_models import (
    AdviceView,
    CellView,
    CurvesView,
    CurveView,
    EstimateView,
    LearnView,
    MergeView,
    NodeView,
    NoteView,
    ProblemView,
    ProgressView,
    ScansView,
    ScanView,
    SegmentView,
    StructureView,
    TorchView,
)
from PartialLabelSegLib.panel.widgets.learn_step import LearnStep
from PartialLabelSegLib.panel.widgets.scans_step import ScansStep

DRAWN, UNDRAWN = ("labelled", "some slices"), ("missing", "absent")
READY = TorchView("ready", "2.4.1")
OTHER_GRID = ProblemView("The segmentation lies on another grid than the scan; it is moved to it by nearest neighbour.")
UNUSABLE = ProblemView("The scan has no voxel size. Save it again with the program that made it.", "error")


def structures(count: int) -> tuple[StructureView, ...]:
    """The organs, then one with a long name, then numbered ones."""
    names = [*ORGANS, LONG, *(f"Structure number {number}" for number in range(9, 10_000))][:count]
    return tuple(StructureView(name, PALETTE[place % len(PALETTE)]) for place, name in enumerate(names))


def cell(state: str, changed: bool = False, remark: str = "", made: str = "checked") -> CellView:
    return CellView(state, DRAWN if state in DRAWN else UNDRAWN, changed, remark, made if state in DRAWN else "")


def cohort(scans: int = 4, organs: int = 3, long_names: bool = False, **changed: Any) -> ScansView:
    """Scans with states by chance (always the same); each ninth has a warning, the sixth cannot be used."""
    chance, columns = random.Random(1), structures(organs)
    rows = []
    for number in range(scans):
        states = chance.choices([*DRAWN, *UNDRAWN], [8, 2, 10, 2], k=organs)
        cells = tuple(
            cell(state, chance.random() < 0.05, f"{chance.randint(10, 1800)} mL" if state in DRAWN else "")
            for state in states
        )
        drawn = tuple(SegmentView(item.name, item.name) for item, state in zip(columns, states) if state in DRAWN)
        name = f"{LONG_SCAN[:-4]}{number:04d}" if long_names else f"scan_{number:03d}"
        problems = (UNUSABLE,) if number == 5 else (OTHER_GRID,) if number % 9 == 3 else ()
        rows.append(
            ScanView(
                name, () if number == 5 else cells, problems, drawn, f"v{number}", f"s{number}", "loaded in Slicer"
            )
        )
    volumes = tuple(NodeView(f"v{number}", f"CT {number}") for number in range(scans))
    segmentations = tuple(NodeView(f"s{number}", f"Segmentation {number}") for number in range(scans))
    summary = f"{scans} scans, {organs} structures: 46 % of them are labelled." if scans else ""
    view = {"volumes": volumes, "segmentations": segmentations, "summary": summary, **changed}
    return ScansView(columns, tuple(rows), **view)


def two_scans(**changed: Any) -> ScansView:
    """Liver and Spleen: labelled and not in Ann, on some slices and absent in Bob, who calls his liver 'Leber'."""
    ann = ScanView(
        "Ann", (cell("labelled", remark="1480 mL"), cell("missing")), (), (SegmentView("Liver", "Liver"),), "v1", "s1"
    )
    bob = ScanView(
        "Bob", (cell("some slices"), cell("absent", True)), (OTHER_GRID,), (SegmentView("Leber", "Liver"),), "v2", "s2"
    )
    nodes = {
        "volumes": (NodeView("v1", "CT Ann"), NodeView("v2", "CT Bob"), NodeView("v3", "CT Eve")),
        "segmentations": (NodeView("s1", "Drawn Ann"), NodeView("s2", "Drawn Bob")),
    }
    columns = (StructureView("Liver"), StructureView("Spleen"))
    return ScansView(**{"structures": columns, "scans": (ann, bob), **nodes, **changed})


def partly_quick() -> ScansView:
    """As two scans, but Bob's liver was made quickly, and Ann's spleen is labelled too; Eve's, in another data set, as well."""
    ann, bob = two_scans().scans
    ann = replace(
        ann, cells=(ann.cells[0], cell("labelled", made="quick")), origin="from abdomen", source="sets/abdomen"
    )
    bob = replace(
        bob, cells=(cell("some slices", made="quick"), bob.cells[1]), origin="from abdomen", source="sets/abdomen"
    )
    eve = ScanView("Eve", (cell("labelled"), cell("missing")), origin="from abdomen", source="other/abdomen")
    return two_scans(scans=(ann, bob, eve))


MERGE = MergeView(("Leber", "Liver"), "Liver", "both carry the code of the liver")


def curves(organs: int = 7, validations: int = 30) -> CurvesView:
    """Two rounds of three begun; the fourth structure is never measured, as where no validation scan has it."""
    chance = random.Random(2)
    loss = tuple((10.0 * step, 0.15 + 1.2 * math.exp(-step / 40) + chance.random() * 0.06) for step in range(1, 300))
    dice = tuple(
        CurveView(
            item.name,
            ()
            if place == 3
            else tuple(
                (100.0 * at, (0.95 - 0.5 * place / organs) * (1 - math.exp(-at / (4 + place / 3))))
                for at in range(1, validations)
            ),
            item.color,
        )
        for place, item in enumerate(structures(organs))
    )
    return CurvesView(loss, dice, ((1800.0, "round 2"),), 3600)


ADVICE = AdviceView(
    "full",
    "weigh",
    ("size",),
    "Recommended: learn in rounds; quick labels: weigh each voxel; usual size kept to, because "
    "not every structure is drawn everywhere (missing: Liver in 3 of 12). Some labels were drawn quickly (Liver in 5 scans, checked in 4). "
    "Each place of them counts as far as the checked ones speak for it.",
)


LEARNED_FROM = (
    "Liver: from 4 checked scans, every voxel; from 5 quick ones, voxel by voxel as far as the checked ones agree.",
    "Spleen: from 6 checked scans, every voxel; in 3 scans nobody drew it: the surest part of what is suggested is learned from, in 2 rounds.",
)


def learn_views() -> dict[str, LearnView]:
    """One of each way that the step can stand."""
    notes = (
        NoteView(f"Labelled in no training scan, so nothing can be suggested for it: {LONG}."),
        NoteView("Memory ran out; going on with 2 windows per step.", "warning"),
    )
    running = ProgressView("round 0: learning the structures", 300, 1200, 250.0, 2, "", 0.18)
    output = "Collecting torch\n  Downloading torch-2.4.1-cp312-cp312-manylinux1_x86_64.whl (797.1 MB)\n" + "…\n" * 9
    return {
        "idle": LearnView("idle", READY, estimate=EstimateView(720.0, 1.3, "cpu", 2, True), advice=ADVICE),
        "nothing_drawn": LearnView("idle", READY, why_not="Nothing is labelled yet: draw a structure in at least one scan."),
        "torch_missing": LearnView("idle", TorchView("missing", "Slicer's PyTorch extension is there and can install it.")),
        "torch_old": LearnView("idle", TorchView("old", "It is version 1.9; 2.2 or later is needed.")),
        "installing": LearnView("idle", TorchView("missing", "", True, output, "Downloading torch, 797 MB", 0.4)),
        "running": LearnView("running", READY, progress=running, curves=curves(7), notes=notes, learned_from=LEARNED_FROM),
        "running_many": LearnView("running", READY, progress=running, curves=curves(40), notes=notes),
        "stopping": LearnView("stopping", READY, progress=ProgressView("prepared"), curves=curves(3)),
        "stopped": LearnView(
            "stopped", READY, can_resume=True, message="Stopped in round 1 of 3. What was learned is kept.", curves=curves(3)
        ),
        "waiting": LearnView("waiting", READY, message="The suggestions of round 1 are ready: look, and decide.", curves=curves(5)),
        "failed": LearnView(
            "failed",
            TorchView("broken", "ImportError: libtorch_cpu.so: cannot open shared object file"),
            Choices("standard", 30.0, "cuda"),
            can_resume=True,
            message="Learning ended before it was done.",
            notes=(NoteView("Case 'scan_003': its file is damaged. Export it again.", "error"),),
        ),
        "finished": LearnView("finished", READY, message="Done: every scan is complete.", curves=curves(7)),
    }  # fmt: skip


def both_steps() -> list[tuple[str, Any, Any]]:
    """Each step by its name, and something for it to show."""
    return [
        ("scans", ScansStep(Recorder()), cohort(12, 8, True)),
        ("learn", LearnStep(Recorder()), learn_views()["running"]),
    ]


def dark() -> AbstractContextManager[None]:
    """The whole application in Slicer's dark style."""
    return appearance.dark(QtWidgets.QApplication.instance(), dark_palette())


def narrowest(widget: Any) -> int:
    """The least width in pixels that a widget can be shown in without being cut."""
    return int(widget.minimumSizeHint().width())
