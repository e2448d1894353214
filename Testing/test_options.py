"""The command line's words: what may be said, what it means, and what is refused with a sentence."""

from __future__ import annotations

import pytest

from PartialLabelSegLib.config import Configuration
from PartialLabelSegLib.options import choices_of, parser
from PartialLabelSegLib.run.failure import Failure

COMMANDS = (
    "check",
    "extract",
    "complete",
    "relabel",
    "apply",
    "export",
    "evaluate",
    "report",
    "demo",
    "softlabels",
    "sample",
)


def test_nothing_given_is_the_default_configuration() -> None:
    choices = choices_of(parser().parse_args(["complete", "CASES", "--out", "RUN"]))
    assert choices.configuration == Configuration()
    assert choices.given == frozenset()


def test_what_is_given_is_known_by_name() -> None:
    words = "complete CASES --out RUN --rounds 4 --gamma-max 0.5 --review --seed 7 --set steps=50 --set norm=group"
    choices = choices_of(parser().parse_args(words.split()))
    assert choices.given == {"rounds", "gamma_max", "review", "seed", "plan"}
    relabelling = choices.configuration.relabelling
    assert (relabelling.rounds, relabelling.gamma_max, relabelling.review) == (4, 0.5, True)
    assert (choices.configuration.seed, choices.configuration.plan) == (7, {"steps": 50, "norm": "group"})


def test_instances_can_be_asked_for_when_learning_and_when_applying() -> None:
    for words in ("complete CASES --out RUN", "apply MODEL CASES --out RUN"):
        choices = choices_of(parser().parse_args([*words.split(), "--instances", "volume"]))
        assert (choices.configuration, choices.given) == (Configuration(instances="volume"), frozenset({"instances"}))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--rounds 99", "rounds must be 0 to 20, got 99"),
        ("--gamma-max 2", "gamma_max must lie in"),
        ("--minutes nan", "minutes must be positive"),
        ("--seed -1", "seed must be"),
        ("--threads -4", "threads must be"),
        ("--set nonsense=3", "A plan has no"),
        ("--set steps", "--set needs NAME=VALUE, got 'steps'"),
    ],
)
def test_a_choice_that_cannot_be_is_a_sentence(words: str, sentence: str) -> None:
    with pytest.raises(Failure, match=sentence):
        choices_of(parser().parse_args(["complete", "CASES", "--out", "RUN", *words.split()]))


def test_every_command_says_what_it_is_for_and_so_does_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    listed = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command}" in listed
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
        lines = capsys.readouterr().out
        assert "voxel" not in lines and "tensor" not in lines
    actions = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert tuple(actions) == COMMANDS  # type: ignore[arg-type]
    unexplained = [
        f"{command} {action.dest}"
        for command, options in actions.items()  # type: ignore[union-attr]
        for action in options._actions
        if not action.help
    ]
    assert unexplained == []
