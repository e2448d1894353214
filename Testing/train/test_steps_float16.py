"""Half precision with a scaled gradient, as on graphics cards without bfloat16: tried on the processor, which computes it slowly but alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from PartialLabelSegLib.train.steps import Cancelled
from train.making import CPU
from train.workshop import Workshop, cancel_at, same, tiny_plan, weights

HALF = replace(CPU, precision="float16")


def test_the_gradient_is_scaled_in_half_precision_only(tmp_path: Path) -> None:
    assert Workshop(tmp_path, tiny_plan(), HALF).trainer()._scaler.is_enabled()
    for precision in ("float32", "bfloat16"):
        assert not Workshop(tmp_path, tiny_plan(), replace(CPU, precision=precision)).trainer()._scaler.is_enabled()


def test_half_precision_learns_about_what_whole_precision_does(tmp_path: Path) -> None:
    losses = []
    for name, device in (("whole", CPU), ("half", HALF)):
        (tmp_path / name).mkdir()
        trainer = Workshop(tmp_path / name, replace(tiny_plan(), average=0.0), device, validated=False).trainer()
        list(trainer.run(Workshop(tmp_path / name, tiny_plan(), device, validated=False).stage()))
        losses.append(trainer.progress.loss)
        assert all(torch.isfinite(value).all() for value in weights(trainer).values())
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1][-1] < losses[1][0]


def test_an_interrupted_training_goes_on_with_the_scale_that_it_had(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan(), HALF)
    expected, _ = shop.undisturbed()
    shop.stage().checkpoint.unlink(missing_ok=True)
    with pytest.raises(Cancelled):
        list(shop.trainer().run(shop.stage(cancel_at(7))))
    trainer = shop.trainer()
    list(trainer.run(shop.stage()))
    assert same(weights(trainer), expected)


def test_a_scale_that_is_too_large_costs_steps_and_not_the_training(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan(), HALF, validated=False)
    trainer = shop.trainer()
    trainer._scaler = torch.amp.GradScaler("cpu", init_scale=2.0**26)
    list(trainer.run(shop.stage()))
    assert trainer._scaler.get_scale() < 2.0**26
    assert all(torch.isfinite(value).all() for value in weights(trainer).values())
