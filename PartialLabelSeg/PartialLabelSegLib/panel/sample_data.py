"""Our samples in Slicer's module Sample Data: made-up scans that need no network, and scans of a published study.

This is imported while Slicer starts, and therefore imports nothing but small files; what makes the scans is imported on a click.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.published import OPENKBP, SAMPLE, Published, published_files

if TYPE_CHECKING:
    from .application import Application

CATEGORY = "Partial Label Segmentation"
MADE_UP, STUDY = "Abdomen (made up)", "Head and neck (OpenKBP)"
"""The names under which the samples are offered."""
SAMPLES = (MADE_UP, STUDY)
PICTURES = OPENKBP.parent


def register_sample_data(scene: Any) -> None:
    """Offers the samples in the module Sample Data, for Slicer's scene; nothing happens where they are offered already, or Slicer has no such module."""
    try:
        logic = importlib.import_module("SampleData").SampleDataLogic
    except ModuleNotFoundError:
        return
    files = published_files(OPENKBP, SAMPLE)
    for name, picture, fetched in ((MADE_UP, "phantoms.png", ()), (STUDY, "openkbp.png", files)):
        logic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=name,
            uris=[file.address for file in fetched],
            fileNames=[name_in_cache(file) for file in fetched],
            checksums=[f"SHA256:{file.sha256}" for file in fetched],
            thumbnailFileName=str(PICTURES / picture),
            customDownloader=Click(name, scene),
        )


def name_in_cache(file: Published) -> str:
    """'OpenKBP_pt_1_ct.csv': Slicer keeps all that it downloads in one folder."""
    return "_".join(("OpenKBP", *Path(file.name).parts[-2:]))


@dataclass(eq=False)
class Click:
    """What the module Sample Data calls when a sample is clicked. The scans come one after another; nobody waits for them.

    Its text has no address in memory: by that text the module sees whether it offers a sample already.
    """

    name: str
    scene: Any = field(repr=False)
    _loading: Any = field(default=None, repr=False)

    def __call__(self, source: Any = None) -> list[Any]:
        if self._loading is None:
            from .sample_loading import SampleLoading
            from .slicer_application import SlicerApplication

            self._loading = SampleLoading(SlicerApplication(self.scene), self.name)
        self._loading.begin()
        return []


def load_sample(application: Application, name: str) -> list[Any]:
    """Makes or fetches a sample at once, shows its first scan, and returns its nodes. RuntimeError with a sentence: it cannot be had."""
    from ..run.failure import Failure
    from .sample_scans import sample_scans, show_first
    from .steps import finish_now

    try:
        nodes = finish_now(sample_scans(application, name))
    except Failure as failure:
        raise RuntimeError(failure.sentence()) from None
    show_first(application, nodes)
    return nodes
