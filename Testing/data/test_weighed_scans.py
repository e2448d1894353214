"""Which scans have doubtful labels that others can judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from PartialLabelSegLib.data.weighed_scans import weighed_scans

LIVER, SPLEEN = "Liver", "Spleen"


def described(folder: Path, *descriptions: dict[str, object]) -> list[Path]:
    folders = [folder / str(place) for place in range(len(descriptions))]
    for place, said in zip(folders, descriptions):
        place.mkdir()
        (place / "labels.json").write_text(json.dumps(said), encoding="utf-8")
    return folders


@pytest.mark.parametrize(
    ("descriptions", "number"),
    [
        # Both quick livers have a checked one beside them.
        (
            [
                {"known": [True, False], "imperfect": [LIVER]},
                {"known": [True, True], "imperfect": [LIVER]},
                {"known": [True, False], "imperfect": []},
            ],
            2,
        ),
        # The only spleen is quick: nothing can judge it.
        ([{"known": [True, True], "imperfect": [SPLEEN]}, {"known": [True, False], "imperfect": []}], 0),
        # A checked liver on some slices judges, too; an older file says nothing of how labels were made.
        ([{"known": [True, False], "imperfect": [LIVER]}, {"known": [False, False], "slices": {LIVER: "0"}}], 1),
        ([{"known": [True, True]}], 0),
    ],
)
def test_a_scan_counts_where_another_has_a_trusted_label_of_the_same_structure(
    tmp_path: Path, descriptions: list[dict[str, object]], number: int
) -> None:
    assert weighed_scans(described(tmp_path, *descriptions), (LIVER, SPLEEN)) == number
