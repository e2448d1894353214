"""Waiting for a worker, by a clock of our own: when silence is said, and how hard stopping becomes and when."""

from __future__ import annotations

from PartialLabelSegLib.panel.patience import Patience, Silence, Stopping


def test_silence_is_said_after_its_time_and_again_and_an_event_ends_it() -> None:
    said: list[float] = []
    silence = Silence(10.0, said.append)
    silence.heard(100.0)
    for now in (105.0, 109.9, 110.0, 115.0, 119.9, 120.0):
        silence.tick(now)
    assert said == [10.0, 20.0]
    silence.heard(121.0)
    silence.tick(130.0)
    assert said == [10.0, 20.0]
    silence.tick(131.0)
    assert said == [10.0, 20.0, 10.0]


def stopping(done: list[str]) -> Stopping:
    steps = tuple(lambda name=name: done.append(name) for name in ("ask", "terminate", "kill"))
    return Stopping(Patience(grace=20.0, harder=3.0), steps)


def test_it_asks_first_and_becomes_harder_only_after_the_grace() -> None:
    done: list[str] = []
    stop = stopping(done)
    stop.tick(50.0)
    assert (stop.asked, stop.forced, done) == (False, False, [])
    stop.ask(100.0)
    stop.ask(101.0)
    stop.tick(119.9)
    assert (stop.asked, stop.forced, done) == (True, False, ["ask"])
    stop.tick(120.0)
    assert (stop.asked, stop.forced, done) == (True, True, ["ask", "terminate"])
    stop.tick(122.9)
    stop.tick(123.0)
    stop.tick(500.0)
    assert done == ["ask", "terminate", "kill"]


def test_at_once_leaves_out_the_grace() -> None:
    done: list[str] = []
    stop = stopping(done)
    stop.at_once(100.0)
    assert done == ["ask", "terminate"]
    stop.at_once(100.5)
    assert done == ["ask", "terminate"]
    stop.tick(103.0)
    assert done == ["ask", "terminate", "kill"]


def test_asked_again_it_does_not_wait_for_the_grace() -> None:
    done: list[str] = []
    stop = stopping(done)
    stop.ask_harder(100.0)
    assert done == ["ask"]
    stop.ask_harder(100.5)
    assert done == ["ask", "terminate"]
    stop.ask_harder(100.6)
    assert done == ["ask", "terminate"]
    stop.tick(103.6)
    assert done == ["ask", "terminate", "kill"]
