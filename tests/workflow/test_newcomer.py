"""What a newcomer may touch: the files that workflow_scripts/README.md names, then run.

A copy of the project gets a method, an input format, a figure, an analysis with a figure and a
line in the summary, a stage and a study, and the workflow runs with all of them at once. No file of
the project is edited for a method, a format, a figure, an analysis or a study.
"""

import shutil
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from workflow import ROOT, Project

pytestmark = pytest.mark.slow

LIBRARY = "workflow_scripts/spclust"

METHOD = {
    f"{LIBRARY}/methods/minibatch.yaml": """
title: KMeans by mini-batches
environment: baselines
settings:
  batch_cells: {type: integer, minimum: 1, default: 64, description: Cells of a batch.}
""",
    f"{LIBRARY}/methods/minibatch.py": '''
"""KMeans by mini-batches."""

import pandas as pd
from sklearn.cluster import MiniBatchKMeans

from spclust.methods.task import Clustering
from spclust.clustering import heads


def cluster(task):
    """See :class:`spclust.methods.task.Task`."""
    x = task.cells.matrix
    size = task.settings["batch_cells"]
    model = MiniBatchKMeans(task.n_clusters, batch_size=size, random_state=task.seed).fit(x)
    steps = pd.DataFrame({"steps": [model.n_steps_]})
    confidence = heads.neighbour_agreement(x, model.labels_)
    return Clustering(model.labels_, confidence, x, tables={"steps": steps})
''',
}
FORMAT = {
    f"{LIBRARY}/io/readers/lines.py": '''
"""One JSON object a cell."""

import anndata
import pandas as pd


READS = ("*.jsonl",)


def read(files, cfg):
    frame = pd.read_json(files[0], lines=True, dtype={"cell": str}).set_index("cell")
    places = frame[["x", "y"]].to_numpy()
    return anndata.AnnData(frame.filter(like="protein"), obs=frame[["cell_type"]],
                           obsm={"spatial": places})
''',
}
FIGURE = {
    f"{LIBRARY}/plots/figures/sizes.py": '''
"""Cells of each cluster."""

from spclust.plots import style

CAPTION = "Cells of each cluster."
NEEDS = ("extras.steps",)


def draw(run):
    fig = style.figure(3, 2)
    fig.subplots().bar(*zip(*run.clusters["cluster"].value_counts().items()))
    return fig
''',
}
ANALYSIS = {
    f"{LIBRARY}/analyses/around.yaml": """
title: composition of the clusters around each cell
over: run
environment: evaluate
needs: [cells, clusters]
settings:
  neighbours: {type: integer, minimum: 1, default: 10, description: Nearest cells in the image.}
  niches: {type: integer, minimum: 1, default: 3, description: Number of niches.}
writes:
  cells.csv: {about: A cell., columns: {cell: its id, niche: its niche}}
  composition.csv:
    about: A niche and a cluster.
    columns: {niche: number, cluster: number, share: "share of the neighbours, 0 to 1"}
adds: cells.csv
summary: composition.csv
""",
    f"{LIBRARY}/analyses/around.py": '''
"""Niches: KMeans on what lies around each cell."""

import numpy as np
import pandas as pd

from spclust.clustering import heads
from spclust.neighbours.knn import neighbours_within


def analyse(task):
    """Composition of the nearest cells of the same image, and their clusters."""
    clusters = task.clusters["cluster"].to_numpy()
    names, codes = np.unique(clusters, return_inverse=True)
    around = np.zeros((len(codes), len(names)))
    k = task.settings["neighbours"]
    for rows, near in neighbours_within(task.cells.coordinates, task.cells.image, k):
        for column in range(len(names)):
            around[rows, column] = (codes[near] == column).mean(axis=1)
    niche = heads.kmeans(around, task.settings["niches"], task.seed)
    table = pd.DataFrame(around, columns=names).groupby(niche).mean()
    long = table.rename_axis("niche").reset_index().melt("niche", names, "cluster", "share")
    return {
        "cells.csv": pd.DataFrame({"cell": task.ids, "niche": niche}),
        "composition.csv": long,
    }
''',
    f"{LIBRARY}/plots/figures/around.py": '''
"""Clusters that niches are made of."""

from spclust.plots.tables import share_heat_map

CAPTION = "Shares of the clusters (columns) in each niche (rows)."
NEEDS = ("analyses.around",)


def draw(run):
    table = run.table("around", "composition.csv")
    return share_heat_map(table.pivot(index="niche", columns="cluster", values="share"), "share")[0]
''',
}
COHORT = {
    f"{LIBRARY}/analyses/largest.yaml": """
title: share of the largest cluster of every run
over: cohort
environment: evaluate
needs: [clusters]
writes:
  largest.csv: {about: A run., columns: {run: its name, share: "of the cells, 0 to 1"}}
""",
    f"{LIBRARY}/analyses/largest.py": '''
"""Share of the largest cluster."""

import pandas as pd


def analyse(task):
    """One row a run."""
    rows = [
        (run.about["run"], run.clusters["cluster"].value_counts(normalize=True).iloc[0])
        for run in task.runs
    ]
    return {"largest.csv": pd.DataFrame(rows, columns=["run", "share"])}
''',
}
ENTRY = """
smooth:
  rule: smooth_cells
  once_per: replicate
  makes: [cells.h5mu]
  settings:
    n_neighbors: {type: integer, minimum: 1, default: 5, description: Neighbours that are averaged.}

"""
STAGE = {
    "rules/smooth.smk": """
rule smooth_cells:
    input:
        cells=nearest("cells.h5mu"),
    output:
        "results/<smooth>/cells.h5mu",
    log:
        "results/logs/<smooth>/smooth_cells.log",
    conda:
        "../envs/graphs.yaml"
    params:
        cfg=stage_cfg("smooth"),
        code=code_hash("smooth_cells"),
    script:
        "../workflow_scripts/smooth_cells.py"
""",
    "workflow_scripts/smooth_cells.py": '''
"""Average each cell with its neighbours."""

from spclust.data.cell_files import read_cells, write_cells
from spclust.engine import logs
from spclust.stages import smooth

with logs.job(snakemake.log[0], snakemake.rule):
    cells = read_cells(snakemake.input.cells, "prepared")
    write_cells(smooth.smooth(cells, **snakemake.params.cfg), snakemake.output[0])
''',
    f"{LIBRARY}/stages/smooth.py": '''
"""Cells averaged with their neighbours."""

from dataclasses import replace

from spclust.neighbours.knn import nearest


def smooth(cells, n_neighbors):
    near = nearest(cells.matrix, n_neighbors)
    return replace(cells, features={m: x[near].mean(1) for m, x in cells.features.items()})
''',
}
STUDY = {
    "config/studies/mine.yaml": """
datasets: [{name: mine, path: mine.jsonl, n_clusters: 3, min_label_size: 5}]
seeds: [1]
method: {small: {recipe: minibatch, batch_cells: 32}}
runs:
  - {name: minibatch}
  - {name: smoothed, method: small, smooth: default}
  - {name: kmeans}
""",
}

RUNS = ["method-minibatch", "smooth-default/method-small", "method-kmeans"]


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """The copy with everything added, and what it said when it ran."""
    project = Project(tmp_path_factory.mktemp("newcomer") / "spclust")
    for files in (METHOD, FORMAT, FIGURE, ANALYSIS, COHORT, STAGE, STUDY):
        for name, text in files.items():
            path = project.folder / name
            assert not path.exists(), f"{name} would be edited, not added"
            path.write_text(text.lstrip("\n"))
    stages = project.folder / LIBRARY / "plan/stages.yaml"
    before, after = stages.read_text().split("\ngraphs:\n")
    stages.write_text(f"{before}\n{ENTRY.lstrip()}\ngraphs:\n{after}")
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=150)
    x = np.exp(rng.normal(size=(150, 6)) * 0.4 + 2 * np.eye(6)[kind] + 1)
    cells = pd.DataFrame(x, columns=[f"protein_{i}" for i in range(6)]).assign(
        cell=[f"c{i}" for i in range(150)],
        x=rng.uniform(0, 99, 150),
        y=rng.uniform(0, 99, 150),
        cell_type=kind,
    )
    cells.to_json(project.folder / "mine.jsonl", orient="records", lines=True)
    runs = "results/mine/preprocess-default/seed-1"
    done = project.snakemake(
        "metrics",
        *(f"{runs}/{run}/figures" for run in RUNS),
        f"{runs}/method-kmeans/export",
        "results/summary/around.tsv",
        "results/summary/largest",
        "--keep-going",
        configfile="config/studies/mine.yaml",
    )
    assert done.code == 0, done.text
    return project


def test_the_method_and_its_settings_run(extended):
    folder = extended.path("mine/preprocess-default/seed-1/method-minibatch")
    assert set(pd.read_csv(folder / "clusters.csv")["cluster"]) == {0, 1, 2}
    assert (folder / "extras/steps.csv").exists()


def test_the_format_is_recognised(extended):
    labels = pd.read_csv(extended.path("mine/labels.csv"))
    assert len(labels) == 150 and labels["scored"].all()


def test_the_figure_is_drawn_for_runs_that_have_what_it_needs(extended):
    drawn = {path.parent.parent.name for path in extended.folder.glob("results/**/sizes.png")}
    assert drawn == {"method-minibatch", "method-small"}


def test_the_analysis_runs_is_drawn_exported_and_summarised(extended):
    folder = extended.path("mine/preprocess-default/seed-1/method-kmeans")
    niches = pd.read_csv(folder / "around/cells.csv")["niche"]
    assert len(niches) == 150 and set(niches) == {0, 1, 2}
    assert (folder / "figures/around.png").exists()
    cells = anndata.read_h5ad(folder / "export/clustered.h5ad")
    assert cells.obs["kmeans_around_niche"].tolist() == niches.tolist()
    summary = pd.read_csv(extended.path("summary/around.tsv"), sep="\t")
    assert set(summary["run"]) == {"minibatch", "smoothed", "kmeans"}
    assert list(summary.columns[-3:]) == ["niche", "cluster", "share"]


def test_the_stage_lies_in_the_path_of_its_run_and_changes_it(extended):
    folder = extended.path("mine/preprocess-default/seed-1/smooth-default/method-small")
    assert (folder / "clusters.csv").exists()
    shown = (extended.folder / "results/logs").rglob("smooth_cells.log")
    assert len(list(shown)) == 1


def test_the_documentation_follows(extended):
    scripts = extended.folder / "workflow_scripts"
    # copies of the project start without results, and so without their page
    shutil.copy(ROOT / "results/README.md", extended.folder / "results")
    subprocess.run([sys.executable, "-m", "spclust.plan.documentation"], cwd=scripts, check=True)
    pages = {path.stem: path.read_text() for path in extended.folder.glob("config/docs/*.md")}
    assert "`smooth.<name>`" in pages["stages"] and "/ `lines` /" in pages["datasets"]
    assert "recipe: minibatch" in pages["methods"]
    assert "| KMeans by mini-batches |" in pages["methods"]
    assert "`analyses.around.<name>`" in pages["analyses"]
    results = (extended.folder / "results/README.md").read_text()
    assert "`results/<run>/around/composition.csv`" in results


def test_the_study_is_one_file(extended):
    study = yaml.safe_load((extended.folder / "config/studies/mine.yaml").read_text())
    table = pd.read_csv(extended.path("summary/metrics.tsv"), sep="\t")
    assert set(table["run"]) == {run["name"] for run in study["runs"]}


def test_an_analysis_over_all_runs_sees_each_with_its_name(extended):
    shares = pd.read_csv(extended.path("summary/largest/largest.csv"))
    assert set(shares["run"]) == {"minibatch", "smoothed", "kmeans"}
    assert shares["share"].between(1 / 3, 1).all()
