"""A slice in, labelled cells out."""

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
from workflow import SHARED, SPCLUST, TINY, Project, changed

pytestmark = pytest.mark.slow


def test_the_tiny_run_writes_what_the_readme_promises(finished):
    folder = finished.path(SPCLUST)
    for name in (
        "clusters.csv",
        "embedding.npz",
        "extras/history.csv",
        "extras/fusion.csv",
        "extras/attribution.csv",
        "extras/importance.csv",
        "extras/model/weights.npz",
        "extras/model/model.json",
        "markers.csv",
        "cluster_names.csv",
        "clustered.h5ad",
    ):
        assert (folder / name).stat().st_size > 0
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert len(figures) >= 6 and all((folder / "figures" / f"{f}.pdf").exists() for f in figures)
    metrics = pd.read_csv(finished.path("summary/metrics.tsv"), sep="\t")
    assert list(metrics) == ["dataset", "run", "method", "seed", "slice", "metric", "value"]
    assert set(metrics.run) == {"spclust", "kmeans"}


def test_every_rule_has_left_its_log_and_benchmark(finished):
    logs = {path.stem for path in finished.folder.glob("results/logs/**/*.log")}
    benchmarks = {path.stem for path in finished.folder.glob("results/benchmarks/**/*.tsv")}
    # what may come from the between-workflow cache has no benchmark
    assert logs - benchmarks == {"preprocess_cells"}


def test_the_export_is_the_input_with_clusters(finished):
    cells = anndata.read_h5ad(finished.path(f"{SPCLUST}/clustered.h5ad"))
    given = anndata.read_h5ad(finished.folder / "resources/tiny/cells.h5ad")
    assert list(cells.obs_names) == list(given.obs_names) and np.allclose(cells.X, given.X)
    table = pd.read_csv(finished.path(f"{SPCLUST}/clusters.csv"), dtype={"cell": str})
    assert list(cells.obs["spclust"].astype(int)) == list(table.cluster)
    assert cells.obs["spclust_confidence"].between(0, 1).all()
    assert cells.obsm["X_spclust"].shape == (240, 8) and cells.obsm["X_umap"].shape == (240, 2)
    assert len(cells.uns["spclust_colors"]) == cells.obs["spclust"].cat.categories.size


def test_the_report_holds_the_figures(finished):
    done = finished.snakemake("--report", "report.html")
    assert done.code == 0, done.text
    html = (finished.folder / "report.html").read_text()
    assert "Summary" in html and "metrics_mean.tsv" in html and "umap" in html


def test_votes_are_clusters_and_first_labels(tmp_path):
    """One pool for a method and for the pseudo-labels of another."""
    config = changed(TINY, runs=[{"name": "consensus"}, {"name": "spclust"}],
                     pseudolabels={"default": {"method": "vote"}})  # fmt: skip
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


def test_a_published_region_from_its_own_table(tmp_path):
    """The Schuerch region as its makers ship it: one CSV of 56 proteins and many other columns."""
    table = SHARED / "data/native/celesta_imaging_data.csv.gz"
    if not table.exists():
        pytest.skip("../shared is not here")
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
