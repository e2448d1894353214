"""Sees to it that the packages a program needs are there: in the Python that runs, or else in the project's own `.venv`.

Standard library only, and importable by its path alone: it runs before anything else can.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parent
PROJECT_FOLDER = PACKAGE_FOLDER.parents[1]
WORKER_MODULES = ("numpy", "scipy", "SimpleITK", "torch")
WITHOUT_TORCH = ("check", "extract", "evaluate", "export", "sample")
# Built from source they fail after half an hour with a compiler's message: no ready file is an error at once.
NEVER_BUILT_HERE = ",".join(WORKER_MODULES)
WHEELS_VARIABLE = "PARTIALLABELSEG_WHEELS"
RESTARTED_VARIABLE = "PARTIALLABELSEG_RESTARTED"


class SetupError(Exception):
    """What is wrong, and the way out: both whole sentences for a person."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(f"{message} {way_out}")
        self.message = message
        self.way_out = way_out


@dataclass(frozen=True)
class Environment:
    """A virtual environment, the requirement files that it must satisfy, and the versions to prefer (`constraints`).

    `name` tells the stamps of several programs that share one folder apart. `note` says how large it is and how long it takes.
    """

    name: str
    folder: Path
    requirements: tuple[Path, ...]
    constraints: Path
    note: str

    @property
    def python(self) -> Path:
        """Its interpreter. The path must not be resolved: Python knows its environment by it."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def stamp(self) -> Path:
        """Written last: holds the fingerprint of what was installed."""
        return self.folder / f"ready-{self.name}"

    @property
    def unfinished(self) -> Path:
        """There while packages are being copied in; found later, it tells of a set-up that was cut short."""
        return self.folder / "unfinished"

    def fingerprint(self) -> str:
        """Changes with the text of any requirement file."""
        texts = [path.read_bytes() for path in (*self.requirements, self.constraints)]
        return hashlib.sha256(b"\0".join(texts)).hexdigest()

    def is_ready(self) -> bool:
        """Whether a set-up of just these requirements ran to its end. Reads a few small files, starts nothing."""
        if self.unfinished.exists() or not self.python.exists():
            return False
        return self.stamp.is_file() and self.stamp.read_text(encoding="utf-8") == self.fingerprint()

    def is_running(self) -> bool:
        """Whether this very process runs in it."""
        return os.path.realpath(sys.prefix) == os.path.realpath(self.folder)


def worker_environment() -> Environment:
    """The environment of the command line: `.venv` in the project's folder."""
    return Environment(
        name="worker",
        folder=PROJECT_FOLDER / ".venv",
        requirements=(PACKAGE_FOLDER / "requirements.txt",),
        constraints=PACKAGE_FOLDER / "tested-versions.txt",
        note="torch, numpy, scipy and SimpleITK; about 1 GB, or up to 6 GB where torch brings its parts for NVIDIA cards",
    )


def be_a_good_neighbour() -> None:
    """Threads that wait give their core back, beside a busy Slicer a factor of 4 in speed.

    OpenMP reads this when torch loads it, so it must be in the environment before any import of torch. A user's own setting wins.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")


def write_any_letter() -> None:
    """A name with letters that the system's encoding lacks must not end a long job when it is printed.

    What another program reads is UTF-8, as the stream of events is; in a terminal such a letter becomes its code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def modules_for(command: str) -> tuple[str, ...]:
    """What a command of the worker imports: those that only read scans need no torch."""
    return tuple(name for name in WORKER_MODULES if name != "torch" or command not in WITHOUT_TORCH)


def require_worker(modules: tuple[str, ...] = WORKER_MODULES) -> None:
    """Returns when these packages can be imported here; otherwise sets `.venv` up and starts this program again in it.

    Raises SetupError where that cannot be done.
    """
    require_python()
    missing = missing_modules(modules)
    if not missing:
        os.environ.pop(RESTARTED_VARIABLE, None)
        return
    names = " and ".join(missing)
    if inside_slicer():
        raise SetupError(
            f"Slicer's Python has no {names}.",
            "Install the PyTorch extension in Slicer's Extensions Manager and let it install PyTorch, then start again.",
        )
    environment = worker_environment()
    restarts = int(os.environ.get(RESTARTED_VARIABLE, "0"))
    if restarts > 1:
        raise SetupError(
            f"{names} cannot be found in {environment.folder}, although the set-up there ended well.",
            "Remove that folder and start the same command again.",
        )
    # Found wanting while it runs: its files were damaged after the set-up, so that only a new one is sure to be whole.
    set_up(environment, anew=environment.is_running())
    os.environ[RESTARTED_VARIABLE] = str(restarts + 1)
    restart_in(environment)


def require_python() -> None:
    """Raises SetupError under a Python that is too old."""
    if sys.version_info < (3, 10):  # noqa: UP036  the one place that an older Python does reach
        raise SetupError(
            f"Python 3.10 or newer is needed; this is {sys.version_info[0]}.{sys.version_info[1]}.",
            "Start the same command with a newer Python, for example python3.12.",
        )


def missing_modules(names: tuple[str, ...]) -> list[str]:
    """Those that cannot be found. Looks without importing."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def inside_slicer() -> bool:
    """Whether this is Slicer's own Python, whose packages are the user's and Slicer's to choose."""
    return "SLICER_HOME" in os.environ or "pythonslicer" in Path(sys.executable).name.lower()


def set_up(environment: Environment, *, anew: bool = False) -> None:
    """Makes the environment ready: creates or repairs it and installs what is asked. Does nothing when it is ready.

    Says on stderr what it does. A set-up that was cut short is found by its mark and starts from an empty folder.
    Raises SetupError; then nothing half-installed counts as ready.
    """
    if environment.is_ready() and not anew:
        return
    with only_one_at_a_time(environment.folder):
        if environment.is_ready() and not anew:
            return
        say(
            f"Installing what it needs into {environment.folder} ({environment.note}). "
            "This takes a few minutes, once; the next start is immediate."
        )
        create(environment, empty_first=anew or environment.unfinished.exists())
        environment.stamp.unlink(missing_ok=True)
        environment.unfinished.touch()
        try:
            install(environment)
        except SetupError:
            # pip copies files only after everything was found and downloaded: the folder is as it was.
            environment.unfinished.unlink()
            raise
        environment.stamp.write_text(environment.fingerprint(), encoding="utf-8")
        environment.unfinished.unlink()
        say(f"{environment.folder} is ready.")


def create(environment: Environment, *, empty_first: bool = False) -> None:
    """An environment with a working pip, made by the Python that runs (its base, where that is a virtual environment itself)."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupError(
            "This Python cannot make virtual environments: its parts venv and ensurepip are not installed.",
            f"On Debian and Ubuntu install them with: apt-get install python3-venv (or python{version}-venv). Then start again.",
        )
    folder = str(environment.folder)
    if empty_first:
        say(f"An earlier set-up was cut short or its files were damaged: {folder} is made anew.")
    elif pip_works(environment):
        return
    base = getattr(sys, "_base_executable", None) or sys.executable
    for options in (["--clear"],) if empty_first else ([], ["--clear"]):
        status, lines = run([base, "-m", "venv", *options, folder])
        if status == 0 and pip_works(environment):
            return
    raise SetupError(
        f"The folder {folder} could not be made: {lines[-1] if lines else 'no reason was given'}",
        "Check that the project's folder may be written to and that its disk has room, then start again.",
    )


def pip_works(environment: Environment) -> bool:
    """Whether the environment's interpreter starts and has pip."""
    if not environment.python.exists():
        return False
    asked = subprocess.run([str(environment.python), "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def install(environment: Environment) -> None:
    """Installs the requirements in the tested versions, or in others where those do not exist for this Python and machine."""
    if shutil.disk_usage(environment.folder).free < 2**30:
        raise SetupError(
            f"The disk that holds {environment.folder} has less than 1 GB left.", "Make room and start again."
        )
    wanted = [argument for path in environment.requirements for argument in ("-r", str(path))]
    tested = ["-c", str(environment.constraints)]
    status, lines = pip_install(environment, [*wanted, *tested])
    if status and other_versions_may_do(lines):
        say("Not every tested version exists for this Python and machine: other versions are taken instead.")
        status, lines = pip_install(environment, wanted)
    if status:
        errors = [line for line in lines if line.startswith("ERROR:")]
        reason = (errors or lines or ["ERROR: pip gave no reason"])[-1].removeprefix("ERROR:").strip()
        raise SetupError(f"The packages could not be installed: {reason}.".replace("..", "."), way_out_of_no_packages())


def pip_install(environment: Environment, arguments: list[str]) -> tuple[int, list[str]]:
    """pip's exit status and last lines; all of its output goes to stderr, for stdout belongs to the events."""
    command = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--prefer-binary", f"--only-binary={NEVER_BUILT_HERE}"]
    wheels = os.environ.get(WHEELS_VARIABLE)
    if wheels:
        if not Path(wheels).is_dir():
            raise SetupError(
                f"{WHEELS_VARIABLE} names {wheels}, which is not a folder.", "Name the folder that holds the wheels."
            )
        command += ["--no-index", "--find-links", wheels]
    return run([*command, *arguments])


def other_versions_may_do(lines: list[str]) -> bool:
    """Whether pip found the packages, only not in the versions it was told. "versions: none" means that it reached nothing."""
    text = "\n".join(lines)
    refused = "No matching distribution found" in text or "ResolutionImpossible" in text
    return refused and "(from versions: none)" not in text


def way_out_of_no_packages() -> str:
    """What to do after pip has failed."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if os.environ.get(WHEELS_VARIABLE):
        return f"Put the wheels that are missing, made for Python {version} and this system, into the folder that {WHEELS_VARIABLE} names."
    return (
        "Check the network or the proxy and start the same command again; where the network is fine, torch may not exist yet for "
        f"Python {version}, and an older Python will do. Without a network, put the wheels of {', '.join(WORKER_MODULES)} and what "
        f"they need, made for Python {version} and this system, into a folder and set {WHEELS_VARIABLE} to it."
    )


def run(command: list[str]) -> tuple[int, list[str]]:
    """The exit status and the last 40 lines of a command whose output is passed on to stderr as it comes."""
    last: deque[str] = deque(maxlen=40)
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if not line.startswith("Requirement already satisfied"):
                    sys.stderr.write(line)
                last.append(line.rstrip())
    except OSError as error:
        return 1, [f"ERROR: {error}"]
    return process.returncode, [line for line in last if line]


@contextlib.contextmanager
def only_one_at_a_time(folder: Path) -> Iterator[None]:
    """Two first starts at once take turns. The system frees the lock with the process; without fcntl (Windows) there is none."""
    try:
        fcntl = importlib.import_module("fcntl")
    except ImportError:
        yield
        return
    try:
        handle = open(folder.with_name(f"{folder.name}.lock"), "w", encoding="utf-8")  # noqa: SIM115  closed below, after the caller's block
    except OSError as error:
        raise SetupError(
            f"Nothing can be written beside {folder}: {error.strerror}.",
            f"Copy the project to a folder of your own, or start it with a Python that has {', '.join(WORKER_MODULES)}.",
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another start is setting the environment up: waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def restart_in(environment: Environment) -> None:
    """Runs this very command line again with the environment's Python; does not return."""
    command = [str(environment.python), *sys.orig_argv[1:]]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        # There, exec gives the prompt back before the new process has ended.
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


def say(sentence: str) -> None:
    """A sentence for the person who waits, on stderr."""
    print(f"PartialLabelSeg: {sentence}", file=sys.stderr, flush=True)
