"""What the Learn step shows, made from the worker's events: the stage, how much of the whole job is done, the time left, curves and notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..run.events import Event
from ..run.failure import Failure
from .curves import Curves
from .job import FINISH, PREDICT, PREPARE, WEIGH, Job
from .outcome import LAST_WORDS
from .pace import Pace
from .time_left import TimeLeft
from .told import learning_stage, number, sentences, text, whole
from .view_models import Color, CurvesView, EstimateView, NoteView, ProgressView

STARTING = "starting"
MOST_NOTES = 200
READING_SHARE, PLANNING_SHARE = 0.03, 0.05
"""How far the bar is when the scans are read, and when the plan is made; the rest follows the stages of the job."""
ALMOST_ALL = 0.99
"""The most that is shown before the worker says that it is done."""

_COUNTED = {"prepared": PREPARE, "weighed": WEIGH, "prediction": PREDICT, "completed": FINISH}
_TELLS_THE_JOB = ("estimate", "round", "prepared", "progress", "resumed", "weighed", "prediction")


def _no_job() -> Job | None:
    return None


class LearningProgress:
    """Hears every event of a run, of earlier sessions too. `job()` says what is left to do, once there is a plan.

    A session is one run of the worker: it begins with `begin()`, or with the first event after a session's last word.
    """

    def __init__(self, job: Callable[[], Job | None] = _no_job) -> None:
        self._ask_job = job
        self._curves = Curves()
        self.notes: tuple[NoteView, ...] = ()
        self.learned_from: tuple[str, ...] = ()
        self.predicted: tuple[tuple[int, str], ...] = ()
        self.estimate: EstimateView | None = None
        self.round = 0
        self.rounds = 0
        self.begin()

    def begin(self) -> None:
        """A worker is started. Curves, notes and predicted scans stay; stage, share and time begin anew."""
        self._job: Job | None = None
        self._at = 0
        self._before: tuple[int, Mapping[tuple[str, int], float]] = (0, {})
        self._units: dict[tuple[str, int], float] = {}
        self._done: dict[tuple[str, int], float] = {}
        self._pace = Pace()
        self._time_left = TimeLeft()
        self._begun_at = 0.0
        self._now = 0.0
        self._share = 0.0
        self._stage, self._remark = STARTING, ""
        self._step = self._steps = 0
        self.ended = ""
        self.message = ""

    def hear(self, event: Event) -> None:
        """Takes one event into account; kinds and fields that it does not know are passed over."""
        if self.ended:
            self.begin()
        self._now = max(self._now, event.time) if -1e12 < event.time < 1e12 else self._now
        self._curves.hear(event)
        if self._job is None and event.kind in _TELLS_THE_JOB:
            self._job = self._ask_job()
        if event.kind in LAST_WORDS:
            self._end(event)
        elif event.kind in ("progress", "resumed"):
            self._train(event)
        elif event.kind in _COUNTED:
            self._count(event)
        elif event.kind in ("imported", "planning", "relabelled", "report", "downloaded"):
            self._stand(event)
        else:
            self._note(event)

    def _end(self, event: Event) -> None:
        self.ended, self.message = event.kind, text(event, "message")
        if event.kind in ("finished", "waiting"):
            self._share = 1.0
        if event.kind == "error":
            self._keep(NoteView(self.message or "The learning program stopped because of a mistake.", "error"))

    def _note(self, event: Event) -> None:
        if event.kind == "problem":
            severity = "error" if text(event, "severity") == "error" else "warning"
            self._keep(NoteView(problem_sentence(event), severity))
        elif event.kind == "note":
            self._keep(NoteView(text(event, "message")))
        elif event.kind == "round":
            self.round, self.rounds = whole(event, "round"), max(whole(event, "rounds"), whole(event, "round"))
        elif event.kind == "learned_from":
            self.learned_from = sentences(event)
        elif event.kind == "estimate":
            self._estimated(event)

    def _keep(self, note: NoteView) -> None:
        if note.text and note not in self.notes:
            self.notes = (*self.notes, note)[-MOST_NOTES:]

    def _estimated(self, event: Event) -> None:
        seconds = max(0.0, number(event, "seconds") or 0.0)
        gigabytes = max(0.0, number(event, "gigabytes") or 0.0)
        self.estimate = EstimateView(seconds, gigabytes, text(event, "device"), whole(event, "threads"), measured=True)
        self._pace.estimated(number(event, "step_seconds") or 0.0)
        self._reach(PLANNING_SHARE)
        self._measure()

    def _stand(self, event: Event) -> None:
        """A stage before or after those of the job."""
        self._show(event.kind, event)
        if event.kind == "imported" and self._steps:
            self._reach(READING_SHARE * min(1.0, self._step / self._steps))
        elif event.kind == "planning":
            self._reach(READING_SHARE)
        elif event.kind == "report":
            self._reach(ALMOST_ALL)

    def _train(self, event: Event) -> None:
        stage = learning_stage(event)
        if stage is None:
            return
        self.round = stage[0]
        self._show(text(event, "stage"), event)
        if not stage[1]:
            # Something that a later worker learns: it is shown, and counts for nothing.
            return
        self._go_to(stage[1], stage[0])
        left = number(event, "seconds_left")
        if left is not None and self._step < self._steps:
            # The worker says it from the mean of all steps up to here, cheap ones and dear ones.
            step, found = self._step, self._job.stage(stage[1], stage[0]) if self._job else None
            work = found.work(step) if found else step
            self._pace.trained(stage[1], step, work, left / (self._steps - step))
        self._measure()

    def _count(self, event: Event) -> None:
        kind = _COUNTED[event.kind]
        round_number = whole(event, "round") if "round" in event.fields else self.rounds
        self._pace.counted((kind, round_number), whole(event, "step"), event.time)
        if kind == PREPARE and not self._is_ahead(kind, round_number):
            # Looked through again on the way to what is left to do.
            return
        self._show(event.kind, event)
        self._go_to(kind, round_number)
        if kind == PREDICT:
            found = (round_number, text(event, "case"))
            if found not in self.predicted:
                self.predicted = (*self.predicted, found)
        self._measure()

    def _show(self, stage: str, event: Event) -> None:
        self._stage, self._remark = stage, text(event, "case")
        self._steps = whole(event, "steps")
        self._step = min(whole(event, "step"), self._steps)

    def _is_ahead(self, kind: str, round_number: int) -> bool:
        if self._job is None:
            return True
        return any((stage.kind, stage.round) == (kind, round_number) for stage in self._job.stages[self._at :])

    def _go_to(self, kind: str, round_number: int) -> None:
        """Moves on in the job, never back; what was left out on the way is done or was not needed."""
        self._units[kind, round_number] = self._steps
        self._done[kind, round_number] = self._step
        for index, stage in enumerate(self._job.stages if self._job else ()):
            if index >= self._at and (stage.kind, stage.round) == (kind, round_number):
                self._at = index
                return

    def _left(self, costs: Sequence[float], at: int, done: Mapping[tuple[str, int], float]) -> float:
        """What is to do where stage number `at` is reached and so many units are done of each. costs: of a unit of each stage."""
        assert self._job is not None
        left = 0.0
        for cost, stage in zip(costs[at:], self._job.stages[at:], strict=True):
            key = (stage.kind, stage.round)
            left += cost * max(0.0, stage.work(self._units.get(key, stage.units)) - stage.work(done.get(key, 0.0)))
        return left

    def _measure(self) -> None:
        """The share and the time left, from what is known by now.

        What was done since the last time is a share of what was left then, as it is judged now: so a bar that went too fast goes on
        more slowly, instead of standing still.
        """
        if self._job is None or not self._job.stages:
            return
        paces = [self._pace.seconds(stage) for stage in self._job.stages]
        known = all(pace is not None for pace in paces)
        costs = [(pace if known else stage.cost) or 0.0 for pace, stage in zip(paces, self._job.stages)]
        left, before = self._left(costs, self._at, self._done), self._left(costs, *self._before)
        if before > 0:
            self._reach(1 - (1 - max(self._share, PLANNING_SHARE)) * min(1.0, left / before))
        self._before = (self._at, dict(self._done))
        if known:
            self._time_left.measured(left, self._now)

    def _reach(self, share: float) -> None:
        self._share = max(self._share, min(ALMOST_ALL, max(0.0, share)))

    def share(self) -> float | None:
        """How much of this session's job is done; None while that cannot be said."""
        return self._share if self._job is not None or self._share > 0 else None

    def seconds_left(self, now: float | None = None) -> float | None:
        """As shown: calm. now: in the clock of the events (time.time()); None: the time of the last event."""
        return None if self.ended else self._time_left.at(self._now if now is None else max(now, self._now))

    def view(self, now: float | None = None) -> ProgressView:
        """Where the worker is."""
        left = self.seconds_left(now)
        return ProgressView(self._stage, self._step, self._steps, left, self.rounds, self._remark, self.share())

    def curves(self, colors: Mapping[str, Color]) -> CurvesView:
        """The live plot, with the structures' colours."""
        return self._curves.view(colors)


def problem_sentence(event: Event) -> str:
    """A problem with its scan and structure, each named once."""
    message, case, structure = text(event, "message"), text(event, "case"), text(event, "structure")
    if not message:
        return ""
    already = case and f"'{case}'" in message
    return message if already else Failure(message, case=case, structure=structure).sentence()
