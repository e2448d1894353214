"""The machine: what is found, what is asked for in vain, and which errors mean that memory ran out."""

from __future__ import annotations

import os

import pytest
import torch

from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train import device as module
from PartialLabelSegLib.train.device import Device, be_a_good_neighbour, find_device, is_out_of_memory, native_precision


def test_the_processor_is_always_there_and_auto_finds_something() -> None:
    assert find_device("cpu") == "cpu"
    assert find_device("auto") in ("cuda", "mps", "cpu")


def test_the_best_device_that_is_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert find_device("auto") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert find_device("auto") == "cuda"


def test_a_device_that_was_asked_for_and_is_not_there_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Failure, match=r"'cuda' was asked for.*--device auto"):
        find_device("cuda")


def test_the_precision_is_one_that_the_hardware_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_cpu_has_bfloat16", lambda: True)
    assert native_precision("cpu") == "bfloat16"
    monkeypatch.setattr(module, "_cpu_has_bfloat16", lambda: False)
    assert native_precision("cpu") == "float32"
    assert native_precision("mps") == "float32"


def test_autocast_computes_in_the_precision_and_not_at_all_in_float32() -> None:
    layer, x = torch.nn.Linear(4, 4), torch.ones(1, 4)
    with Device("cpu", "bfloat16").autocast():
        assert layer(x).dtype == torch.bfloat16
    with Device("cpu", "float32").autocast():
        assert layer(x).dtype == torch.float32


def test_the_memory_of_the_machine_is_a_plausible_number() -> None:
    assert 0.5 < Device("cpu", "float32").gigabytes() < 100_000


def test_a_core_is_left_free_where_there_are_more_than_two(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "nice", lambda step: 1, raising=False)
    try:
        for cores, expected in ((1, 1), (2, 2), (3, 2), (16, 15)):
            monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)), raising=False)
            assert be_a_good_neighbour(0) == expected == torch.get_num_threads()
        assert be_a_good_neighbour(1) == 1 == torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def test_priority_is_lowered_once_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before, level = torch.get_num_threads(), [0]

    def nice(step: int) -> int:
        level[0] += step
        return level[0]

    monkeypatch.setattr(os, "nice", nice, raising=False)
    try:
        be_a_good_neighbour(1)
        be_a_good_neighbour(1)
    finally:
        torch.set_num_threads(before)
    assert level == [5]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
        (KeyError("memory"), False),
    ],
)
def test_errors_that_mean_that_memory_ran_out_are_told_from_others(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_a_real_allocation_that_is_too_large_is_recognised() -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
