"""The project started from elsewhere, and taken over by another workflow's module."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
import yaml
from places import ROOT
from workflow import Project, changed, snakemake

SNAKEFILE = ROOT / "Snakefile"
# what a user writes, all else is the project's default
OWN = {
    "datasets": [{"name": "mine", "path": "cells.csv", "n_clusters": 3, "min_label_size": 5}],
    "knowledge": {"proteins": ["shipped", "proteins.csv"]},
    "seeds": [1],
    "runs": [{"name": "kmeans"}],
    "device": "cpu",
}


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with a table of cells, own knowledge and a configuration of a few lines."""
    cells = [
        f"c{i},{i % 12},{i // 12},{1 + i % 3},{1 + i % 5},{1 + i % 7},t{i % 3}" for i in range(120)
    ]
    (tmp_path / "cells.csv").write_text("\n".join(["cell,X,Y,CD3,CD20,CD68,cell_type", *cells]))
    (tmp_path / "proteins.csv").write_text("name,aliases,role,note,source\nCD3E,CD3,lineage,,\n")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(OWN))
    return tmp_path


def module(folder, *lines, config=OWN, rules="use rule * from spclust", snakefile=None):
    """A workflow that takes the project over, as the catalogue's tool writes it."""
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))
    head = [f"snakefile: {snakefile or repr(str(SNAKEFILE))}", "config: config", *lines]
    text = 'configfile: "config/config.yaml"\n\nmodule spclust:\n'
    (folder / "Snakefile").write_text(
        text + textwrap.indent("\n".join(head), "    ") + f"\n\n{rules}\n"
    )


def test_paths_are_the_users_and_defaults_the_projects(elsewhere):
    asked = ["-n", "--configfile", elsewhere / "mine.yaml"]
    snakefile = os.path.relpath(SNAKEFILE, elsewhere)
    project = Project(elsewhere / "spclust")
    for done in (
        snakemake(elsewhere, *asked, "--snakefile", snakefile),
        snakemake(project.folder, *asked, "--directory", elsewhere),
    ):
        assert done.code == 0, done.text
        assert done.jobs["import_cells"] == done.jobs["cluster_cells"] == 1
    # one that is not there is sought below the folder where it runs
    (elsewhere / "cells.csv").unlink()
    done = snakemake(project.folder, *asked, "--directory", elsewhere)
    assert done.code != 0 and f"relative to {elsewhere}" in done.text, done.text


def test_a_shipped_study_finds_its_slices_and_kept_values_from_elsewhere(tmp_path):
    asked = ["comparison", "--configfile", ROOT / "config/studies/comparison_small.yaml"]
    done = snakemake(tmp_path, "-n", "--snakefile", SNAKEFILE, *asked)
    assert done.code == 0, done.text
    # all its runs are kept
    assert set(done.jobs) == {"comparison", "compare_methods", "plot_comparison"}


def test_a_folder_with_a_configuration_of_its_own_is_run_by_it(elsewhere):
    (elsewhere / "config").mkdir()
    (elsewhere / "mine.yaml").rename(elsewhere / "config/config.yaml")
    done = snakemake(elsewhere, "-n", "--snakefile", SNAKEFILE)
    assert done.code == 0, done.text
    assert done.jobs["import_cells"] == done.jobs["cluster_cells"] == 1


def test_a_module_plans_the_same_jobs_and_leaves_the_importers_configuration_alone(elsewhere):
    rules = "use rule * from spclust\nprint('seen', sorted(config))"
    module(elsewhere, rules=rules)
    done, alone = snakemake(elsewhere, "-n"), snakemake(elsewhere, "-n", "--snakefile", SNAKEFILE)
    assert done.code == alone.code == 0, done.text
    assert done.jobs == alone.jobs
    assert f"seen {sorted(OWN)}" in done.text


@pytest.mark.slow
def test_a_module_below_a_prefix_runs_to_its_end(elsewhere):
    shutil.copy(elsewhere / "cells.csv", elsewhere / "other.csv")
    other = {"name": "other", "path": "other.csv", "n_clusters": 3, "min_label_size": 5}
    transfer = {"model": "kmeans", "to": ["other"]}
    config = changed(OWN, datasets=[*OWN["datasets"], other], transfer=transfer)
    config["runs"] = [{"name": "kmeans", "datasets": ["mine"]}]
    module(
        elsewhere, "prefix: 'below'", config=config, rules="use rule * from spclust as spclust_*"
    )
    done = snakemake(elsewhere)
    assert done.code == 0, done.text
    mean = pd.read_csv(elsewhere / "below/results/summary/metrics_mean.tsv", sep="\t")
    assert set(mean["dataset"]) == {"mine"}
    transfers = pd.read_csv(elsewhere / "below/results/summary/transfers.tsv", sep="\t")
    assert transfers["dataset"].to_list() == ["other"] and transfers["ARI"].notna().all()
    assert not (elsewhere / "results").exists()
    # what it would do now is nothing
    assert "Nothing to be done" in snakemake(elsewhere).text
    refused = snakemake(elsewhere, "-n", "spclust_comparison")
    assert refused.code != 0 and "know no `prefix`" in refused.text, refused.text


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_a_module_that_is_not_on_this_machine_is_refused_with_a_remedy(elsewhere):
    repository = elsewhere / "repository"
    repository.mkdir()
    shutil.copy(SNAKEFILE, repository)
    as_one = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "Snakefile"], [*as_one, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    at = f"gitfile({str(repository)!r}, path='Snakefile', commit='HEAD')"
    module(elsewhere, snakefile=at)
    done = snakemake(elsewhere, "-n")
    assert done.code != 0
    (line,) = [line for line in done.text.splitlines() if "spClust runs from files" in line]
    assert "git clone" in line and 'snakefile: "spclust/Snakefile"' in line


def test_a_python_below_a_path_with_blanks_is_refused_with_a_remedy(tmp_path):
    python = tmp_path / "a b" / "python"
    python.parent.mkdir()
    python.symlink_to(Path(sys.executable).resolve())
    packages = os.pathsep.join(path for path in sys.path if "site-packages" in path)
    done = subprocess.run(
        [python, "-m", "snakemake", "-n", "--cores", "1", "--snakefile", SNAKEFILE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": packages},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    (line,) = [line for line in done.stdout.splitlines() if "no job can be started" in line]
    assert str(python) in line and line.endswith("make clean demo")


@pytest.mark.slow
def test_until_goes_past_a_rule_to_others_that_need_it(tmp_path):
    project = Project(tmp_path / "spclust")
    done = project.snakemake("--until", "import_cells", "preprocess_cells", "choose_n_clusters")
    assert done.code == 0, done.text
    there = {path.name for path in project.folder.glob("results/tiny/preprocess-default/*")}
    assert there == {"cells.h5mu", "n_clusters.json"}
