"""What a person sees when something is wrong: one line, exit code not 0, nothing half-written."""

import contextlib
import os
import re
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


def test_a_wrong_configuration_dies_before_any_job(project):
    project.configure(changed(TINY, sedes=[1]))
    done = project.snakemake()
    assert done.code != 0 and "unknown key 'sedes'; write  seeds: [1]" in done.text
    assert not done.jobs


def test_a_missing_file_is_named_before_any_job(project):
    project.configure(changed(TINY, datasets=[{"name": "gone", "path": "nowhere.csv"}]))
    done = project.snakemake("results/gone/cells.h5mu")
    assert done.code != 0 and re.search(r"affected files:\s+nowhere.csv", done.text)
    assert done.text.count("dataset gone: there is no nowhere.csv; check its `path`") == 1


CELLS, NUMBER = "preprocess-default/cells.h5mu", "preprocess-default/n_clusters.json"
GOOD = np.random.default_rng(0).random((20, 3)) + 1
# proteins, what the dataset says, the file asked for, what the message must say
CASES = {
    "negative": ([[1, -2], [3, 4]] * 10, {}, CELLS, r"normalisation: none"),
    "zeros": ([[0, 0], [3, 4]] * 10, {}, CELLS, r"every protein is zero"),
    "constant": ([[2, 2]] * 20, {}, CELLS, r"nothing to cluster by"),
    "nan": ([[1, np.nan], [3, 4]] * 10, {}, "cells.h5mu", r"c0"),
    "single": ([[1, 2]], {}, CELLS, r"1 cell|at least 2"),
    "few": (GOOD[:6], {"n_clusters": 9}, NUMBER, r"9 clusters were asked of 6 cells"),
    "bare": (GOOD, {"n_clusters": "from_labels"}, NUMBER, r"`label`.*auto"),
    "broken": (GOOD, {}, "cells.h5mu", r"KeyError: 'not the input'"),
}


@pytest.fixture(scope="module")
def failed(project):
    """What a run said of all cases at once, a second try allowed; one rule is broken itself."""
    datasets = [slice_of(project, name, x) | own for name, (x, own, _, _) in CASES.items()]
    project.configure(changed(TINY, datasets=datasets))
    adapter = project.folder / "workflow_scripts/import_cells.py"
    whole = adapter.read_text()
    adapter.write_text(
        whole.replace(
            "snakemake.rule):\n",
            "snakemake.rule):\n    if 'broken' in snakemake.input[0]:\n"
            "        raise KeyError('not the input')\n",
        )
    )
    targets = [f"results/{name}/{target}" for name, (_, _, target, _) in CASES.items()]
    done = project.snakemake(*targets, "--keep-going", "--retries", "1")
    adapter.write_text(whole)
    return done


@pytest.mark.parametrize("case", CASES)
def test_a_fault_ends_in_one_line_and_no_output(project, failed, case):
    _, _, target, message = CASES[case]
    said, end = failed.text.split("What failed (8; tracebacks are in the logs):")
    blocks = [text for text in end.split("\n\n") if f"log: results/logs/{case}/" in text]
    (block,) = blocks
    assert failed.code != 0 and re.search(message, block, re.S), failed.text
    assert said.count(block.split("  log:")[0]) == (2 if case == "broken" else 1)
    assert not (project.folder / f"results/{case}" / target).exists()
    assert not list((project.folder / f"results/{case}").rglob(".part-*"))
    assert len(list((project.folder / f"results/logs/{case}").rglob("*.failed.json"))) == 1


def test_only_what_was_not_refused_is_tried_again(failed):
    assert failed.text.count("Trying to restart job") == 1


def test_another_snakemake_runs_too_and_it_is_said(project):
    """One that keeps elsewhere how often a job is tried."""
    project.configure(TINY)
    snakefile = project.folder / "Snakefile"
    whole = snakefile.read_text()
    hidden = (
        "from snakemake import jobs\n"
        "del jobs.Job.restart_times\n"
        "jobs.Job.__getattr__ = lambda job, name: getattr(job.rule, name)\n"
    )
    snakefile.write_text(hidden + whole)
    done = project.snakemake("results/tiny/cells.h5mu")
    snakefile.write_text(whole)
    assert done.code == 0, done.text
    assert done.text.count("This version of Snakemake tries refused input again too.") == 1


def test_a_slice_smaller_than_its_neighbourhoods_runs(project):
    """Twelve cells, one image of three: fewer than neighbours everywhere, and no labels."""
    rng = np.random.default_rng(0)
    x = rng.random((12, 5)) + 5 * np.eye(5)[np.arange(12) % 2]
    dataset = slice_of(project, "small", x, sample=["a"] * 9 + ["b"] * 3)
    project.configure(changed(TINY, datasets=[dataset | {"image": "sample"}]))
    runs = "results/small/preprocess-default/seed-1"
    # one UMAP, which compiles for half a minute in every process
    done = project.snakemake(
        "metrics",
        f"{runs}/method-kmeans/figures",
        f"results/{SPCLUST.replace('tiny', 'small')}/names",
    )
    assert done.code == 0, done.text
    assert "images have at most 15 cells, the smallest 3" in done.text


def test_a_killed_training_leaves_its_checkpoint_and_goes_on_from_there(project):
    config = changed(TINY, method={"spclust": {"epochs": 200}})
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
    left = log.with_name("cluster_cells.log.failed.json")
    assert "interrupted by SIGINT" in left.read_text()
    done = project.snakemake("--rerun-incomplete", f"{target}/clusters.csv")
    assert done.code == 0 and not left.exists(), done.text
    assert done.jobs.keys() == {"cluster_cells"} and "going on after train epoch" in log.read_text()
    assert (
        not checkpoint.exists() and len((folder / "extras/history.csv").read_text().split()) == 204
    )
