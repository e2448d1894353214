"""Both files of a report, and which cases get a picture."""

from __future__ import annotations

from pathlib import Path

from PartialLabelSegLib.report.collect import collect
from PartialLabelSegLib.report.write import MOST_PICTURES, write_report
from PartialLabelSegLib.run.files import read_json
from PartialLabelSegLib.run.folder import RunFolder
from report.fake_run import block_scans, write_run


def test_the_json_on_disk_is_the_report_and_the_page_lies_beside_it(phantom_run: RunFolder) -> None:
    report = collect(phantom_run)
    page = write_report(phantom_run, report)
    assert page == phantom_run.report_html and page.stat().st_size < 3_000_000
    assert read_json(phantom_run.report_json, "the report") == report
    assert page.read_text(encoding="utf-8").count("<figure>") == 5


def test_only_the_least_confident_cases_get_a_picture_and_the_others_are_listed(tmp_path: Path) -> None:
    structures, scans = block_scans(2, MOST_PICTURES + 3)
    run = write_run(tmp_path, structures, scans, rounds=1)
    report = collect(run)
    page = write_report(run, report).read_text(encoding="utf-8")
    assert page.count("<figure>") == MOST_PICTURES
    confidences = {
        case["name"]: [
            item["mean_confidence"] for item in case["structures"].values() if item["mean_confidence"] is not None
        ]
        for case in report["cases"]
    }
    ranked = sorted(confidences, key=lambda name: sum(confidences[name]) / len(confidences[name]))
    listed = page[page.index("Scans without a picture here") :]
    listed = listed[: listed.index("</p>")]
    assert {name for name in ranked if f"{name}," in f"{listed[listed.rindex('>') + 1 :]},"} == set(
        ranked[MOST_PICTURES:]
    )


def test_a_report_can_be_written_without_pictures(block_run: RunFolder) -> None:
    assert "<figure>" not in write_report(block_run, collect(block_run), 0).read_text(encoding="utf-8")


def test_writing_again_gives_the_same_page(block_run: RunFolder) -> None:
    report = collect(block_run)
    first = write_report(block_run, report).read_bytes()
    assert write_report(block_run, report).read_bytes() == first
