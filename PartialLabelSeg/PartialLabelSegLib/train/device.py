"""The machine under the worker: device, threads, precision, and what happens when memory runs out."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from ..config import Plan
from ..run.failure import Failure

MemoryFormat = torch.memory_format

# Names of <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True)
class Device:
    """Where tensors live and how they are computed. `precision` is the autocast dtype's name or 'float32'."""

    name: str
    precision: str

    @property
    def torch(self) -> torch.device:
        return torch.device(self.name)

    def autocast(self) -> AbstractContextManager[Any]:
        """A fresh autocast context; disabled for float32."""
        dtype = getattr(torch, self.precision)
        return torch.autocast(
            self.name, dtype=dtype if dtype != torch.float32 else torch.bfloat16, enabled=dtype != torch.float32
        )

    def memory_format(self, plan: Plan) -> MemoryFormat:
        """How images and weights lie in memory. On a processor a 3D step with instance norm takes twice as long channels-last."""
        if self.name == "cpu" and plan.norm in ("instance", "group"):
            return torch.contiguous_format
        return torch.channels_last_3d if plan.dimensions == "3d" else torch.channels_last

    def gigabytes(self) -> float:
        """Memory of the device in GiB; of the whole machine for cpu and mps."""
        if self.name == "cuda":
            return torch.cuda.get_device_properties(0).total_memory / 2**30
        try:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        except (AttributeError, ValueError, OSError):
            return 8.0


def find_device(wanted: str) -> str:
    """The device's name for 'auto', 'cpu', 'cuda' or 'mps'. Failure: asked for by name and not there."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if present[name])
    if not present[wanted]:
        raise Failure(f"The device '{wanted}' was asked for, but torch does not see one.", way_out="Use --device auto.")
    return wanted


def native_precision(device: str) -> str:
    """The fastest safe precision: bfloat16 where the hardware computes it, float16 on older GPUs, else float32."""
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device == "cpu" and _cpu_has_bfloat16():
        return "bfloat16"
    return "float32"


def _cpu_has_bfloat16() -> bool:
    """Whether oneDNN has native bfloat16 convolutions here (AVX512-BF16 or AMX); emulated ones are slower than float32."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name)()) for name in names if hasattr(torch.cpu, name))


def be_a_good_neighbour(threads: int) -> int:
    """Sets torch's threads (0: all cores but one where there are more than two) and lowers this process's priority. Returns the threads.

    The waiting policy of OpenMP must be in the environment before torch is imported; the entry point sees to that.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen = threads if threads > 0 else (cores - 1 if cores > 2 else cores)
    torch.set_num_threads(chosen)
    keep_freed_memory()
    if hasattr(os, "nice") and os.nice(0) == 0:
        os.nice(5)
    return chosen


def keep_freed_memory() -> None:
    """Lets the C library keep what one step frees for the next one, up to 512 MiB, instead of handing it back and asking for it anew.

    Tens of thousands of fresh pages are 5 % of a training step on a processor. Arrays above 32 MiB go back at once, as ever. Only glibc has this.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 25)
        mallopt(_TRIM_THRESHOLD, 1 << 29)


def free_unused(device: Device) -> None:
    """Hands memory that torch keeps for later back to the device, after memory ran out."""
    if device.name == "cuda":
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in text for words in ("out of memory", "can't allocate memory", "not enough memory", "could not allocate")
    )
