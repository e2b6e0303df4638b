"""The Slurm profile as shipped, on a Slurm where there is one."""

import importlib.util
import shutil
import subprocess
import sys
import time

import pytest
import yaml
from workflow import TINY, Project

TARGET = "results/tiny/preprocess-default/seed-1/method-kmeans/clusters.csv"


def no_slurm():
    """Why this cannot run here, or an empty text."""
    if shutil.which("sbatch") is None:
        return "there is no sbatch on this machine"
    if subprocess.run(["sinfo"], capture_output=True).returncode:
        return "sbatch is here, and no Slurm answers"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "snakemake-executor-plugin-slurm is not installed"
    return ""


def names_of_jobs():
    """Job id to the comment in which the plugin names the rule, of jobs that run."""
    asked = ["squeue", "--me", "-h", "-t", "R", "-o", "%i %k"]
    lines = subprocess.run(asked, capture_output=True, text=True).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines)


@pytest.fixture
def project(tmp_path):
    if no_slurm():
        pytest.skip(no_slurm())
    return Project(tmp_path / "spclust")


def command(project, *more):
    return [sys.executable, "-m", "snakemake", "--workflow-profile", "config/profiles/slurm",
            "--configfile", "test.yaml", "--latency-wait", "10", TARGET, *more]  # fmt: skip


@pytest.mark.slow
def test_all_jobs_and_a_cancelled_one_tried_again(project):
    process = subprocess.Popen(
        command(project, "--default-resources", "mem_mb=1000", "runtime=10"),
        cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    cancelled, until = None, time.monotonic() + 240
    while cancelled is None and process.poll() is None and time.monotonic() < until:
        cancelled = next((i for i, k in names_of_jobs().items() if "import_cells" in k), None)
        time.sleep(0.3)
    if cancelled:
        subprocess.run(["scancel", cancelled], check=True)
    try:
        text = process.communicate(timeout=400)[0]
    finally:
        process.kill()
    assert cancelled and process.returncode == 0, text
    assert "Trying to restart job" in text and (project.folder / TARGET).exists(), text


@pytest.mark.slow
def test_bad_input_is_named_on_the_terminal(project):
    (project.folder / "a.csv").write_text(
        "CellID,X,Y,CD3,CD20\n1,1,1,high,1\n2,2,2,2,2\n3,3,3,3,3\n"
    )
    dataset = {"name": "tiny", "path": "a.csv", "n_clusters": 2}
    (project.folder / "test.yaml").write_text(yaml.safe_dump(TINY | {"datasets": [dataset]}))
    done = subprocess.run(
        command(project, "--retries", "0"), cwd=project.folder, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "a.csv, line 2, column 'CD3': 'high' is no finite number" in text, text
