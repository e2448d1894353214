"""Published files are fetched once, checked against their checksums, and never leave their folder. A folder stands in for the public repository."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from PartialLabelSegLib.data.download import download
from PartialLabelSegLib.run.failure import Failure

CONTENT = b"1,2\n3,4\n"


def a_listing(tmp_path: Path, name: str = "pt_1/ct.csv", sha256: str = "") -> Path:
    """A list of one published file, which lies in `tmp_path/published`."""
    source = tmp_path / "published" / "pt_1"
    source.mkdir(parents=True)
    (source / "ct.csv").write_bytes(CONTENT)
    facts = {"bytes": len(CONTENT), "sha256": sha256 or hashlib.sha256(CONTENT).hexdigest()}
    content = {"url": f"{(tmp_path / 'published').as_uri()}/", "files": {name: facts}}
    (tmp_path / "listing.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path / "listing.json"


def test_a_file_is_fetched_and_counted(tmp_path: Path) -> None:
    assert list(download(a_listing(tmp_path), tmp_path / "here")) == [(1, 1)]
    assert (tmp_path / "here" / "pt_1" / "ct.csv").read_bytes() == CONTENT


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    listing = a_listing(tmp_path)
    list(download(listing, tmp_path / "here"))
    (tmp_path / "published" / "pt_1" / "ct.csv").unlink()
    assert list(download(listing, tmp_path / "here")) == [(1, 1)]


def test_a_file_with_another_checksum_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="checksum differs"):
        list(download(a_listing(tmp_path, sha256="0" * 64), tmp_path / "here"))
    assert not (tmp_path / "here" / "pt_1" / "ct.csv").exists()


def test_without_a_network_the_sentence_names_the_way_out(tmp_path: Path) -> None:
    listing = a_listing(tmp_path)
    (tmp_path / "published" / "pt_1" / "ct.csv").unlink()
    with pytest.raises(Failure, match="give its folder instead"):
        list(download(listing, tmp_path / "here"))


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="leads out of its folder"):
        list(download(a_listing(tmp_path, name="../ct.csv"), tmp_path / "here"))
