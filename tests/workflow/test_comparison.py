"""The command `comparison`: all runs, a slice that is not here, a method that fails."""

import shutil

import pandas as pd
import pytest
from workflow import TINY, Project, changed

from spclust.comparison.files import KEPT

pytestmark = pytest.mark.slow

SIMULATED = changed(TINY["datasets"][0], simulate={"n_cells": 200})
SLICES = [
    SIMULATED,
    changed(SIMULATED, name="other", simulate={"seed": 1}, label_origin="a simulation"),
    {"name": "gone", "path": "by_hand/gone.h5ad", "n_clusters": "from_labels"},
]
SMALL = changed(TINY, datasets=SLICES, runs=[{"name": "random"}, {"name": "kmeans"}])


def test_what_fails_and_what_is_not_here_leaves_empty_cells(tmp_path):
    project = Project(tmp_path / "spclust", SMALL)
    planned = project.snakemake("-n", "comparison")
    assert planned.jobs["cluster_cells"] == planned.jobs["metrics"] == 4, planned.text
    assert planned.jobs["compare_methods"] == planned.jobs["plot_comparison"] == 1
    assert not {"plot_run", "markers"} & set(planned.jobs)

    kmeans = project.folder / "workflow_scripts/spclust/methods/kmeans.py"
    whole = kmeans.read_text()
    kmeans.write_text(whole.replace("def cluster(", "def no_cluster("))
    done = project.snakemake("comparison", "--keep-going")
    assert done.code != 0 and not (project.folder / "results/comparison").exists()
    done = project.snakemake("results/comparison_so_far/scores.md")
    assert done.code == 0 and done.jobs.keys() == {"compare_methods"}, done.text
    page = (project.folder / "results/comparison_so_far/scores.md").read_text()
    assert "No result of kmeans on tiny (seed 1)." in page
    assert "No data for gone: there is no by_hand/gone.h5ad." in page
    assert "| other | cell types | a simulation | other | cell types | yes |" in page
    assert (project.folder / "results/comparison_so_far/differences.md").exists()

    # mended, only what failed runs again
    kmeans.write_text(whole)
    done = project.snakemake("comparison")
    assert done.code == 0 and done.jobs["cluster_cells"] == 2, done.text
    folder = project.folder / "results/comparison"
    scores = pd.read_csv(folder / "scores.tsv", sep="\t")
    assert scores.groupby("dataset")["seeds"].unique().map(list).to_dict() == {
        "gone": [0],
        "other": [1],
        "tiny": [1],
    }
    figures = {path.stem for path in folder.glob("figures/*.png")}
    assert figures >= {"scores_cell_types", "costs"}

    # kept values stand in for runs whose results are gone; of a part nothing else is asked for
    shutil.move(folder, project.folder / "kept")
    shutil.rmtree(project.folder / "results")
    parts = {"first": {"runs": ["random"], "hours": 0.1}, "last": {"runs": ["kmeans"]}}
    more = changed(SMALL, seeds=[1, 2], comparison={"parts": parts}, kept="kept")
    project.configure(more)
    planned = project.snakemake("-n", "comparison", "--config", "part=first")
    assert planned.jobs["cluster_cells"] == 2 and planned.jobs["compare_methods"] == 1, planned.text
    project.configure(changed(more, seeds=[1]))
    done = project.snakemake("results/comparison/summary.md", "--config", "part=first")
    assert done.code == 0 and done.jobs.keys() == {"compare_methods"}, done.text
    again = pd.read_csv(folder / "scores.tsv", sep="\t")
    pd.testing.assert_frame_equal(again, scores)
    page = (folder / "summary.md").read_text()
    assert "| `first` | random | all | 2 of 3 | 0.1 |" in " ".join(page.split())

    # a study takes them too, and leaves values of its own that another may take
    rows = {"random": "chance", "kmeans": "KMeans"}
    made = {"name": "made", "parts": [{"axis": "method", "rows": rows}]}
    project.configure(changed(SMALL, study=made, kept="kept", datasets=SLICES[:2]))
    done = project.snakemake("study")
    assert done.code == 0 and done.jobs.keys() == {"tabulate_study", "plot_study", "study"}
    shown = pd.read_csv(project.folder / "results/studies/made/table.tsv", sep="\t")
    of_scores = scores.set_index(["dataset", "run", "metric"])["mean"].rename("compared")
    both = shown.join(of_scores, on=["dataset", "run", "metric"])
    assert len(both) == 16 and both["compared"].notna().all()
    assert both["mean"].tolist() == both["compared"].tolist()
    shutil.move(project.folder / "results/studies", project.folder / "kept/of_a_study")
    for name in KEPT:
        (project.folder / "kept" / name).unlink()
    project.configure(changed(SMALL, study=made, kept="kept", seeds=[1, 2], datasets=SLICES[:2]))
    done = project.snakemake("study_so_far")
    assert done.code == 0 and "cluster_cells" not in done.jobs, done.text
    page = (project.folder / "results/studies_so_far/made/table.md").read_text()
    assert "over the seeds 1. So far 4 of 8 runs are there." in page
    assert project.snakemake("-n", "study").jobs["cluster_cells"] == 4
