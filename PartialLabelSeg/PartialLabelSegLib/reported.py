"""A story in a run folder, told while it happens: to the folder's log, and as a bar or as lines; and how it ended, as an exit status."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence

from .run.events import Event, EventLog, LineWriter, Listener
from .run.folder import RunFolder
from .run.trouble import explained
from .terminal import ProgressBar


def reported(run: RunFolder, progress: bool, story: Iterator[Event]) -> int:
    """Runs a story in a run folder and tells its events: to the folder's log, and as a bar or as lines. Returns the exit status."""
    listeners: list[Listener] = [ProgressBar(sys.stderr) if progress else LineWriter(sys.stdout)]

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    try:
        with run.at_work():
            listeners.append(EventLog(run.events))
            run.details.unlink(missing_ok=True)
            return _told(run, story, tell)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        text = "Stopped. Everything up to the last checkpoint is kept: the same command goes on."
        _last_words(listeners, Event("cancelled", {"message": text}))
        return 130
    except Exception as error:
        # The one boundary: whatever went wrong, a person reads a sentence.
        _last_words(listeners, Event("error", dict(explained(error, run.path).fields())))
        return 1


def _last_words(listeners: Sequence[Listener], event: Event) -> None:
    """Told to whoever can still hear it: on a full disk the log cannot."""
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener(event)


def _told(run: RunFolder, story: Iterator[Event], tell: Listener) -> int:
    from .rounds import WaitingForReview
    from .train.steps import Cancelled

    try:
        for event in story:
            tell(event)
        return 0
    except Cancelled:
        tell(Event("cancelled", {"message": "Cancelled; everything up to here is kept. The same command goes on."}))
        return 3
    except WaitingForReview as waiting:
        tell(Event("waiting", {"message": str(waiting)}))
        return 4
    finally:
        run.cancel.unlink(missing_ok=True)
