"""Checkpoints: what was saved comes back, and any other file is a sentence, never run and never half believed."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.checkpoint import load, save


def content() -> dict[str, Any]:
    weights = {"layer": torch.arange(600.0).view(2, 3, 10, 10).contiguous(memory_format=torch.channels_last)}
    return {"weights": weights, "steps": [1, 2, 3], "score": float("nan"), "name": "round 0", "nested": {"none": None}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "network.pt"
    save(path, content())
    return path


def test_tensors_and_plain_values_come_back(saved: Path) -> None:
    found, given = load(saved, "the network"), content()
    assert torch.equal(found["weights"]["layer"], given["weights"]["layer"])
    assert found["weights"]["layer"].is_contiguous(memory_format=torch.channels_last)
    assert found["steps"] == [1, 2, 3] and found["score"] != found["score"] and found["nested"] == {"none": None}


def test_nothing_else_is_left_beside_the_file(saved: Path) -> None:
    assert [path.name for path in saved.parent.iterdir()] == ["network.pt"]


def refused(path: Path) -> str:
    with pytest.raises(Failure) as caught:
        load(path, "the network")
    sentence = caught.value.sentence()
    assert path.name in sentence and "\n" not in sentence and len(sentence) < 400
    return sentence


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "missing" in refused(tmp_path / "network.pt")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused(saved: Path, share: float) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(len(whole) * share)])
    assert "Delete " in refused(saved)


def test_one_flipped_bit_in_the_weights_is_noticed(saved: Path) -> None:
    with zipfile.ZipFile(saved) as parts:
        largest = max(parts.infolist(), key=lambda item: item.file_size)
        place = parts.read(largest.filename)[:32]
    whole = bytearray(saved.read_bytes())
    whole[bytes(whole).index(place) + 9] ^= 1
    saved.write_bytes(bytes(whole))
    assert "damaged" in refused(saved)


class Harmful:
    """Pickled, it would write a file when it is read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.target, "run"))


@pytest.mark.parametrize("way", ["pickle", "torch", "old torch"])
def test_code_in_a_file_is_not_run(tmp_path: Path, way: str) -> None:
    path, target = tmp_path / "network.pt", tmp_path / "was run"
    value = {"program": "PartialLabelSeg", "format": 1, "weights": Harmful(target)}
    if way == "pickle":
        path.write_bytes(pickle.dumps(value))
    else:
        torch.save(value, path, _use_new_zipfile_serialization=way == "torch")
    refused(path)
    assert not target.exists()


FOREIGN = {
    "text": b"not a network at all\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "a zip archive": None,
    "the start of a pickle": b"\x80\x02}q\x00X\x07\x00\x00\x00programq\x01",
    "zeros": bytes(5000),
    "json": b'{"program": "PartialLabelSeg", "format": 1}',
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_refused(tmp_path: Path, kind: str) -> None:
    path, raw = tmp_path / "network.pt", FOREIGN[kind]
    if raw is None:
        with zipfile.ZipFile(path, "w") as parts:
            parts.writestr("hello.txt", "hello")
    else:
        path.write_bytes(raw)
    assert "damaged or not a file of this program" in refused(path)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"weights": {}}, "not written by this program"),
        ([1, 2], "not written by this program"),
        ({"program": "PartialLabelSeg", "format": 99}, "has format 99; this version reads 1"),
    ],
)
def test_a_file_of_another_program_or_format_is_refused(tmp_path: Path, value: Any, words: str) -> None:
    torch.save(value, tmp_path / "network.pt")
    assert words in refused(tmp_path / "network.pt")
