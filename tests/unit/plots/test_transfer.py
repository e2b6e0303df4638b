"""Figures of labels that a model gave: colours and names are those of the slices it learnt from."""

import numpy as np
import pandas as pd
from planted import expression_types

from spclust.plots import style, transfer
from spclust.plots.maps import Groups


def drawn(tmp_path, monkeypatch, labels, own=None, clusters=None):
    """Names of the figures, and the legend of the map."""
    cells, _ = expression_types(0, n=90)
    clusters = np.arange(90) % 3 if clusters is None else clusters
    learnt = np.repeat([0, 1, 2], 40)
    source = Groups.of(learnt, pd.Series(np.array(["b", "c", "a"], dtype=object)[learnt]))
    seen = {}
    monkeypatch.setattr(
        transfer,
        "tissue",
        lambda cells, panels, entries, title: seen.update(e=entries) or (style.figure(1, 1), None),
    )
    labels = pd.Series(labels, index=cells.ids, dtype=object)
    distance = np.linspace(0, 2, 90)
    transfer.draw(tmp_path / "figures", cells, labels, clusters, distance, source, own)
    return {path.stem for path in (tmp_path / "figures").glob("*.png")}, source, seen["e"]


def test_clusters_keep_the_names_and_colours_of_where_they_were_learnt(tmp_path, monkeypatch):
    found, source, entries = drawn(tmp_path, monkeypatch, ["z"] * 45 + ["a"] * 45)
    assert found == {"map", "distance", "agreement"}
    names = {text: colour for colour, text in entries}
    assert names["0 · b"] == source.cluster_colours[0] == source.class_colours["b"]
    # a class that the model has not met gets a colour of nobody else
    assert names["– · z"] not in source.class_colours.values()


def test_without_labels_or_a_run_of_its_own_there_is_nothing_to_agree_with(tmp_path, monkeypatch):
    assert drawn(tmp_path, monkeypatch, [None] * 90)[0] == {"map", "distance"}


def test_agreement_is_with_the_run_on_the_slice_itself_where_there_is_one(tmp_path, monkeypatch):
    own = np.arange(90) % 2
    assert "agreement" in drawn(tmp_path, monkeypatch, [None] * 90, own)[0]


def test_matched_clusters_stand_on_the_diagonal():
    others = np.array(["x", "y", "z"])[np.arange(60) % 3]
    clusters = np.array([7, 5, 9])[np.arange(60) % 3]
    ax = transfer.agreement(clusters, others, "class").axes[0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["7", "5", "9"]
