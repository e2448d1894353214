"""A sample that comes into the scene while the window lives: fetched by the worker where it has to be, then loaded scan by scan."""

from __future__ import annotations

import logging
from typing import Any

from . import words
from .application import Application
from .ask_worker import Answer, Question
from .observers import Observers
from .sample_data import STUDY
from .sample_scans import sample_scans, show_first, study_folder
from .steps import Stepper

NEXT = "Open Partial Label Segmentation and choose 'Add loaded scans'."


class SampleLoading:
    """One sample; `begin` may be called again and again. How far it is, and what went wrong, stands in the status line."""

    def __init__(self, application: Application, name: str) -> None:
        self._application = application
        self._name = name
        self._stepper = Stepper()
        self._question = Question(application, self._fetched)
        self._observers = Observers()
        self._said = -1

    @property
    def busy(self) -> bool:
        return self._stepper.busy or self._question.asking()

    def begin(self) -> None:
        """Nothing happens where the sample is coming already."""
        if self.busy:
            return
        scene = self._application.scene
        self._observers.add(scene, scene.StartCloseEvent, self.cancel)
        if self._name == STUDY:
            # A network that does not answer must not hold up the window, so another process asks it.
            self._application.say_status(f"{self._name}: fetching about 10 MB…")
            self._question.ask(("sample", "--openkbp", "--out", study_folder(self._application)))
        else:
            self._load()

    def cancel(self) -> None:
        """Gives it up: the scene that asked for it is closed."""
        self._question.forget()
        self._stepper.cancel()
        self._observers.release()

    def _fetched(self, answer: Answer) -> None:
        if answer.code == 0:
            self._load()
        else:
            self._failed(answer.why_not())

    def _load(self) -> None:
        self._said = -1
        self._stepper.start(sample_scans(self._application, self._name), self._loaded, self._failed, self._told)

    def _told(self, share: float) -> None:
        """Every tenth is said."""
        if int(10 * share) > self._said:
            self._said = int(10 * share)
            self._application.say_status(f"{self._name}: {10 * self._said} % loaded")

    def _loaded(self, nodes: list[Any]) -> None:
        self._observers.release()
        show_first(self._application, nodes)
        scans = sum(node.IsA("vtkMRMLScalarVolumeNode") for node in nodes)
        self._application.say_status(f"{self._name}: {words.counted(scans, 'scan')} loaded. {NEXT}")

    def _failed(self, sentence: str) -> None:
        self._observers.release()
        # The status line forgets; Slicer's log keeps it.
        logging.getLogger(__name__).error("%s: %s", self._name, sentence)
        self._application.say_status(f"{self._name}: {sentence}")
