"""What each cell is called."""

import logging
import uuid

import numpy as np
import pandas as pd
import pytest
import yaml

from spclust.analyses import annotation, task
from spclust.analyses.annotation import annotate, called
from spclust.data.atomic import write_table
from spclust.data.clusters import read_annotation
from spclust.io.rows import COLUMNS


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


@pytest.mark.parametrize("of_qupath", [True, False])
def test_what_an_analysis_of_cells_of_qupath_leaves(tmp_path, of_qupath):
    cells = list("abcdef")
    clusters = clustered([0, 0, 1, 2, 2, 2], 0.9).rename_axis("cell")
    write_table(clusters.iloc[::-1].reset_index(), tmp_path / "clusters.csv")
    write_table(proposed(), tmp_path / "cluster_names.csv")
    write_table(pd.DataFrame({"cell": [], "label": [], "scored": []}), tmp_path / "labels.csv")
    ids = [str(uuid.UUID(int=i)) if of_qupath else f"{i}" for i in range(7)]
    # one row became no cell
    rows = pd.DataFrame(columns=COLUMNS, index=range(7)).assign(
        file="a.csv", id=ids, image="img", x=1, y=2, unit="px", cell=[*cells[:3], None, *cells[3:]]
    )
    write_table(rows, tmp_path / "rows.csv")
    files = {name: tmp_path / f"{name}.csv" for name in ("clusters", "rows", "labels")}
    settings = {"unsure_below": 0.5, "pixel_size": None}
    made = task.Task(files | {"names": tmp_path}, settings, {"method": "kmeans"})
    card = yaml.safe_load(open(annotation.__file__.replace(".py", ".yaml")))["writes"]
    columns = {name: list(entry.get("columns", ())) for name, entry in card.items()}
    optional = [name for name, entry in card.items() if entry.get("optional")]
    task.run(annotation.__name__, made, tmp_path / "annotation", columns, optional)
    left = {path.name for path in (tmp_path / "annotation").iterdir()}
    of_others = {"classes.csv", "classes.groovy", "img.geojson"}
    assert left == {"annotation.csv"} | (of_others if of_qupath else set())
    table = read_annotation(tmp_path / "annotation/annotation.csv", cells)
    assert table["name"].tolist()[1:3] == ["B cell", "unknown (CD45+ CD11c+)"]
    if of_qupath:
        classes = pd.read_csv(tmp_path / "annotation/classes.csv", index_col="Object ID")["Class"]
        assert ids[3] not in classes and len(classes) == 6
        assert classes[[ids[0], ids[2]]].tolist() == ["B cell", "unknown (CD45+ CD11c+)"]
