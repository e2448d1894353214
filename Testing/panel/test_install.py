"""Installing PyTorch: with the real pip, tiny wheels of those names, a server on this machine, and none at all."""

from __future__ import annotations

import functools
import http.server
import importlib.metadata
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from panel.programs import is_alive
from panel.wheels import python_with_pip, version_of, without_own_ways, write_wheel
from PartialLabelSegLib.panel import install
from PartialLabelSegLib.panel.install import Installed, Installer, InstallListeners, Step
from PartialLabelSegLib.panel.pip_words import why_it_failed
from PartialLabelSegLib.panel.torch_probe import TorchState

Wait = Callable[..., None]
SHOWS_PROGRESS = tuple(int(part) for part in importlib.metadata.version("pip").split(".")[:2]) >= (24, 1)
MISSING, BROKEN, OLD = TorchState("missing"), TorchState("broken"), TorchState("old")


class Heard:
    """Everything that an installer told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.progress: list[tuple[float | None, str]] = []
        self.ends: list[Installed] = []

    def listeners(self) -> InstallListeners:
        return InstallListeners(
            self.ends.append, self.lines.append, lambda share, words: self.progress.append((share, words))
        )

    @property
    def end(self) -> Installed:
        assert len(self.ends) == 1, self.ends
        return self.ends[0]


def installed(wait_until: Wait, python: str, environment: dict[str, str], steps: tuple[Step, ...]) -> Heard:
    heard = Heard()
    installer = Installer(heard.listeners())
    installer.start(python, {**without_own_ways(), **environment}, steps)
    wait_until(lambda: not installer.running(), 120, "the installation")
    assert installer.output() == "\n".join(heard.lines[-install.LINES :])
    return heard


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two megabytes that call themselves torch, and a light-the-torch that is pip."""
    folder = tmp_path_factory.mktemp("wheels")
    write_wheel(
        folder,
        "torch",
        "2.6.0",
        {"torch/__init__.py": b"__version__ = '2.6.0'\n", "torch/lib.bin": os.urandom(2_000_000)},
    )
    write_wheel(folder, "torchvision", "0.21.0", {"torchvision/__init__.py": b""})
    main = b"import sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
    write_wheel(
        folder, "light_the_torch", "0.9.0", {"light_the_torch/__init__.py": b"", "light_the_torch/__main__.py": main}
    )
    return folder


@pytest.fixture(scope="module")
def empty_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    return python_with_pip(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture
def server(wheels: Path) -> Iterator[str]:
    """The wheels on a server of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(wheels)))
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_address[1]}/"
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.mark.slow
def test_as_the_extension_does_with_visible_progress_of_the_download(
    wait_until: Wait, empty_python: str, server: str
) -> None:
    environment = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": server,
        "PIP_TRUSTED_HOST": "127.0.0.1",
        "PIP_NO_CACHE_DIR": "1",
    }
    heard = installed(wait_until, empty_python, environment, install.steps_from_extension(MISSING))
    assert heard.end == Installed(True, "PyTorch is installed."), heard.lines
    assert version_of(empty_python, "torch") == "2.6.0" and version_of(empty_python, "torchvision") == "0.21.0"
    shares = [share for share, words in heard.progress if share is not None and " of 2 MB" in words]
    assert (shares and shares == sorted(shares) and shares[-1] == 1.0) or not SHOWS_PROGRESS
    said = [words for _, words in heard.progress]
    assert "Looking for torch>=2.2" in said and any(text.startswith("Copying the files") for text in said)
    assert not any(line.startswith("Progress ") for line in heard.lines)


@pytest.mark.slow
def test_from_a_folder_of_wheels_and_a_broken_one_is_taken_out_first(
    wait_until: Wait, empty_python: str, wheels: Path, tmp_path: Path
) -> None:
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    assert install.folder_complaint(wheels, sys.version_info[:2]) == ""
    heard = installed(wait_until, empty_python, unreachable, install.steps_from_folder(MISSING, wheels))
    assert heard.end.done, heard.lines
    heard = installed(wait_until, empty_python, unreachable, install.steps_from_folder(BROKEN, wheels))
    assert heard.end.done and any("Successfully uninstalled torch" in line for line in heard.lines)
    assert version_of(empty_python, "torch") == "2.6.0"
    write_wheel(tmp_path, "torch", "1.13.1", {"torch/__init__.py": b""})
    taken_out = [empty_python, "-m", "pip", "uninstall", "-y", "torch"]
    subprocess.run(taken_out, check=True, capture_output=True, env=without_own_ways())
    heard = installed(wait_until, empty_python, unreachable, install.steps_from_folder(OLD, tmp_path))
    assert heard.end.sentence == "The folder lacks torch for this Python and system; it has only 1.13.1."


def test_without_a_network_it_is_said_with_the_ways_out(wait_until: Wait) -> None:
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    steps = (("pip", "install", "light-the-torch-that-is-nowhere"),)
    heard = installed(wait_until, sys.executable, unreachable, steps)
    assert "no connection to the servers that PyTorch" in heard.end.sentence
    assert "folder of wheels" in heard.end.way_out and not heard.end.done


def test_cancel_ends_it_with_all_that_it_started(wait_until: Wait, tmp_path: Path) -> None:
    (tmp_path / "slow_install.py").write_text(
        "import subprocess, time\np = subprocess.Popen(['sleep', '600'])\nprint(p.pid, flush=True)\ntime.sleep(600)\n",
        encoding="utf-8",
    )
    heard = Heard()
    installer = Installer(heard.listeners())
    environment = {**without_own_ways(), "PYTHONPATH": str(tmp_path)}
    installer.start(sys.executable, environment, (("slow_install",), ("never_reached",)))
    wait_until(lambda: heard.lines, 20)
    installer.cancel()
    wait_until(lambda: not installer.running(), 5)
    assert heard.end.cancelled and not heard.end.done and "cancelled" in heard.end.sentence
    wait_until(lambda: not is_alive(int(heard.lines[0])), 5)


def test_the_progress_of_a_download_is_shown_and_kept_out_of_the_lines(wait_until: Wait, tmp_path: Path) -> None:
    (tmp_path / "downloading.py").write_text(
        "import os\nprint(os.environ.get('PIP_PROGRESS_BAR'))\nprint('Progress 500000 of 2000000')\n"
        "print('Progress 3000000 of 0')\nprint('  Downloading http://x/torch-2.6.0-cp312.whl (2.0 MB)')\n",
        encoding="utf-8",
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    heard = installed(wait_until, sys.executable, environment, (("downloading",),))
    assert heard.end.done
    assert heard.progress == [(0.25, "0 of 2 MB"), (None, "3 MB"), (None, "Taking torch (2.0 MB)")]
    assert heard.lines[0] == ("raw" if SHOWS_PROGRESS else "None") and len(heard.lines) == 2


def test_a_step_that_fails_is_the_last(wait_until: Wait, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("import sys\nprint('ERROR: it is Tuesday')\nsys.exit(5)\n", encoding="utf-8")
    environment = {"PYTHONPATH": str(tmp_path)}
    heard = installed(wait_until, sys.executable, environment, (("failing",), ("never_reached",)))
    assert heard.end.sentence == "The installation ended with exit status 5: it is Tuesday"
    assert heard.lines == ["ERROR: it is Tuesday"]


def test_a_python_that_cannot_be_started(wait_until: Wait, tmp_path: Path) -> None:
    heard = installed(wait_until, str(tmp_path / "PythonSlicer"), {}, (("pip",),))
    assert "could not be started" in heard.end.sentence and "Restart Slicer" in heard.end.way_out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Could not fetch URL: SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))",
            "not trusted",
        ),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))", "proxy"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("OSError: [WinError 206] The filename or extension is too long", "longer than Windows allows"),
        ("ERROR: [WinError 5] Access is denied: 'torch_python.dll'", "in use"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied", "may not be written"),
        ("WARNING: Retrying after connection broken: getaddrinfo failed", "no connection"),
        ("ERROR: No matching distribution found for torch>=2.2", "no connection"),
        (
            "ERROR: Could not find a version (from versions: 2.2.0, 2.2.2)\nERROR: No matching distribution found for torch>=2.3",
            "no torch that fits this Slicer's Python",
        ),
        (
            "Looking in links: wheels\nERROR: Could not find a version that satisfies the requirement sympy (from versions: none)\n"
            "ERROR: No matching distribution found for sympy",
            "The folder lacks sympy",
        ),
        ("", "exit status 1."),
        ("something odd", "exit status 1: something odd"),
    ],
)
def test_what_pip_says_becomes_a_sentence_and_a_way_out(text: str, words: str) -> None:
    failed = why_it_failed(tuple(text.split("\n")) if text else (), 1, from_folder="in links" in text)
    assert words in failed.sentence and failed.way_out and "ERROR" not in failed.sentence


def test_of_another_package_nothing_is_said_of_pytorch() -> None:
    for text in (
        "getaddrinfo failed",
        "[Errno 13] Permission denied",
        "[WinError 5]",
        "ERROR: No matching distribution found for highdicom",
        "odd",
    ):
        failed = why_it_failed((text,), 1, what="highdicom")
        assert "PyTorch" not in failed.sentence + failed.way_out and "wheels" not in failed.way_out
    fitting = why_it_failed(("ERROR: ResolutionImpossible: for help visit …",), 1, what="highdicom")
    assert fitting.sentence == "No version of highdicom fits the packages that are there."


def test_a_folder_is_looked_at_before_pip_is_asked(tmp_path: Path) -> None:
    assert "holds no wheel of torch" in install.folder_complaint(tmp_path, (3, 12))
    assert "holds no wheel of torch" in install.folder_complaint(tmp_path / "nowhere", (3, 12))
    (tmp_path / "torch-2.6.0-cp311-cp311-win_amd64.whl").touch()
    assert "not for this Slicer's Python 3.12" in install.folder_complaint(tmp_path, (3, 12))
    (tmp_path / "torch-2.6.0-cp312-cp312-win_amd64.whl").touch()
    assert install.folder_complaint(tmp_path, (3, 12)) == ""


def test_what_is_run_depends_on_the_state_and_on_the_system() -> None:
    assert install.steps_from_extension(MISSING, "linux")[-1] == (
        "light_the_torch",
        "install",
        "torch>=2.2",
        "torchvision",
    )
    assert install.steps_from_extension(MISSING, "win32")[-1][2] == "torch>=2.2,<2.13"
    assert (
        install.steps_from_extension(BROKEN)[0][:2] == ("pip", "uninstall")
        and len(install.steps_from_extension(OLD)) == 2
    )
    assert "--no-index" in install.steps_from_folder(MISSING, Path("wheels"))[-1]


def test_the_extension_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not install.extension_is_there()
    (tmp_path / "PyTorchUtils.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert install.extension_is_there() and "PyTorchUtils" not in sys.modules


def test_the_question_and_the_way_without_the_extension_name_what_will_happen() -> None:
    assert "replaces the older" in install.question(OLD) and "No scan leaves" in install.question(MISSING)
    assert "Extensions Manager" in install.no_extension() and "wheels" in install.no_extension()
