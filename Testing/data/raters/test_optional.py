"""A package that only one way in or out needs is asked for there, in a sentence."""

from __future__ import annotations

import json

import pytest

from PartialLabelSegLib.data.raters.optional import optional
from PartialLabelSegLib.run.failure import Failure


def test_a_package_that_is_there_is_handed_over() -> None:
    assert optional("json", "This", "Do that") is json


def test_a_package_that_is_missing_is_named_with_both_ways_out() -> None:
    with pytest.raises(Failure) as caught:
        optional("no_such_package", "A spreadsheet", "Save it as CSV")
    assert caught.value.wrong == "A spreadsheet needs the Python package no_such_package, which is not installed."
    assert caught.value.way_out.startswith("Save it as CSV, or install it: pip install no_such_package")
