"""A package that one feature needs is asked for, installed with the real pip, and nothing that was there is changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from host.host_application import HostApplication
from panel.wheels import python_with_pip, version_of, without_own_ways, write_wheel
from PartialLabelSegLib.panel import optional_package
from PartialLabelSegLib.panel.desk import Desk
from PartialLabelSegLib.panel.optional_package import PackageOffer, is_there, pins

Wait = Callable[..., None]


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Two packages; of the one that is needed there are two versions."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        write_wheel(folder, "tinydicom", version, {"tinydicom/__init__.py": b""})
    return folder


@pytest.fixture
def desk(application: HostApplication, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Of an application whose worker finds only these wheels."""
    away = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_NO_CACHE_DIR": "1"}
    monkeypatch.setattr(application, "startup_environment", lambda: {**without_own_ways(), **away})
    return Desk(application)


def test_what_is_there_is_used_without_a_question(desk: Desk) -> None:
    called: list[str] = []
    PackageOffer(desk, "numpy", "Counting").when_there(lambda: called.append("done"))
    assert called == ["done"] and not is_there("tinydicom")


def test_what_a_stopped_installation_left_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not is_there("half")
    info = tmp_path / "half-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: half\nVersion: 1.0\n", encoding="utf-8")
    assert not is_there("half")
    (info / "RECORD").touch()
    assert is_there("half")


def test_not_now_leaves_everything_as_it_is(desk: Desk, application: HostApplication) -> None:
    called: list[str] = []
    offer = PackageOffer(desk, "tinydicom", "A DICOM segmentation")
    application.answers.append(False)
    offer.when_there(lambda: called.append("done"))
    assert called == [] and offer.working() is None
    (question,) = application.asked
    assert "A DICOM segmentation needs the Python package tinydicom" in question and "No scan leaves" in question


@pytest.mark.slow
def test_it_is_installed_beside_what_is_pinned_and_then_used(
    desk: Desk, application: HostApplication, wait_until: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = python_with_pip(tmp_path / "venv")
    monkeypatch.setattr(application, "python_executable", lambda: python)
    monkeypatch.setattr(optional_package, "pins", lambda: "tinydicom<2\n")
    called: list[str] = []
    offer = PackageOffer(desk, "tinydicom", "A DICOM segmentation")
    application.answers.append(True)
    offer.when_there(lambda: called.append(version_of(python, "tinydicom")))
    working = offer.working()
    assert working is not None and working.words.startswith("Installing tinydicom…")
    wait_until(lambda: called, 60)
    assert called == ["1.0"] and offer.working() is None


def test_what_cannot_be_had_is_said(desk: Desk, application: HostApplication, wait_until: Wait) -> None:
    called: list[str] = []
    offer = PackageOffer(desk, "nothing_of_that_name", "A DICOM segmentation")
    application.answers.append(True)
    offer.when_there(lambda: called.append("done"))
    wait_until(lambda: offer.working() is None, 60)
    assert called == [] and desk.message.text.startswith(
        "nothing_of_that_name could not be installed: There is no conn"
    )


def test_it_can_be_stopped(desk: Desk, application: HostApplication, wait_until: Wait) -> None:
    called: list[str] = []
    offer = PackageOffer(desk, "tinydicom", "A DICOM segmentation")
    application.answers.append(True)
    offer.when_there(lambda: called.append("done"))
    offer.cancel()
    wait_until(lambda: offer.working() is None, 20)
    assert called == [] and "cancelled" in desk.message.text


def test_every_package_that_is_there_is_pinned() -> None:
    lines = pins().splitlines()
    assert any(line.startswith("numpy==") for line in lines) and len(lines) == len(set(lines))
