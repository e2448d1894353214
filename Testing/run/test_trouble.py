"""Whatever goes wrong becomes a sentence; details of a mistake of the program name no patient and no folder."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from PartialLabelSegLib.config import Intensity
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.trouble import details, explained

PATIENT = "Doe^Jane"


def system_error(number: int, path: str = "") -> OSError:
    return OSError(number, "words of the system", path or None)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full: 'labels.nrrd' could not be written. Make room"),
        (errno.EFBIG, "The disk is full"),
        (errno.EACCES, "It is not permitted to read or write 'labels.nrrd'. Look at the permissions"),
        (errno.EROFS, "not permitted"),
        (errno.ENOTDIR, "A file stands where a folder is needed"),
        (errno.EISDIR, "a folder where a file is needed: 'labels.nrrd'"),
        (errno.ENOENT, "There is no labels.nrrd"),
        (errno.EIO, r"refused to read or write 'labels.nrrd' (words of the system)"),
    ],
)
def test_what_the_system_refuses_is_a_sentence_that_names_the_file_and_not_its_folders(number: int, words: str) -> None:
    for name in ("labels.nrrd", ".4711.labels.nrrd"):
        failure = explained(system_error(number, f"/data/{PATIENT}/{name}"))
        assert words in failure.sentence()
        assert PATIENT not in failure.sentence() and "4711" not in failure.sentence()
    assert explained(system_error(number)).sentence()


def test_a_failure_stays_as_it_is() -> None:
    failure = Failure("wrong")
    assert explained(failure) is failure


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    ],
)
def test_memory_that_ran_out_is_no_mistake_of_the_program(error: Exception) -> None:
    assert explained(error).sentence().startswith("Memory ran out. Close other programs.")


def mistake() -> BaseException:
    """An error out of this package, raised while another one was handled."""
    try:
        try:
            {"a": 1}[PATIENT]
        except KeyError:
            Intensity("low", 1.0, 0.0, 1.0)  # type: ignore[arg-type]
    except TypeError as error:
        return error
    raise AssertionError("there was no error")


def test_a_mistake_of_the_program_is_one_sentence_and_its_details_lie_in_the_run(tmp_path: Path) -> None:
    failure = explained(mistake(), tmp_path)
    assert failure.sentence().startswith("The program made a mistake (TypeError in config.py, line ")
    assert f"Details are in {tmp_path.name}/error.txt." in failure.sentence()
    text = (tmp_path / "error.txt").read_text(encoding="utf-8")
    assert "config.py, line" in text and "in __post_init__" in text and "TypeError" in text and "KeyError" in text


def test_without_a_folder_the_sentence_says_the_place_only(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "not there"):
        failure = explained(mistake(), folder)
        assert "error.txt" not in failure.sentence() and "config.py" in failure.sentence()
    (tmp_path / "error.txt").mkdir()
    assert "error.txt" not in explained(mistake(), tmp_path).sentence()


@pytest.mark.parametrize(
    "error",
    [
        KeyError(PATIENT),
        OSError(errno.EIO, "broken", f"/home/{PATIENT}/scan.nrrd"),
        RuntimeError(f"cannot read /data/Doe Jane/{PATIENT}.nrrd"),
        RuntimeError(f"no case of name '{PATIENT}'"),
        ValueError(f'"{PATIENT}" has no voxels'),
        Failure("its labels are empty.", case=PATIENT),
        RuntimeError(r"C:\Scans\Doe Jane\scan.nrrd is broken"),
    ],
)
def test_the_details_hold_no_name_of_a_patient_and_no_path(error: Exception) -> None:
    text = details(error)
    assert "Doe" not in text and "home" not in text and "Users" not in text
    assert type(error).__name__ in text


def test_the_details_keep_a_message_that_is_harmless() -> None:
    assert "ValueError: operands could not be broadcast (3,4) (5,6)" in details(
        ValueError("operands could not be broadcast (3,4) (5,6)")
    )


def test_files_of_other_packages_are_named_from_the_package_on(tmp_path: Path) -> None:
    try:
        np.linalg.inv(np.zeros((2, 2)))
    except np.linalg.LinAlgError as error:
        text = details(error)
    assert "numpy/linalg/" in text and str(Path.home()) not in text and str(Path(__file__).parent) not in text
    assert (
        explained(RuntimeError("x"))
        .sentence()
        .startswith("The program made a mistake (RuntimeError in another package)")
    )


def test_the_fields_of_such_a_failure_can_be_sent(tmp_path: Path) -> None:
    fields = dict(explained(mistake(), tmp_path).fields())
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
