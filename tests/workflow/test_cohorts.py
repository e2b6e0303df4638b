"""Several slices as one, several modalities, and a model that labels a new slice: end to end."""

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
from workflow import TINY, Project, changed

from spclust.analyses.annotation import called
from spclust.data.clusters import read_cluster_names

pytestmark = pytest.mark.slow

TYPES = ["tumour", "T cell", "stroma"]


def slice_file(folder, name, seed, n=120, images=1, shares=(0.5, 0.3, 0.2), extra=()):
    """A slice of three types with markers of their own, as somebody's h5ad."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, size=n, p=shares)
    proteins = [f"P{j}" for j in range(9)] + list(extra)
    x = np.exp(rng.normal(size=(n, len(proteins))) * 0.4 + 1)
    x[:, :9] *= np.exp(1.8 * (np.arange(9) % 3 == kind[:, None]))
    obs = pd.DataFrame({"cell_type": np.array(TYPES)[kind]}, index=[f"{i}" for i in range(n)])
    if images > 1:
        obs["fov"] = [f"fov{i % images}" for i in range(n)]
    cells = anndata.AnnData(x.astype(np.float32), obs, pd.DataFrame(index=proteins))
    cells.obsm["spatial"] = rng.uniform(0, 100, size=(n, 2))
    cells.write_h5ad(folder / f"{name}.h5ad")
    return {"name": name, "path": f"{name}.h5ad", "label": "cell_type", "min_label_size": 5}


def spots_file(folder):
    """Counts of genes and of antibody tags; neither tells all three types apart."""
    rng = np.random.default_rng(5)
    kind = rng.permutation(np.arange(150) % 3)
    ids = [f"s{i}" for i in range(150)]
    genes = rng.poisson(2 + 18 * ((np.arange(60) < 30)[None] & (kind[:, None] == 0)))
    tags = rng.poisson(20 + 200 * ((np.arange(8) < 4)[None] & (kind[:, None] == 1)))
    parts = {
        m: anndata.AnnData(x.astype(np.float32), pd.DataFrame(index=ids))
        for m, x in (("rna", genes), ("adt", tags))
    }
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData(parts)
    data.obs["domain"] = [TYPES[k] for k in kind]
    data.obsm["spatial"] = rng.uniform(0, 100, size=(150, 2))
    data.write_h5mu(folder / "spots.h5mu")
    return {"name": "spots", "path": "spots.h5mu", "label": "domain", "n_clusters": 3}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("cohort") / "spclust")
    first = slice_file(project.folder, "first", 0, images=2, extra=["Q"])
    second = slice_file(project.folder, "second", 1, shares=(0.2, 0.2, 0.6))
    third = slice_file(project.folder, "third", 2)
    cohort = {"name": "both", "slices": [first, second], "n_clusters": 3, "min_label_size": 5}
    config = changed(
        TINY,
        datasets=[cohort, third | {"n_clusters": 3}, spots_file(project.folder)],
        runs=[{"name": "spclust"}, {"name": "kmeans"}, {"name": "leiden"}],
        method={"spclust": {"pretrain_epochs": 30, "epochs": 60}},
        graphs={"leiden": {"expression_weights": "jaccard"}},  # scanpy's compile for long
        transfer=[{"model": "spclust", "to": ["third"]}, {"model": "kmeans", "to": ["third"]}],
    )
    project.configure(config)
    done = project.snakemake(*TARGETS, "--keep-going")
    assert done.code == 0, done.text
    return project


def folder_of(dataset, method):
    """Folder of a run below results."""
    start = f"{dataset}/preprocess-default/seed-1/"
    balanced = "pseudolabels-default/oversample-default/"
    stages = {"spclust": f"{balanced}graphs-default/", "kmeans": "", "leiden": "graphs-leiden/"}
    return f"{start}{stages[method]}method-{method}"


def run_of(study, dataset, method):
    return study.path(folder_of(dataset, method))


# not all: a UMAP compiles for half a minute in every process
TARGETS = [
    *(
        f"results/{folder_of(d, m)}/metrics"
        for d in ("both", "spots")
        for m in ("spclust", "kmeans", "leiden")
    ),
    f"results/{folder_of('both', 'spclust')}/figures",
    f"results/{folder_of('both', 'spclust')}/export",
    f"results/{folder_of('spots', 'spclust')}/export",
    *(
        f"results/{folder_of('third', m).replace('third/', 'third/from-both/')}/figures"
        for m in ("spclust", "kmeans")
    ),
    "results/summary/transfers.tsv",
    f"results/{folder_of('third', 'spclust').replace('third/', 'third/from-both/')}/annotation",
]


def test_a_cluster_of_a_cohort_means_the_same_in_every_slice(study):
    metrics = pd.read_csv(run_of(study, "both", "kmeans") / "metrics/metrics.tsv", sep="\t")
    ari = metrics[metrics["metric"] == "ARI"].set_index("slice")["value"]
    assert list(ari.index) == ["all", "first", "second"] and (ari > 0.9).all()
    accuracy = metrics[metrics["metric"] == "accuracy"].set_index("slice")["value"]
    assert (accuracy > 0.9).all()


def test_leiden_runs_over_all_images_at_once(study):
    metrics = pd.read_csv(run_of(study, "both", "leiden") / "metrics/metrics.tsv", sep="\t")
    assert metrics.query("metric == 'ARI' and slice == 'all'")["value"].item() > 0.9


def test_what_only_one_slice_measured_is_left_out_and_said(study):
    cells = mudata.read_h5mu(study.path("both/cells.h5mu"))
    assert "Q" not in cells["protein"].var_names and cells.n_obs == 240
    assert set(cells.obs["image"]) == {"first_fov0", "first_fov1", "second"}
    log = (study.folder / "results/logs/both/join_slices.log").read_text()
    assert "Q" in log


def test_figures_show_every_slice_and_what_it_is_made_of(study):
    figures = {path.stem for path in (run_of(study, "both", "spclust") / "figures").glob("*.png")}
    assert {"composition", "slices", "umap", "map", "training"} <= figures


def test_transferred_clusters_are_called_as_where_they_were_learnt(study):
    learnt = run_of(study, "both", "spclust")
    folder = study.path(folder_of("third", "spclust").replace("third/", "third/from-both/"))
    table = pd.read_csv(folder / "annotation/annotation.csv").query("name != 'unsure'")
    words = called(read_cluster_names(learnt / "names/cluster_names.csv"))
    assert len(table) and table["name"].tolist() == [words[c] for c in table["cluster"]]


def test_the_export_of_a_cohort_is_one_h5ad_with_its_slices(study):
    cells = anndata.read_h5ad(run_of(study, "both", "spclust") / "export/clustered.h5ad")
    assert set(cells.obs["slice"]) == {"first", "second"} and cells.n_obs == 240
    assert "spclust_colors" in cells.uns and "X_umap" in cells.obsm


@pytest.mark.parametrize("method", ["spclust", "kmeans"])
def test_a_model_of_two_slices_labels_a_third(study, method):
    table = pd.read_csv(study.path("summary/transfers.tsv"), sep="\t").set_index("run")
    row = table.loc[method]
    assert row["ARI"] > 0.8 and row["ARI_own"] > 0.8 and row["agreement"] > 0.8
    assert row["unlike"] < 0.2 and (row["dataset"], row["source"]) == ("third", "both")
    folder = study.path(folder_of("third", method).replace("third/", "third/from-both/"))
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert {f"{name}.png" for name in ("map", "agreement", "distance")} <= drawn


@pytest.mark.parametrize("method", ["spclust", "kmeans", "leiden"])
def test_two_modalities_tell_what_neither_tells_alone(study, method):
    metrics = pd.read_csv(run_of(study, "spots", method) / "metrics/metrics.tsv", sep="\t")
    assert metrics.query("metric == 'ARI' and slice == 'all'")["value"].item() > 0.6


def test_modalities_are_prepared_drawn_and_exported_each_as_what_it_is(study):
    prepared = mudata.read_h5mu(study.path("spots/preprocess-default/cells.h5mu"))
    assert prepared["rna"].n_vars <= 50 and prepared["adt"].n_vars == 8
    folder = run_of(study, "spots", "spclust")
    exported = mudata.read_h5mu(folder / "export/clustered.h5mu")
    assert exported["rna"].n_vars == 60 and "spclust" in exported.obs
    fusion = pd.read_csv(folder / "extras/fusion.csv")
    assert {"expression/rna", "expression/adt", "spatial"} <= set(fusion)


def test_a_finished_study_is_up_to_date(study):
    done = study.snakemake("-n", *TARGETS)
    assert done.code == 0 and not done.jobs, done.text
