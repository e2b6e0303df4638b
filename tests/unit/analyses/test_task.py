"""What recipes of analyses get, and that what they leave is what their cards declare."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from spclust.analyses import task as analyses
from spclust.data.atomic import write_table
from spclust.data.cell_files import write_cells
from spclust.data.clusters import write_clusters
from spclust.data.values import read_values
from spclust.errors import UserError

TABLE = pd.DataFrame({"cluster": [0, 1], "share": [0.25, 0.75]})
COLUMNS = {"shares.csv": ["cluster", "share"], "places.npz": [], "facts.json": []}


def carry_out(monkeypatch, folder, results):
    monkeypatch.setitem(sys.modules, "made_up", SimpleNamespace(analyse=lambda task: results))
    analyses.run("made_up", analyses.Task({}), folder, COLUMNS, ["places.npz", "facts.json"])


def test_each_kind_of_file_is_written_and_the_folder_replaced(monkeypatch, tmp_path):
    folder, ids = tmp_path / "shares", np.array(["a", "b"], dtype=object)
    folder.mkdir()
    (folder / "old.csv").touch()
    results = {"shares.csv": TABLE, "places.npz": (np.eye(2), ids), "facts.json": {"n": 2}}
    carry_out(monkeypatch, folder, results)
    assert {path.name for path in folder.iterdir()} == set(COLUMNS)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "shares.csv"), TABLE)
    assert read_values(folder / "places.npz", ids[::-1])[0].tolist() == [[0, 1], [1, 0]]
    assert json.loads((folder / "facts.json").read_text()) == {"n": 2}


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"other.csv": TABLE}, "other.csv is written and not declared; add it below  writes:"),
        (
            {"shares.csv": TABLE.rename(columns={"share": "part"})},
            "shares.csv has the columns cluster, part, declared are cluster, share",
        ),
        ({}, "shares.csv is declared and not written"),
        ({"shares.csv": {"n": 2}}, "shares.csv is a table; return a data frame"),
        (None, "returns NoneType; return a dict"),
    ],
)
def test_what_the_card_does_not_declare_is_refused_and_nothing_left(
    monkeypatch, tmp_path, results, message
):
    with pytest.raises(UserError, match=message):
        carry_out(monkeypatch, tmp_path / "shares", results)
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_without_its_function_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "made_up", SimpleNamespace())
    with pytest.raises(UserError, match="the function analyse\\(task\\) is missing"):
        analyses.run("made_up", analyses.Task({}), tmp_path / "shares", COLUMNS)


def test_rows_of_clusters_and_labels_follow_the_cells(tmp_path, planted):
    cells = planted[0].take(np.arange(5))
    write_cells(cells, tmp_path / "cells.h5mu")
    write_clusters([4, 3, 2, 1, 0], np.ones(5), cells.ids[::-1], tmp_path / "c.csv")
    labels = pd.DataFrame({"cell": cells.ids[:2], "label": ["T", "B"], "scored": [True, False]})
    write_table(labels, tmp_path / "labels.csv")
    files = {"cells": "cells.h5mu", "clusters": "c.csv", "labels": "labels.csv"}
    task = analyses.Task({need: tmp_path / file for need, file in files.items()})
    assert task.clusters["cluster"].tolist() == [0, 1, 2, 3, 4]
    assert task.labels.tolist()[0] == "T" and task.labels.isna().tolist() == [False] + [True] * 4
    assert task.seed == 0 and analyses.Task({}, about={"seed": "7"}).seed == 7
