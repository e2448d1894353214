"""Tiny wheels and a Python that has nothing but pip, to install them into with the real pip."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path


def write_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> None:
    info = f"{name}-{version}.dist-info"
    whole = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, content in whole.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in {**whole, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
            wheel.writestr(path, content)


def python_with_pip(folder: Path) -> str:
    """The Python of a new environment, in which only this environment's pip is."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    own = Path(str(importlib.metadata.distribution("pip").locate_file("")))
    for name in ("pip", f"pip-{importlib.metadata.version('pip')}.dist-info"):
        shutil.copytree(own / name, packages / name)
    return str(folder / "bin" / "python")


def without_own_ways() -> dict[str, str]:
    """The environment without this machine's own ways to packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


def version_of(python: str, package: str) -> str:
    """Of what is installed there; empty where it is not."""
    script = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", script], capture_output=True, encoding="utf-8", check=False).stdout.strip()
