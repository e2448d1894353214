"""What an exception means to a person: one sentence, and for a mistake of the program the details without names and paths of a patient."""

from __future__ import annotations

import errno
import platform
import re
import sys
import traceback
from pathlib import Path

from .failure import Failure

PACKAGE = Path(__file__).resolve().parents[1]
DETAILS = "error.txt"
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_OTHER_KIND = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_AGAIN = "What was finished so far is kept: the same command goes on."
_BESIDE = re.compile(r"^\.\d+\.")


def explained(error: BaseException, folder: Path | None = None) -> Failure:
    """The error as a sentence. For a mistake of the program `error.txt` is written into `folder` where one is given and exists."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, OSError):
        return _of_the_system(error)
    if _ran_out_of_memory(error):
        return Failure("Memory ran out.", way_out=f"Close other programs. {_AGAIN}")
    wrong = f"The program made a mistake ({type(error).__name__} in {_place(error)})."
    return Failure(wrong, way_out=f"{_AGAIN if folder else ''}{_kept(error, folder)}".strip())


def _ran_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; torch says so in an error of its own, or on a processor in words only."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def _of_the_system(error: OSError) -> Failure:
    """What the system refused. Only the file's own name is said, never the folders above it."""
    name = _BESIDE.sub("", Path(str(error.filename)).name) if error.filename else ""
    what = f"'{name}'" if name else "a file"
    if error.errno in _FULL:
        return Failure(f"The disk is full: {what} could not be written.", way_out=f"Make room on it. {_AGAIN}")
    if error.errno in _FORBIDDEN:
        way_out = "Look at the permissions of its folder, or choose another one."
        return Failure(f"It is not permitted to read or write {what}.", way_out=way_out)
    if error.errno in _OTHER_KIND:
        text = f"A file stands where a folder is needed, or a folder where a file is needed: {what}."
        return Failure(text, way_out="Choose another folder.")
    if error.errno == errno.ENOENT:
        return Failure(f"There is no {name or 'such file'}.", way_out="Look whether the path is right.")
    if error.errno is None:
        return Failure("A file could not be read or written, perhaps because the disk is full.", way_out=_AGAIN)
    reason = error.strerror or type(error).__name__
    return Failure(f"The system refused to read or write {what} ({reason}).", way_out=_AGAIN)


def _place(error: BaseException) -> str:
    """The last line of this package on the way to the error, such as 'train/batches.py, line 70'."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    return f"{_short(frames[-1].filename)}, line {frames[-1].lineno}" if frames else "another package"


def _kept(error: BaseException, folder: Path | None) -> str:
    if folder is None or not folder.is_dir():
        return ""
    try:
        (folder / DETAILS).write_text(details(error), encoding="utf-8")
    except OSError:
        return ""
    return f" Details are in {folder.name}/{DETAILS}."


def details(error: BaseException) -> str:
    """Where the error and those behind it came from. Files outside this package are named without their folders; messages that could name
    a file or a case are left out."""
    parts = [f"Python {platform.python_version()} on {platform.system()}"]
    versions = {name: getattr(sys.modules.get(name), "__version__", "") for name in ("numpy", "SimpleITK", "torch")}
    parts += [f"{name} {version}" for name, version in versions.items() if version]
    current: BaseException | None = error
    while current is not None:
        frames = traceback.extract_tb(current.__traceback__)
        parts += ["", *(f"  {_short(frame.filename)}, line {frame.lineno}, in {frame.name}" for frame in frames)]
        parts.append(f"{type(current).__name__}: {_harmless(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(parts) + "\n"


def _harmless(error: BaseException) -> str:
    """The message without quoted words; none at all where it might hold a path, or is about a key or a file."""
    text = " ".join(str(error).split())
    if isinstance(error, (OSError, KeyError, Failure)) or re.search(r"[/\\^]", text):
        return "(message left out)"
    return re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", text)[:300]


def _is_ours(filename: str) -> bool:
    return Path(filename).resolve().is_relative_to(PACKAGE)


def _short(filename: str) -> str:
    path = Path(filename)
    if _is_ours(filename):
        return path.resolve().relative_to(PACKAGE).as_posix()
    for folder in ("site-packages", "dist-packages"):
        if folder in path.parts:
            return "/".join(path.parts[path.parts.index(folder) + 1 :])
    return path.name
