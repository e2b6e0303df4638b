"""What Snakemake compares of settings: what came later counts where it was changed."""

import copy
import pickle

import pytest
import yaml

from spclust.plan import analyses, cards, first_defaults, settings
from spclust.plan.first_defaults import compared, of_then, with_new

LISTED = {"graphs": {"first": {"k": 15, "space": "pca"}, "later": {"edge": 30, "gone": 1}}}


@pytest.fixture(autouse=True)
def listed(monkeypatch):
    monkeypatch.setattr(first_defaults, "_listed", lambda: LISTED)


@pytest.mark.parametrize(
    ("values", "defaults", "seen"),
    [
        ({"space": "pca", "k": 15}, {}, {"k": 15, "space": "pca"}),
        ({"k": 15, "edge": 30}, {"edge": 30}, {"k": 15}),
        ({"k": 15, "edge": 40}, {"edge": 40}, {"edge": 40, "k": 15}),  # a changed default
        ({"k": 15, "edge": 30}, {"edge": 40}, {"k": 15}),  # as it came, by the user
        ({"k": 15, "new": 1}, {"new": 1}, {"k": 15}),  # not listed yet
        ({"k": 15, "new": 2}, {"new": 1}, {"k": 15, "new": 2}),
        ({"k": 15, "recipe": "x"}, {}, {"k": 15, "recipe": "x"}),  # no setting with a default
    ],
)
def test_what_is_compared_of_settings(values, defaults, seen):
    found = compared("graphs", values, defaults)
    assert found == values and repr(found) == repr(seen)
    assert repr({"graphs": found}) == repr({"graphs": seen})


def test_of_a_section_that_is_not_listed_all_is_compared():
    assert repr(compared("method.mine", {"b": 1, "a": 2}, {"b": 1})) == "{'a': 2, 'b': 1}"


def test_a_script_gets_a_plain_dict_of_all():
    found = compared("graphs", {"k": 15, "edge": 30}, {"edge": 30})
    pickled = pickle.loads(pickle.dumps({"cfg": found}, protocol=4))["cfg"]
    for plain in (pickled, copy.deepcopy(found)):
        assert type(plain) is dict and plain == {"k": 15, "edge": 30}


def test_what_is_new_is_added_and_nothing_is_changed():
    present = {"graphs": {"k": 20, "edge": 40, "new": 1}, "votes": {"heads": ["a"]}}
    found = with_new(LISTED, present)
    assert found == {
        "graphs": {"first": {"k": 15, "space": "pca"}, "later": {"edge": 30, "gone": 1, "new": 1}},
        "votes": {"first": {"heads": ["a"]}},
    }
    assert with_new(found, present) == found


def test_a_setting_that_a_run_did_not_know_counts_as_the_default_it_came_with():
    assert of_then("graphs", {"k": 20, "edge": 40, "new": 1})["edge"] == 30
    assert of_then("votes", {"heads": 1}) == {"heads": 1}


def test_every_setting_there_is_is_listed():
    listed = yaml.safe_load(first_defaults.FILE.read_text())
    present = settings.Plan({}, cards.load(), analyses.load()).defaults
    assert with_new(listed, present) == listed, "run `make docs`"
    assert not [
        section for section, of in listed.items() if set(of["first"]) & set(of.get("later", ()))
    ]
