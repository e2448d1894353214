"""The page: balanced, self-contained, escaped, and saying the numbers of the JSON."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from PartialLabelSegLib.data.label_files import read_array
from PartialLabelSegLib.report.collect import collect
from PartialLabelSegLib.report.html import render
from PartialLabelSegLib.report.outcome import read_outcome
from PartialLabelSegLib.report.slices import Picture, picture_of
from PartialLabelSegLib.report.tables import number, percent, volume
from PartialLabelSegLib.run.folder import RunFolder

VOID = {"meta", "br", "img", "hr", "link", "input"}
WICKED = '<script>alert("1")</script>&'


class Balance(HTMLParser):
    """Reads a page strictly: every tag that opens closes, in order. Keeps the attributes and the words."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(page: str) -> Balance:
    reader = Balance()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def report(phantom_run: RunFolder) -> dict[str, Any]:
    names = [entry["name"] for entry in collect(phantom_run)["structures"]]
    methods = {
        "full": {"dice_mean": 0.8612, "dice": dict.fromkeys(names, 0.8612)},
        "naive": {"dice_mean": 0.3127, "dice": dict.fromkeys(names, 0.3127)},
    }
    measure = {"mean": 0.8433, "std": 0.0512, "n": 5, "undefined": 0}
    evaluation = {
        "cases": {"case4": {name: {"dice": 0.777} for name in names}},
        "structures": {name: {"dice": measure, "hd95_mm": {**measure, "mean": 7.31}} for name in names},
        "overall": {"dice": measure},
        "notes": ["resampled"],
    }
    return collect(phantom_run, evaluation=evaluation, methods=methods)


@pytest.fixture(scope="module")
def pictures(phantom_run: RunFolder, report: dict[str, Any]) -> list[Picture]:
    return [
        picture_of(
            case["name"],
            read_array(phantom_run.case(case["folder"]) / "image.nrrd"),
            read_outcome(phantom_run, case["folder"], 3),
        )
        for case in report["cases"]
    ]


@pytest.fixture(scope="module")
def page(report: dict[str, Any], pictures: list[Picture]) -> str:
    return render(report, pictures)


def renamed(report: dict[str, Any], pictures: list[Picture]) -> tuple[dict[str, Any], list[Picture]]:
    """The same report with names that would break a careless page."""
    text = {entry["name"]: entry["name"] + WICKED for entry in report["structures"]}
    text.update({case["name"]: case["name"] + WICKED for case in report["cases"]})

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {text.get(key, key): walk(item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return text.get(value, value) if isinstance(value, str) else value

    changed = walk(copy.deepcopy(report))
    changed["warnings"].append({"message": WICKED, "case": WICKED, "structure": WICKED})
    changed["not_learned"] = [WICKED]
    changed["configuration"][WICKED] = WICKED
    changed["evaluation"]["notes"].append(WICKED)
    drawn = []
    for item in pictures:
        masks = [{text[name]: mask for name, mask in group.items()} for group in (item.expert, item.suggested)]
        drawn.append(Picture(text[item.case], item.view, item.slices, item.grey, masks[0], masks[1], item.confidence))
    return changed, drawn


def test_every_tag_that_opens_closes(page: str) -> None:
    assert page.startswith("<!DOCTYPE html>") and {"svg", "table", "figure", "image"} <= set(parsed(page).tags)


def test_the_page_refers_to_nothing_outside_itself(page: str) -> None:
    reader = parsed(page)
    assert "http" not in page and "url(" not in page and "@import" not in page
    assert not {"script", "link", "iframe", "object"} & set(reader.tags)
    assert not [value for name, value in reader.attributes if name == "src" or name.startswith("on")]
    targets = [value for name, value in reader.attributes if name in ("href", "xlink:href")]
    assert targets and all(value.startswith(("data:image/png;base64,", "#scan")) for value in targets)
    places = [value for name, value in reader.attributes if name == "id"]
    assert len(places) == len(set(places)) and {value[1:] for value in targets if value[0] == "#"} == set(places)


def test_names_are_escaped_wherever_they_are_written(report: dict[str, Any], pictures: list[Picture]) -> None:
    page = render(*renamed(report, pictures))
    reader = parsed(page)
    assert "script" not in reader.tags and WICKED not in page
    assert WICKED in "".join(reader.words)


def test_the_numbers_of_the_page_are_those_of_the_report(page: str, report: dict[str, Any]) -> None:
    words = " ".join(parsed(page).words)
    assert f" {percent(report['share_labelled'])} " in words
    for name, values in report["validation"]["structures"].items():
        assert name in words and all(number(value) in words for value in values)
    assert all(number(value) in words for value in report["validation"]["mean"])
    for item in report["methods"].values():
        assert number(item["dice_mean"]) in words
    for entry in report["rounds"][:2]:
        total = entry["relabelling"]["total"]
        assert all(number(total[key], 0) in words for key in ("candidates", "accepted_new", "accepted_total"))
    for case in report["cases"]:
        for item in case["structures"].values():
            assert volume(item["completed_ml"]) in words
    assert "0.843 ± 0.051" in words and "7.3" in words and number(0.777) in words


def test_the_header_says_in_words_what_was_learned_from_what(page: str) -> None:
    lead = re.search(r'<p class="lead">(.*?)</p>', page)
    assert lead is not None and lead[1].startswith("7 structures learned from 3 scans.")
    assert "After 2 rounds" in lead[1] and "completed 5 scans" in lead[1]


def test_the_best_method_of_each_row_is_bold_and_naive_comes_first(page: str) -> None:
    section = page[page.index("What each method") : page.index("Against a reference")]
    assert section.index("naive") < section.index("full method")
    assert section.count("<b>0.861") == 8 and "<b>0.313" not in section


def test_each_case_with_a_picture_has_drawn_and_suggested_outlines_and_a_colour_bar(
    page: str, pictures: list[Picture]
) -> None:
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert len(figures) == 5
    for figure, picture in zip(figures, pictures):
        assert figure.count("stroke-dasharray") == len(picture.suggested) + bool(picture.suggested)
        assert figure.count('class="out"') == len(picture.expert) + len(picture.suggested) + bool(picture.suggested)
        assert "suggested: <span" in figure and ">1</text>" in figure


def test_a_report_without_rounds_methods_or_truth_is_still_a_page(report: dict[str, Any]) -> None:
    bare = {
        **report,
        "rounds": [],
        "methods": None,
        "evaluation": None,
        "evaluation_suggested": None,
        "plan": None,
        "warnings": [],
    }
    bare["validation"] = {"structures": {entry["name"]: [] for entry in report["structures"]}, "mean": []}
    page = render(bare)
    assert "No round has finished" in page and "Against a reference" not in page
    parsed(page)


@pytest.mark.parametrize(
    "curves",
    [
        {"steps": [], "loss": [], "validation": []},
        {"steps": [1], "loss": [0.5], "validation": [{"step": 1, "dice": {"Liver": 0.5}}]},
        {"steps": [1, 2], "loss": [None, None], "validation": [{"step": 2, "dice": {"Liver": None}}]},
        {},
    ],
)
def test_empty_single_and_undefined_curves_do_not_break_the_page(
    curves: dict[str, Any], report: dict[str, Any]
) -> None:
    rounds = [{**entry, "training": curves} for entry in report["rounds"]]
    parsed(render({**report, "rounds": rounds}))


def test_forty_structures_and_a_hundred_cases_stay_readable_and_small(report: dict[str, Any]) -> None:
    template = report["structures"][0]
    names = [f"Structure {index}" for index in range(40)]
    structures = [{**template, "name": name} for name in names]
    item = next(iter(report["cases"][0]["structures"].values()))
    cases = [
        {**report["cases"][0], "name": f"case {index}", "structures": dict.fromkeys(names, item)}
        for index in range(100)
    ]
    dice = dict.fromkeys(names, 0.5)
    rounds = [
        {
            **entry,
            "training": {**entry["training"], "validation": [{"step": 10, "dice": dice}, {"step": 20, "dice": dice}]},
        }
        for entry in report["rounds"]
    ]
    validation = {"structures": {name: [0.5] * 3 for name in names}, "mean": [0.5] * 3}
    warnings = [{"message": f"warning {index}", "case": "", "structure": ""} for index in range(500)]
    large = {
        **report,
        "structures": structures,
        "cases": cases,
        "rounds": rounds,
        "validation": validation,
        "warnings": warnings,
    }
    page = render({**large, "methods": None, "evaluation": None, "evaluation_suggested": None})
    parsed(page)
    assert len(page) < 2_500_000
    assert "and 485 more in report.json" in page and "case 99" in page


def test_one_shared_scale_of_confidence_starts_at_a_round_number(page: str) -> None:
    starts = set(re.findall(r">(≤ [\d.]+|0)</text><text", page))
    assert len(starts) == 1
