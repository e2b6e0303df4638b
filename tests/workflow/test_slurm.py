"""The Slurm profile as shipped, on a Slurm where there is one.

``SLURM_IS_FOR_TESTS=1`` allows the test that takes a node down. A Slurm that kills for memory
without cgroups has ``JobAcctGatherType=jobacct_gather/linux``, ``JobAcctGatherFrequency=2`` and
``JobAcctGatherParams=OverMemoryKill`` in its slurm.conf.
"""

import contextlib
import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
import yaml
from workflow import SPCLUST, TINY, Project, changed

pytestmark = pytest.mark.slow

KMEANS = "results/tiny/preprocess-default/seed-1/method-kmeans/clusters.csv"


def asked(*command):
    """What a command of Slurm answers."""
    return subprocess.run(command, capture_output=True, text=True).stdout


@functools.cache
def no_slurm():
    """Why this cannot run here, or an empty text."""
    if shutil.which("sbatch") is None:
        return "there is no sbatch on this machine"
    try:  # a client without its controller tries for minutes
        subprocess.run(["sinfo"], capture_output=True, check=True, timeout=10)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return "sbatch is here, and no Slurm answers"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "snakemake-executor-plugin-slurm is not installed"
    return ""


@pytest.fixture
def project(tmp_path):
    if no_slurm():
        pytest.skip(no_slurm())
    return Project(tmp_path / "spclust")


@contextlib.contextmanager
def started(project, target):
    """Snakemake with the shipped profile, on nodes of two cores, asking oftener after jobs."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "snakemake",
            "--workflow-profile",
            "config/profiles/slurm",
            "--configfile",
            "test.yaml",
            "--default-resources",
            "mem_mb=1000",
            "runtime=10",
            "--latency-wait",
            "10",
            "--slurm-init-seconds-before-status-checks",
            "3",
            "--set-threads",
            "cluster_cells=2",
            "--",
            target,
        ],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def running(process, rule):
    """Job id and node of the first job of a rule that runs."""
    until = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < until:
        # the plugin names the rule in the comment
        for line in asked("squeue", "--me", "-h", "-t", "R", "-o", "%i %N %k").splitlines():
            if rule in line:
                return line.split()[:2]
        time.sleep(0.3)
    pytest.fail(f"no job of {rule} has run: {process.stdout.read()}")


def edit_card(project, method, **asked):
    """Give the card of a method other limits."""
    path = project.folder / f"workflow_scripts/spclust/methods/{method}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | asked))


def test_a_cancelled_job_is_tried_again(project):
    with started(project, KMEANS) as process:
        subprocess.run(["scancel", running(process, "import_cells")[0]], check=True)
        text = process.communicate(timeout=400)[0]
    assert process.returncode == 0 and (project.folder / KMEANS).exists(), text
    assert text.count("Trying to restart job") == 1, text


def test_bad_input_is_named_last_on_the_terminal_and_not_tried_again(project):
    (project.folder / "a.csv").write_text(
        "CellID,X,Y,CD3,CD20\n1,1,1,high,1\n2,2,2,2,2\n3,3,3,3,3\n"
    )
    dataset = {"name": "tiny", "path": "a.csv", "n_clusters": 2}
    project.configure(TINY | {"datasets": [dataset]})
    with started(project, KMEANS) as process:
        text = process.communicate(timeout=300)[0]
    assert process.returncode != 0 and "Trying to restart job" not in text, text
    failure, end = text.split("Error in rule import_cells")[1].split("What failed (1")
    assert len(failure.splitlines()) < 15 and len(end.splitlines()) < 15, text
    assert "a.csv, line 2, column 'CD3': 'high' is not a finite number" in end, text


def test_a_job_out_of_memory_is_tried_with_twice_as_much(project):
    limits = asked("scontrol", "show", "config")
    if "OverMemoryKill" not in limits and "task/cgroup" not in limits:
        pytest.skip("this Slurm does not limit memory")
    # Snakemake in the job and in its step and what clusters take 500 to 700 MB together
    edit_card(project, "kmeans", memory_mb={"base": 400, "per_input_mb": 0}, runtime=10)
    assert project.snakemake("results/tiny/preprocess-default/n_clusters.json").code == 0
    with started(project, KMEANS) as process:
        first, _ = running(process, "cluster_cells")
        assert "mem=400M" in asked("scontrol", "show", "job", first)
        text = process.communicate(timeout=400)[0]
    assert process.returncode == 0 and (project.folder / KMEANS).exists(), text
    assert text.count("Trying to restart job") == 1, text


def test_a_training_that_ran_out_of_time_goes_on_from_its_checkpoint(project):
    edit_card(project, "spclust", runtime=1)
    # more than a minute's on any machine; the test does not wait for the end
    project.configure(changed(TINY, method={"spclust": {"epochs": 100_000}}))
    target = f"results/{SPCLUST}/clusters.csv"
    assert project.snakemake("--omit-from", "cluster_cells", target).code == 0
    log = project.folder / f"results/logs/{SPCLUST}/cluster_cells.log"
    with started(project, target) as process:
        first, _ = running(process, "cluster_cells")
        until = time.monotonic() + 400
        while "going on after" not in (log.read_text() if log.exists() else ""):
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(1)
        second, _ = running(process, "cluster_cells")
        limit = asked("squeue", "-h", "-j", second, "-o", "%l").strip()
        subprocess.run(["scancel", second], check=True)
    assert second != first and limit == "2:00"
    assert int(re.search(r"going on after train epoch (\d+)", log.read_text())[1]) > 0


def test_a_job_whose_node_goes_down_runs_on_another(project):
    if os.environ.get("SLURM_IS_FOR_TESTS") != "1":
        pytest.skip("SLURM_IS_FOR_TESTS=1 allows to take a node of this Slurm down")
    if len(set(asked("sinfo", "-h", "-N", "-t", "idle,mixed", "-o", "%N").split())) < 2:
        pytest.skip("this Slurm has one node")
    with started(project, KMEANS) as process:
        first, node = running(process, "import_cells")
        down = ["scontrol", "update", f"nodename={node}", "state=down", "reason=test"]
        try:
            subprocess.run(down, check=True)
            text = process.communicate(timeout=400)[0]
        finally:
            subprocess.run([*down[:3], "state=resume"], capture_output=True)  # it may be back
    assert process.returncode == 0 and (project.folder / KMEANS).exists(), text
