"""One finished run: what it leaves, and the rerun promise: this change, exactly these rules."""

from contextlib import contextmanager

import anndata
import numpy as np
import pandas as pd
import pytest
from workflow import SPCLUST, TINY, Project, changed

pytestmark = pytest.mark.slow

SUMMARY = {"summarise_metrics": 1, "plot_summary": 1}
ANALYSES = ("markers", "names", "metrics", "export")
RUN = SUMMARY | dict.fromkeys([*ANALYSES, "plot_run", "record_settings"], 1)
TRAIN = RUN | {"cluster_cells": 1, "umap": 1}
GRAPHS = TRAIN | {"build_graphs": 1}
OVERSAMPLE = GRAPHS | {"oversample_minorities": 1}
PSEUDOLABELS = OVERSAMPLE | {"assign_pseudolabels": 1}
NAMES = {"names": 2, "plot_run": 2, "export": 2}
BOTH_RUNS = dict.fromkeys([*ANALYSES, "plot_run", "record_settings"], 2)
PREPROCESS = (
    PSEUDOLABELS
    | BOTH_RUNS
    | {
        "preprocess_cells": 1,
        "choose_n_clusters": 1,
        "cluster_cells": 2,
        "umap": 2,
    }
)
DATASET = TINY["datasets"][0]

CONFIGS = {
    "nothing": ({}, {}),
    "keys that change no result": ({"mirror": "somewhere", "device": "auto"}, {}),
    "a setting nobody uses": ({"graphs": {"k20": {"n_neighbors": 20}}}, {}),
    "the graph's neighbours": ({"graphs": {"default": {"n_neighbors": 10}}}, GRAPHS),
    "a method's setting": ({"method": {"spclust": {"temperature": 0.2}}}, TRAIN),
    "the oversampling": ({"oversample": {"default": {"imbalance_ratio": 2.0}}}, OVERSAMPLE),
    "the pseudo-labels": ({"pseudolabels": {"default": {"method": "ward"}}}, PSEUDOLABELS),
    "first labels by signatures": (
        {"pseudolabels": {"default": {"method": "signatures"}}},
        PSEUDOLABELS,
    ),
    "the panel": ({"preprocess": {"default": {"panel": "auto"}}}, PREPROCESS),
    "a table of types of one's own": (
        {"knowledge": {"signatures": ["workflow_scripts/spclust/knowledge/signatures.csv"]}},
        NAMES,
    ),
    "the normalisation": ({"preprocess": {"default": {"clip": 5.0}}}, PREPROCESS),
    "the metrics": (
        {"analyses": {"metrics": {"default": {"rare_class": 0.1}}}},
        SUMMARY | {"metrics": 2, "record_settings": 2},
    ),
    "the classes scored": (
        {"datasets": [DATASET | {"min_label_size": 6}]},
        PREPROCESS | {"import_cells": 1},
    ),
    "another named setting beside the first": (
        {
            "graphs": {"k20": {"n_neighbors": 20}},
            "runs": [*TINY["runs"], {"name": "k20", "method": "spclust", "graphs": "k20"}],
        },
        GRAPHS,
    ),
    "a baseline on oversampled cells": (
        {"runs": [*TINY["runs"], {"name": "more", "method": "kmeans", "oversample": "default"}]},
        RUN | {"cluster_cells": 1},
    ),
    "one more seed": (
        {"seeds": [1, 2]},
        PSEUDOLABELS | BOTH_RUNS | {"cluster_cells": 2, "umap": 2},
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished tiny run; tests that use it plan only, and put back what they change."""
    project = Project(tmp_path_factory.mktemp("project") / "spclust")
    done = project.snakemake()
    assert done.code == 0, done.text
    return project


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
        "markers/markers.csv",
        "names/cluster_names.csv",
        "export/clustered.h5ad",
    ):
        assert (folder / name).stat().st_size > 0
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert len(figures) >= 6
    metrics = pd.read_csv(finished.path("summary/metrics.tsv"), sep="\t")
    assert list(metrics) == ["dataset", "run", "method", "seed", "slice", "metric", "value"]
    assert set(metrics.run) == {"spclust", "kmeans"}


def test_every_rule_has_left_its_log_and_benchmark(finished):
    logs = {path.stem for path in finished.folder.glob("results/logs/**/*.log")}
    benchmarks = {path.stem for path in finished.folder.glob("results/benchmarks/**/*.tsv")}
    # what may come from the between-workflow cache has no benchmark
    assert logs - benchmarks == {"preprocess_cells"}


def test_the_export_is_the_input_with_clusters(finished):
    cells = anndata.read_h5ad(finished.path(f"{SPCLUST}/export/clustered.h5ad"))
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


@pytest.mark.parametrize(("changes", "expected"), CONFIGS.values(), ids=CONFIGS)
def test_a_changed_configuration_reruns_exactly(finished, changes, expected):
    finished.configure(changed(TINY, **changes))
    try:
        assert finished.planned() == expected
    finally:
        finished.configure(TINY)


@contextmanager
def edited(path, text="\nEDITED = True\n"):
    before, stat = path.read_bytes(), path.stat()
    path.write_bytes(before + text.encode())
    try:
        yield
    finally:
        import os

        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


MODULES = {
    "stages/oversample.py": OVERSAMPLE,
    "stages/graphs.py": GRAPHS,
    "neighbours/layout.py": GRAPHS | {"umap": 2, "plot_run": 2, "export": 2},
    "methods/spclust/losses.py": TRAIN,
    "methods/spclust/spclust.py": TRAIN,
    "analyses/markers.py": NAMES | {"markers": 2},
    "analyses/names.py": NAMES,
    "io/writers/clustered.py": {"export": 2},
    "plots/maps.py": {"plot_run": 2},
    "plots/figures/umap.py": {"plot_run": 2},
    "io/readers/table.py": PREPROCESS | {"import_cells": 1},
    "engine/logs.py": {},
}


@pytest.mark.parametrize(("module", "expected"), MODULES.items(), ids=MODULES)
def test_an_edited_module_reruns_exactly_what_uses_it(finished, module, expected):
    with edited(finished.folder / "workflow_scripts/spclust" / module):
        assert finished.planned() == expected


def test_a_touched_result_reruns_nothing(finished):
    next(finished.folder.glob("results/tiny/preprocess-default/cells.h5mu")).touch()
    assert finished.planned() == {}


def test_a_deleted_intermediate_is_not_remade_for_its_own_sake(finished):
    (graphs,) = finished.folder.glob("results/tiny/**/graphs.npz")
    aside = graphs.rename(graphs.with_suffix(".aside"))
    try:
        assert finished.planned() == {}
    finally:
        aside.rename(graphs)


def test_a_comment_reruns_nothing(finished):
    with edited(
        finished.folder / "workflow_scripts/spclust/methods/spclust/losses.py", "\n# a comment\n"
    ):
        assert finished.planned() == {}


def test_the_order_of_seeds_and_runs_reruns_nothing_but_the_summary(finished):
    finished.configure(changed(TINY, seeds=[1], runs=TINY["runs"][::-1]))
    try:
        assert finished.planned() == {"summarise_metrics": 1, "plot_summary": 1}
    finally:
        finished.configure(TINY)
