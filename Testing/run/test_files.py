"""Files that are whole or absent, also when the process is killed; JSON of any number; paths that stay in their folder."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.files import finite, inside, read_json, replacing, write_json, write_text

LIBRARY = Path(__file__).resolve().parents[2] / "PartialLabelSeg"


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "note.txt", "first")
    write_text(tmp_path / "deep" / "note.txt", "second é")
    assert (tmp_path / "deep" / "note.txt").read_text(encoding="utf-8") == "second é"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["note.txt"]


def test_the_old_file_stays_where_writing_fails_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_text(tmp_path / "note.txt", "old")

    def half() -> None:
        with replacing(tmp_path / "note.txt") as beside:
            beside.write_text("ha", encoding="utf-8")
            raise OSError("no more room")

    with pytest.raises(OSError, match="no more room"):
        half()
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
    assert (tmp_path / "note.txt").read_text(encoding="utf-8") == "old"


def test_a_block_that_wrote_nothing_is_an_error_and_the_old_file_stays(tmp_path: Path) -> None:
    write_text(tmp_path / "note.txt", "old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "note.txt"):
        pass
    assert (tmp_path / "note.txt").read_text(encoding="utf-8") == "old"


def test_the_temporary_file_has_the_same_ending_and_is_hidden(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.nii.gz") as beside:
        assert beside.name.startswith(".") and beside.name.endswith(".nii.gz") and beside.parent == tmp_path
        beside.touch()


KILLED_INSIDE = """
import os, signal, sys
from pathlib import Path
from PartialLabelSegLib.run.files import replacing
with replacing(Path(sys.argv[1])) as beside:
    with open(beside, "wb") as handle:
        handle.write(b"half")
        handle.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a signal of posix systems")
def test_a_process_killed_while_it_writes_leaves_the_old_file_and_a_hidden_one_that_readers_ignore(
    tmp_path: Path,
) -> None:
    target = tmp_path / "review.json"
    write_json(target, {"decisions": [1]})
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    done = subprocess.run([sys.executable, "-c", KILLED_INSIDE, str(target)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_json(target, "the review") == {"decisions": [1]}
    assert len(list(tmp_path.iterdir())) == 2 and [path.name for path in tmp_path.glob("*.json")] != []
    write_json(target, {"decisions": [2]})
    assert read_json(target, "the review") == {"decisions": [2]}


def test_numbers_that_json_lacks_become_null_at_any_depth(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"loss": [1.5, math.nan, (math.inf, {"x": -math.inf})], "n": 3, 4: "é"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {
        "loss": [1.5, None, [None, {"x": None}]],
        "n": 3,
        "4": "é",
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=40)
@given(VALUES)
def test_finite_leaves_only_what_json_can_say_and_changes_nothing_else(value: Any) -> None:
    cleaned = finite(value)
    assert json.loads(json.dumps(cleaned, allow_nan=False)) == cleaned
    assert finite(cleaned) == cleaned
    if "nan" not in repr(value) and "inf" not in repr(value):
        assert cleaned == value


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe\x00", b"plain text", b"[" * 100_000])
def test_a_damaged_file_is_one_sentence_with_a_way_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(Failure, match=r"plan\.json.*cannot be read.*Delete that file") as caught:
        read_json(tmp_path / "plan.json", "the plan")
    assert str(tmp_path) not in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_in_its_place_are_sentences_too(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"The plan \(plan\.json\) is missing"):
        read_json(tmp_path / "plan.json", "the plan")
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(Failure, match=r"plan\.json.*cannot be read") as caught:
        read_json(tmp_path / "plan.json", "the plan")
    assert str(tmp_path) not in str(caught.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "a.json", "a file") == {"a": 1}


@pytest.mark.parametrize("path", ["a", "a/b.nrrd", "a/../b", "./a", "a b/ü.nii.gz", "..a/b..", "a\\b", "0:0"])
def test_paths_within_the_folder_are_taken(tmp_path: Path, path: str) -> None:
    assert inside(tmp_path, path) == tmp_path.resolve() / path.replace("\\", "/")


OUTSIDE = [
    "..",
    "../a",
    "a/../../b",
    "a/b/../../../c",
    "..\\a",
    "a\\..\\..\\b",
    "/etc/passwd",
    "//server/share",
    "\\\\server\\share\\a",
    "\\etc",
    "C:\\Windows",
    "c:/Windows",
    "C:relative",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_out_of_the_folder_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(Failure, match=r"The image '.*' leads out of its folder\..*relative"):
        inside(tmp_path / "data", path, "image")


@pytest.mark.parametrize("path", ["", "a\x00b", "\x00"])
def test_an_empty_path_and_one_with_a_zero_byte_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(Failure, match="empty or malformed"):
        inside(tmp_path, path)


@pytest.mark.parametrize("path", ["a" * 300, "a/" + "ä" * 150 + "/b", "\ud800"])
def test_a_name_that_no_file_system_takes_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(Failure, match="cannot be followed"):
        inside(tmp_path, path)


def test_links_out_of_the_folder_and_round_in_circles_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "secret").mkdir()
    (data / "out").symlink_to(tmp_path / "secret")
    (data / "here").symlink_to(data)
    (data / "a").symlink_to(data / "b")
    (data / "b").symlink_to(data / "a")
    for path in ("out", "out/file", "here/out"):
        with pytest.raises(Failure, match="leads out"):
            inside(data, path)
    assert inside(data, "here/file") == data / "here" / "file"
    with pytest.raises(Failure, match="cannot be followed|leads out"):
        (inside(data, "a/c")).read_bytes()


def test_a_folder_that_is_itself_a_link_is_no_way_out(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert inside(tmp_path / "link", "a.nrrd") == tmp_path / "real" / "a.nrrd"


@given(st.lists(st.sampled_from(["..", "a", ".", "b", "C:", ""]), min_size=1, max_size=6), st.sampled_from("/\\"))
def test_whatever_is_taken_lies_within_the_folder(parts: list[str], separator: str) -> None:
    root = Path("runs").resolve()
    try:
        found = inside(root, separator.join(parts))
    except Failure:
        return
    assert Path(os.path.normpath(found)).is_relative_to(root)
