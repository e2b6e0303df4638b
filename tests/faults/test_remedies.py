"""What a message tells to write, written where it tells to: the same message never comes twice."""

import copy
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from random_configurations import CARDS, PLACES, VALID, leaves, put

from spclust.errors import UserError
from spclust.plan.settings import resolve

# faults that no schema sees, each between values that are right alone
CONTRADICTIONS = [
    (("method", "cold", "heads"), 3),
    (("method", "cold", "hidden_dims"), [9, 5]),
    (("method", "leiden"), {"recipe": "spclust"}),
    (("method", "temperature"), 0.2),
    (("method", "leiden"), {"recipe": "lieden"}),
    (("graphs", "k20", "radius"), None),
    (("graphs", "k20"), {"expression_space": "none", "spatial_graph": "none"}),
    (("runs", 1), {"name": "leiden", "oversample": "default", "votes": "default"}),
    (("runs", 2), {"name": "random", "graphs": "k20"}),
    (("runs", 2), {"name": "mine"}),
    (("runs", 2), {"name": "x", "method": "lieden"}),
    (("runs", 2), {"name": "x", "method": "kmeans", "datasets": ["dkd_00"]}),
    (("runs", 2), {"name": "spclust"}),
    (("runs", 2), {"name": "k", "method": "spclust", "graphs": "k2"}),
    (("runs",), [{"name": "kmeans", "datasets": ["dkd_000"]}]),
    (("datasets", 1, "name"), "summary"),
    (("datasets", 1, "name"), "demo"),
    (("datasets", 1, "simulate"), {"n_cells": 200}),
    (("datasets", 1), {"name": "mine"}),
    (("datasets", 1), {"path": "a.csv"}),
    (("datasets", 1), {"name": "both", "slices": ["demo"], "path": "a.csv", "label": "x"}),
    (("datasets", 1, "path"), "a{b}.csv"),
    (("datasets", 1, "path"), "x" * 300),
    (("knowledge", "proteins"), ["x" * 300]),
    (("transfer", "model"), "spclst"),
    (("transfer", "model"), "leiden"),
    (("transfer", "to"), ["demo"]),
    (("transfer", "from"), "mine2"),
]

faults = st.tuples(st.sampled_from(PLACES), leaves) | st.sampled_from(CONTRADICTIONS)


def spoilt(found):
    config = VALID
    for path, value in found:
        try:
            config = put(config, path, value)
        except (TypeError, KeyError, IndexError):
            pass  # another fault has taken the place away
    return config


def keys(where):
    """The key path in front of a message, ``runs[0] (name).method``."""
    where = re.sub(r" \(.*?\)", "", where)
    return [int(a) if a else b for a, b in re.findall(r"\[(\d+)\]|([^\s.,\[\]]+)", where)]


def at(config, path):
    for key in path:
        config = config[key]
    return config


def follow(config, line):
    """Write what one line of a message tells to write; whether it tells anything."""
    where, _, told = line.strip().partition(": ")
    path = [] if where == "top level" else keys(where)
    unknown = re.findall(
        r"unknown key (.+?); (?:write  (\w+): (.+?)|remove it) \(allowed: [^)]*\)(?=;|$)", told
    )
    inside = re.search(r"(?:write|add)(?: e\.g\.)?  (\w+): (.+?)(?:, or  .*|  of a run)?$", told)
    whole = re.search(r"write  (\{.*\})$", told)
    instead = re.search(r"write  (\w+): (.+)  in its place$", told)
    near = re.search(r"did you mean '([^']+)'\? Known are", told)
    try:
        if unknown:
            for bad, key, text in unknown:
                at(config, path).pop(yaml.safe_load(bad))
                if key:
                    at(config, path)[key] = yaml.safe_load(text)
        elif instead:
            del at(config, path[:-1])[path[-1]]
            at(config, path[:-1])[instead.group(1)] = yaml.safe_load(instead.group(2))
        elif inside:
            key, text = inside.groups()
            if key == "datasets" and path == ["runs"]:
                path = ["runs", 0]
            if key in path:
                path = path[: len(path) - path[::-1].index(key) - 1]
            at(config, path)[key] = yaml.safe_load(text)
        elif whole:
            at(config, path[:-1])[path[-1]] = yaml.safe_load(whole.group(1))
        elif near:
            if isinstance(at(config, path[:-1])[path[-1]], list):
                path.append(0)
            at(config, path[:-1])[path[-1]] = near.group(1)
        else:
            return False
    except (KeyError, IndexError, TypeError) as error:
        pytest.fail(f"{line!r} cannot be followed: {error!r}")
    return True


def ends(config):
    """Follow messages line by line until none comes, or none that says what to write."""
    config, seen = copy.deepcopy(config), []
    while True:
        try:
            resolve(config, CARDS)
            return
        except UserError as error:
            lines = str(error).splitlines()
        # one at a time: it may move those below to other positions of a list
        followed = next((line for line in lines if follow(config, line)), None)
        if followed is None:
            return
        assert followed not in seen, f"followed, and it comes again: {followed}"
        seen.append(followed)


@pytest.mark.parametrize("fault", CONTRADICTIONS, ids=str)
def test_a_contradiction_ends_by_what_is_told(fault):
    ends(spoilt([fault]))


@given(st.lists(faults, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_random_faults_end_by_what_is_told(found):
    ends(spoilt(found))
