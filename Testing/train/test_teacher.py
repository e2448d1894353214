"""The mean teacher against a running average by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.unet import UNet
from PartialLabelSegLib.train.teacher import MeanTeacher, noisy


def a_student() -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    return UNet(Architecture(2, widths=(4, 6), norm="batch"), generator).double().train()


def an_image(seed: int) -> Tensor:
    return torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def learn(student: nn.Module, seed: int) -> None:
    """One step that moves parameters and running statistics."""
    loss = student(an_image(seed)).square().mean()
    for value, slope in zip(student.parameters(), torch.autograd.grad(loss, list(student.parameters()))):
        value.data -= 0.1 * slope


def test_the_teacher_is_the_running_average_of_parameters_and_running_statistics() -> None:
    student = a_student()
    teacher = MeanTeacher(student, 0.9)
    by_hand = {name: value.clone() for name, value in student.state_dict().items()}
    for seed in range(5):
        learn(student, seed)
        teacher.follow(student)
        for name, value in student.state_dict().items():
            counts = not value.is_floating_point()
            by_hand[name] = value.clone() if counts else 0.9 * by_hand[name] + 0.1 * value
    state = teacher.state()
    assert state.keys() == by_hand.keys()
    for name, value in by_hand.items():
        assert torch.allclose(state[name], value, rtol=1e-12, atol=1e-14)
    moved = [name for name, value in student.state_dict().items() if not torch.allclose(value, state[name])]
    assert any(name.endswith("running_mean") for name in moved) and "output.weight" in moved


@pytest.mark.parametrize("learns", [True, False])
def test_the_teacher_answers_with_its_own_values_and_leaves_no_trace(learns: bool) -> None:
    student = a_student()
    for seed in range(3):
        learn(student, seed)
    teacher, twin = MeanTeacher(student, 0.99), a_student()
    twin.load_state_dict(student.state_dict())
    learn(student, 7)
    student.train(learns), twin.train(learns)
    before = [{name: value.clone() for name, value in held.items()} for held in (student.state_dict(), teacher.state())]
    answer = teacher.probability(student, an_image(9))
    assert not answer.requires_grad and torch.equal(answer, torch.sigmoid(twin(an_image(9))))
    for held, was in zip((student.state_dict(), teacher.state()), before, strict=True):
        assert all(torch.equal(held[name], value) for name, value in was.items())


def test_a_teacher_goes_on_from_its_state() -> None:
    student = a_student()
    teacher = MeanTeacher(student, 0.5)
    learn(student, 0)
    teacher.follow(student)
    again = MeanTeacher(student, 0.5)
    again.load_state({name: value.clone() for name, value in teacher.state().items()})
    for held in (teacher, again):
        held.follow(student)
    assert all(torch.equal(value, again.state()[name]) for name, value in teacher.state().items())


def test_a_teacher_that_keeps_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="below 1"):
        MeanTeacher(a_student(), 1.0)


def test_noise_has_the_given_deviation_and_repeats_with_its_generator() -> None:
    image = torch.zeros(1, 1, 100, 100)
    first, second = (noisy(image, 0.1, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, second) and float(first.std()) == pytest.approx(0.1, rel=0.05)
    assert noisy(image, 0.0, None) is image
