"""How the worker ended, in a clinician's words: what happened, and what to do now."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from ..run.events import Event

LAST_WORDS = ("finished", "waiting", "cancelled", "error")
"""The kinds of event with which a worker says how it ended."""
CANCELLED, WAITING, INTERRUPTED = 3, 4, 130
GOES_ON = "What was learned up to the last checkpoint is kept: Resume goes on from there."
LOG = "What it printed last is in panel.log, in the work folder."

# Exit statuses of Windows, and of launchers that pass on a signal as 128 plus its number.
_NO_MEMORY_OF_WINDOWS = {0xC0000017, 0xC000012D, 0xC0000142}
_CRASHES_OF_WINDOWS = {0xC0000005, 0xC000001D, 0xC00000FD, 0xC0000374, 0xC0000409, 0x80000003}
_CRASHES = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGTRAP", "SIGSYS"}


@dataclass(frozen=True)
class Outcome:
    """code: the exit status, negative for a signal; None where the program never started, or was only watched.

    cancelled: because the user said so. waiting: the suggestions are there, and decisions are asked for. crashed: it ended without saying how.
    sentence: what happened. way_out: what to do now; empty where nothing has to be done.
    """

    code: int | None
    sentence: str
    way_out: str = ""
    cancelled: bool = False
    crashed: bool = False
    waiting: bool = False

    @property
    def done(self) -> bool:
        """Whether all that was asked for is there."""
        return self.code == 0 and not self.cancelled and not self.crashed


@dataclass(frozen=True)
class Ended:
    """What is known of a worker that ended. last: its last word. said: its last line that was no event.

    asked: the user cancelled. forced: it had to be ended. little_memory: little was left shortly before.
    full_disk: no room is left in the work folder, so that not even the last word could be written. watched: not started by this panel.
    """

    code: int | None
    last: Event | None = None
    said: str = ""
    asked: bool = False
    forced: bool = False
    little_memory: bool = False
    full_disk: bool = False
    watched: bool = False
    not_started: str = ""


def outcome_of(ended: Ended) -> Outcome:
    """The same for a person."""
    if ended.not_started:
        return Outcome(
            None,
            f"The learning program could not be started: {ended.not_started}.",
            "Restart Slicer and try again. If it stays like this, install Slicer anew, or check that the work folder may be written to.",
            crashed=True,
        )
    if ended.last is not None and (ended.watched or _agree(ended.code, ended.last)):
        return _by_its_word(ended, ended.last)
    if ended.forced:
        text = "Stopped. The learning program did not answer in time, so it was ended."
        return Outcome(ended.code, text, GOES_ON, cancelled=True)
    if ended.code == 0:
        return Outcome(0, "Done.")
    if ended.asked or ended.code in (CANCELLED, INTERRUPTED):
        return Outcome(ended.code, "Stopped.", GOES_ON, cancelled=True)
    if ended.code == WAITING:
        return Outcome(WAITING, "The suggestions are ready and wait for your decisions.", waiting=True)
    return _without_a_word(ended)


def _agree(code: int | None, last: Event) -> bool:
    """Whether the exit status and the last word tell the same; where they do not, the worker died after an earlier word."""
    expected = {"finished": (0,), "waiting": (WAITING,), "cancelled": (CANCELLED, INTERRUPTED), "error": (1, 2)}
    return code in expected[last.kind]


def _by_its_word(ended: Ended, last: Event) -> Outcome:
    message, way_out = _text(last, "message"), _text(last, "way_out")
    code = ended.code
    if last.kind == "error":
        sentence = message.removesuffix(way_out).strip() or "The learning program stopped because of a mistake."
        return Outcome(code, sentence, way_out or GOES_ON)
    if last.kind == "cancelled":
        return Outcome(code, "Stopped.", GOES_ON, cancelled=True)
    if last.kind == "waiting":
        return Outcome(code, "The suggestions are ready and wait for your decisions.", waiting=True)
    return Outcome(0 if ended.watched else code, message or "Done.")


def _without_a_word(ended: Ended) -> Outcome:
    name = _signal_name(ended.code)
    code = ended.code
    unsigned = code & 0xFFFFFFFF if code is not None else 0
    if ended.full_disk:
        return Outcome(code, "The disk with the work folder is full.", f"Make room on it. {GOES_ON}", crashed=True)
    if ended.little_memory or unsigned in _NO_MEMORY_OF_WINDOWS:
        text = "The learning program was ended by the system, most likely because the computer ran out of memory."
        return Outcome(
            code, text, f"Close other programs and unload scans that are not needed. {GOES_ON}", crashed=True
        )
    if name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"):
        perhaps = ", perhaps because memory ran out" if name == "SIGKILL" else ""
        return Outcome(code, f"The learning program was ended from outside{perhaps}.", GOES_ON, crashed=True)
    if name == "SIGILL":
        text = "The learning program crashed: this PyTorch uses instructions that this processor does not have."
        return Outcome(code, text, "Install a PyTorch that was made for this computer.", crashed=True)
    if name in _CRASHES or unsigned in _CRASHES_OF_WINDOWS:
        text = "The learning program crashed, inside PyTorch or a driver."
        way_out = (
            f"{GOES_ON} If it crashes again, choose the processor as device under Advanced, or install PyTorch anew."
        )
        return Outcome(code, text, way_out, crashed=True)
    return Outcome(
        code, f"The learning program ended without saying why{_quoted(ended)}.", f"{GOES_ON} {LOG}", crashed=True
    )


def _quoted(ended: Ended) -> str:
    status = "" if ended.code is None else f" (exit status {ended.code})"
    said = " ".join("".join(letter for letter in ended.said if letter.isprintable()).split())
    return f"{status}; its last line was: {said[:200].rstrip('.')}" if said else status


def _signal_name(code: int | None) -> str:
    """'SIGKILL' for -9 and for 137; empty where the status is no signal."""
    number = 0 if code is None else -code if code < 0 else code - 128
    try:
        return signal.Signals(number).name if number > 0 else ""
    except ValueError:
        return ""


def _text(event: Event, name: str) -> str:
    value = event.fields.get(name)
    return value if isinstance(value, str) else ""
