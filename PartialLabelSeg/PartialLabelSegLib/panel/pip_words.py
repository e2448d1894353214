"""Why pip did not install something, in a sentence with a way out, from what it wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Failed:
    """What went wrong, and what to do."""

    sentence: str
    way_out: str

    def of(self, what: str) -> Failed:
        """The same of what is installed."""
        return Failed(self.sentence.format(what=what), self.way_out.format(what=what))


TORCH = "PyTorch"
_WHEELS = " Or choose a folder of wheels that was filled on another computer."
"""For PyTorch only, which can be installed from one."""
_OFFLINE = Failed(
    "There is no connection to the servers that {what} is downloaded from.",
    "Check the network, or ask the hospital's IT to let Slicer's Python through the proxy (HTTPS_PROXY).",
)
_OF_THE_NETWORK = (
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError",
        Failed(
            "The connection is not trusted: a firewall that looks into encrypted connections stands between, and Python does not know it.",
            "Ask the hospital's IT for its certificate and set REQUESTS_CA_BUNDLE to that file before Slicer is started.",
        ),
    ),
    (
        r"ProxyError|407 Proxy|Tunnel connection failed",
        Failed(
            "The proxy of this network refused the download.",
            "Ask the hospital's IT for the proxy's address and set HTTPS_PROXY to it before Slicer is started.",
        ),
    ),
    (
        r"Temporary failure in name resolution|getaddrinfo failed|nodename nor servname|Failed to establish a new connection|"
        r"Network is unreachable|ConnectTimeout|ReadTimeout|Max retries exceeded|Connection refused|ConnectionResetError|NewConnectionError",
        _OFFLINE,
    ),
)
_OF_THE_COMPUTER = (
    (
        r"No space left on device|Errno 28|not enough space on the disk",
        Failed(
            "The disk is full.",
            "Make room on Slicer's disk and on the one for temporary files (PyTorch takes about 8 GB), then install again.",
        ),
    ),
    (
        r"Errno 36|File name too long|WinError 206|enable long path|Long Path",
        Failed(
            "A path became longer than Windows allows.",
            "Install Slicer in a folder with a short path, or let an administrator switch Windows' long paths on.",
        ),
    ),
    (
        r"WinError 32|WinError 5\b|Access is denied|being used by another process",
        Failed(
            "Files of {what} are in use, or may not be replaced.",
            "Restart Slicer and install before any other module is used; close other Slicers. If Slicer lies where only an administrator may "
            "write, install Slicer for yourself.",
        ),
    ),
    (
        r"Permission denied|Errno 13|Read-only file system|Errno 30",
        Failed(
            "Slicer's folder may not be written to.",
            "Let whoever installed Slicer install {what} too, or install Slicer in a folder of your own.",
        ),
    ),
    (
        r"MemoryError|Killed|Cannot allocate memory",
        Failed("Memory ran out during the installation.", "Close other programs and install again."),
    ),
)


def why_it_failed(lines: tuple[str, ...], code: int | None, from_folder: bool = False, what: str = TORCH) -> Failed:
    """lines: what pip wrote last, oldest first. code: its exit status. from_folder: it was to take everything from a folder of wheels."""
    text = "\n".join(lines)
    for pattern, failed in _OF_THE_COMPUTER:
        if re.search(pattern, text):
            return failed.of(what)
    for pattern, failed in _OF_THE_NETWORK:
        if re.search(pattern, text):
            return _of_the_network(failed, what)
    missing = re.search(r"No matching distribution found for ([A-Za-z0-9._-]+)", text)
    if missing is not None:
        return _nothing_found(missing[1], text, from_folder, what)
    if "ResolutionImpossible" in text:
        return Failed(
            f"No version of {what} fits the packages that are there.",
            "Use a newer Slicer, or do without it: other modules may need those packages as they are.",
        )
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    said = errors[-1] if errors else lines[-1].strip() if lines else ""
    ended = f"The installation ended with exit status {code}"
    seen = "the lines below say more" if what == TORCH else "ask for help with this sentence"
    return Failed(f"{ended}: {said[:200]}" if said else f"{ended}.", f"Try again; if it stays like this, {seen}.")


def _of_the_network(failed: Failed, what: str) -> Failed:
    said = failed.of(what)
    return Failed(said.sentence, said.way_out + _WHEELS) if what == TORCH else said


def _nothing_found(package: str, text: str, from_folder: bool, what: str) -> Failed:
    versions = re.search(r"\(from versions: ([^)]*)\)", text)
    found = versions[1].strip() if versions else "none"
    if from_folder:
        has = "" if found in ("", "none") else f"; it has only {found}"
        return Failed(
            f"The folder lacks {package} for this Python and system{has}.",
            f"Put the wheel of {package} into it, made for this system, and install again.",
        )
    if found in ("", "none"):
        return _of_the_network(_OFFLINE, what)
    mac = "; on a Mac with an Intel processor there is no PyTorch for it any more" if what == TORCH else ""
    return Failed(
        f"There is no {package} that fits this Slicer's Python and this computer.", f"Use a newer Slicer{mac}."
    )
