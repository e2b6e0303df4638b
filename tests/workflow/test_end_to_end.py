"""A slice in, labelled cells out."""

import json

import mudata
import numpy as np
import pandas as pd
import pytest
from workflow import TINY, Project, changed

pytestmark = pytest.mark.slow


def test_votes_are_clusters_and_first_labels(tmp_path):
    """One pool for a method and for the pseudo-labels of another."""
    config = changed(
        TINY,
        runs=[{"name": "consensus"}, {"name": "spclust"}],
        pseudolabels={"default": {"method": "vote"}},
    )
    project = Project(tmp_path / "spclust", config)
    votes = "results/tiny/preprocess-default/seed-1/votes-default"
    clusters, first = f"{votes}/method-consensus/clusters.csv", f"{votes}/pseudolabels-default"
    done = project.snakemake(clusters, f"{first}/pseudolabels.csv")
    assert done.code == 0, done.text
    assert done.jobs["vote_labels"] == 1
    table = pd.read_csv(project.folder / votes / "votes.csv")
    found = pd.read_csv(project.folder / clusters)
    assert list(found["cluster"]) == list(table["vote"])
    assert np.allclose(found["confidence"], table["vote_share"], atol=1e-6)
    labels = pd.read_csv(project.folder / first / "pseudolabels.csv")
    assert list(labels["pseudolabel"]) == list(table["vote"])
    extras = {path.name for path in (project.folder / clusters).with_name("extras").glob("*.csv")}
    assert extras == {"members.csv", "shares.csv"}
    # what the poll took is what the method takes
    polled, took = (
        json.loads((project.folder / path).read_text())
        for path in (f"{votes}/votes_cost.json", f"{votes}/method-consensus/cost.json")
    )
    assert took["seconds"] >= polled["seconds"] > 0


def test_a_published_region_from_its_own_table(tmp_path, real_data):
    """The Schuerch region as its makers ship it: one CSV of 56 proteins and many other columns."""
    table = real_data / "native/celesta_imaging_data.csv.gz"
    config = {
        "datasets": [
            {"name": "schurch", "path": str(table), "label": "ClusterName", "n_clusters": 9}
        ],
        "seeds": [42],
        "runs": [{"name": "spclust"}, {"name": "random"}],
        "method": {"spclust": {"pretrain_epochs": 30, "epochs": 20}},
        "pseudolabels": {"default": {"method": "kmeans"}},
        "device": "cpu",
    }
    project = Project(tmp_path / "spclust", config)
    done = project.snakemake("metrics")
    assert done.code == 0, done.text
    mean = pd.read_csv(project.path("summary/metrics_mean.tsv"), sep="\t")
    ari = mean[mean.metric.str.lower() == "ari"].set_index("run")["mean"]
    assert ari["spclust"] > 0.25 and abs(ari["random"]) < 0.02
    cells = mudata.read_h5mu(project.path("schurch/cells.h5mu"))
    assert cells["protein"].n_vars == 56
