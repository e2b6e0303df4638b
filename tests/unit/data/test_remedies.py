"""Regular expressions that messages print find what they are to find once pasted."""

import re

import pytest
import yaml

from spclust.data.remedies import exactly, in_yaml

NAMES = [
    "CD3",
    "CD3 (UCHT1)",
    "HLA-DR+",
    r"back\slash",
    "it's",
    'say "no"',
    "a.b*c?[d]{2}|^$",
    "CD45: [x] # y",
    "β-catenin µm²",
    "two\nlines",
    "tab\there",
]


def test_a_pasted_list_holds_what_was_printed():
    assert yaml.safe_load(f"key: {in_yaml(NAMES)}")["key"] == NAMES
    assert in_yaml(["^CD3$"]) == "['^CD3$']"


@pytest.mark.parametrize("name", NAMES)
def test_a_pasted_pattern_finds_one_name(name):
    (pattern,) = yaml.safe_load(in_yaml([exactly(name)]))
    assert [other for other in NAMES if re.search(pattern, other)] == [name]
