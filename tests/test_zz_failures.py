"""What a person sees when something is wrong: one line, exit code not 0, nothing half-written."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import anndata
import numpy as np
import pytest
from workflow import SPCLUST, TINY, Project, changed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("failing") / "spclust")


def slice_of(project, name, x, spatial=None, **obs):
    cells = anndata.AnnData(np.asarray(x, dtype=np.float32))
    cells.obs_names = [f"c{i}" for i in range(len(x))]
    rng = np.random.default_rng(0)
    cells.obsm["spatial"] = rng.random((len(x), 2)) if spatial is None else np.asarray(spatial)
    for key, values in obs.items():
        cells.obs[key] = values
    cells.write_h5ad(project.folder / f"{name}.h5ad")
    return {"name": name, "path": f"{name}.h5ad", "n_clusters": 2}


def run(project, dataset, target, **changes):
    project.configure(changed(TINY, datasets=[dataset], **changes))
    return project.snakemake(f"results/{dataset['name']}/{target}")


def test_a_wrong_configuration_dies_before_any_job(project):
    project.configure(changed(TINY, sedes=[1]))
    done = project.snakemake()
    assert done.code != 0 and "unknown key 'sedes'; write  seeds: [1]" in done.text
    assert not done.jobs


def test_a_missing_file_is_named_before_any_job(project):
    done = run(project, {"name": "gone", "path": "nowhere.csv"}, "cells.h5mu")
    assert done.code != 0 and "nowhere.csv" in done.text


CASES = {
    "negative": ([[1, -2], [3, 4]] * 10, "preprocess-default/cells.h5mu", r"normalisation: none"),
    "zeros": ([[0, 0], [3, 4]] * 10, "preprocess-default/cells.h5mu", r"every protein is zero"),
    "constant": ([[2, 2]] * 20, "preprocess-default/cells.h5mu", r"nothing to cluster by"),
    "nan": ([[1, np.nan], [3, 4]] * 10, "cells.h5mu", r"c0"),
    "single": ([[1, 2]], "preprocess-default/cells.h5mu", r"1 cell|at least 2"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_proteins_end_in_one_line_and_no_output(project, case):
    x, target, message = CASES[case]
    done = run(project, slice_of(project, case, x), target)
    (line,) = [text for text in done.text.splitlines() if text.startswith("ERROR in")]
    assert done.code != 0
    import re

    assert re.search(message, done.text.split("ERROR in", 1)[1]), done.text
    assert line and not (project.folder / f"results/{case}" / target).exists()
    assert not list((project.folder / "results" / case).rglob(".part-*"))


def test_more_clusters_than_cells(project):
    dataset = slice_of(project, "few", np.random.default_rng(0).random((6, 3)) + 1)
    done = run(project, dataset | {"n_clusters": 9}, "preprocess-default/n_clusters.json")
    assert done.code != 0 and "9 clusters were asked of 6 cells" in done.text


def test_labels_where_there_are_none(project):
    dataset = slice_of(project, "bare", np.random.default_rng(0).random((20, 3)) + 1)
    done = run(
        project, dataset | {"n_clusters": "from_labels"}, "preprocess-default/n_clusters.json"
    )
    assert done.code != 0 and "`label`" in done.text and "auto" in done.text


def test_a_slice_smaller_than_its_neighbourhoods_runs(project):
    """Twelve cells, one image of three: fewer than neighbours everywhere, and no labels."""
    rng = np.random.default_rng(0)
    x = rng.random((12, 5)) + 5 * np.eye(5)[np.arange(12) % 2]
    dataset = slice_of(project, "small", x, sample=["a"] * 9 + ["b"] * 3)
    project.configure(changed(TINY, datasets=[dataset | {"image": "sample"}]))
    done = project.snakemake()
    assert done.code == 0, done.text
    assert "images have at most 15 cells, the smallest 3" in done.text


def test_a_killed_training_leaves_its_checkpoint_and_goes_on_from_there(project):
    config = changed(TINY, method={"spclust": {"epochs": 800}})
    project.configure(config)
    target = f"results/{SPCLUST}"
    command = [sys.executable, "-m", "snakemake", f"{target}/clusters.csv"]
    command += ["--cores", "2", "--configfile", "test.yaml"]
    logs = target.replace("results", "results/logs", 1)
    log = project.folder / logs / "cluster_cells.log"
    folder = project.folder / target
    checkpoint = folder / ".checkpoint.pt"
    # a group of its own, to interrupt snakemake and its job together as a terminal does
    process = subprocess.Popen(
        command,
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 600
    while not checkpoint.exists() and time.monotonic() < until:
        time.sleep(0.05)
    try:
        assert checkpoint.exists(), "training did not start"
        os.killpg(process.pid, signal.SIGINT)
        process.wait(120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert list(folder.iterdir()) == [checkpoint] and process.returncode != 0
    assert "interrupted by SIGINT" in log.read_text()
    done = project.snakemake("--rerun-incomplete", f"{target}/clusters.csv")
    assert done.code == 0, done.text
    assert done.jobs.keys() == {"cluster_cells"} and "going on after train epoch" in log.read_text()
    assert (
        not checkpoint.exists() and len((folder / "extras/history.csv").read_text().split()) == 804
    )
