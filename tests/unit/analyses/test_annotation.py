"""What each cell is called."""

import logging

import numpy as np
import pandas as pd

from spclust.analyses.annotation import annotate, called


def proposed():
    return pd.DataFrame(
        {
            "cluster": [0, 1, 2],
            "name": ["B cell", "cluster 1 (CD45+ CD11c+)", "cluster 2"],
            "type": ["B cell", np.nan, np.nan],
            "markers": ["CD20+", "CD45+ CD11c+", np.nan],
        }
    )


def clustered(clusters, confidence):
    return pd.DataFrame({"cluster": clusters, "confidence": confidence}, index=list("abcdef"))


def test_clusters_without_a_type_are_unknown_with_what_they_have():
    assert called(proposed()) == {0: "B cell", 1: "unknown (CD45+ CD11c+)", 2: "unknown"}


def test_cells_are_unsure_below_the_bound_and_outliers_without_a_cluster():
    clusters = clustered([0, 0, 1, 2, -1, -1], [0.9, 0.49, 0.5, 0.9, 0.1, 0.9])
    table = annotate(clusters, proposed(), 0.5)
    assert table.columns.tolist() == ["cluster", "name", "confidence"]
    assert table["name"].tolist() == [
        *("B cell", "unsure", "unknown (CD45+ CD11c+)", "unknown", "outlier", "outlier")
    ]
    assert table["cluster"].tolist() == clusters["cluster"].tolist()
    assert "unsure" not in set(annotate(clusters, proposed(), 0)["name"])


def test_a_confidence_of_another_kind_calls_no_cell_unsure(caplog):
    clusters = clustered([0, 0, 0, 1, 1, 2], [0.2, 0.2, 0.3, 0.2, 0.9, 0.9])
    with caplog.at_level(logging.WARNING):
        assert "unsure" not in set(annotate(clusters, proposed(), 0.5)["name"])
    assert "4 of 6 cells have a confidence below 0.5" in caplog.text
    assert "unsure" in set(annotate(clusters, proposed(), 0.25)["name"])
