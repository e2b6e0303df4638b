"""No job that clusters, or says what cells are, is given the reference labels."""

import re

import pytest
from workflow import TINY, Project, changed

pytestmark = pytest.mark.slow

# what scores, shows or hands back; `truth` is the control that is made of them
MAY_READ = {"metrics", "annotation", "export", "figures", "truth"}
RUNS = ["consensus", "spclust_vote", "spclust", "leiden", "kmeans", "ward", "random", "truth"]
# nothing is there yet, so that every input is one that another job makes
JOB = re.compile(
    r"^Reason: Missing output files: (.*?); Input files updated by another job: (.*)$", re.M
)


def readers_of_labels(text):
    """What is made by each planned job that reads labels; of clusters, the method."""
    found = set()
    for outputs, inputs in JOB.findall(text):
        if "/labels.csv" in inputs:
            made = outputs.split(", ")[0]
            method = (
                re.search(r"/method-(\w+)/[\w.]+$", outputs) if "clusters.csv" in outputs else None
            )
            found.add(method[1] if method else made.rpartition("/")[2])
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project") / "spclust")


def planned(project, **changes):
    config = changed(TINY, runs=[{"name": name} for name in RUNS])
    tissue = {k: v for k, v in TINY["datasets"][0].items() if k != "n_clusters"}
    project.configure(config | {"datasets": [tissue]} | changes)
    done = project.snakemake("-n")
    assert done.code == 0, done.text
    # every run is there
    assert all(f"method-{name}/" in done.text for name in RUNS)
    return done.text


def test_what_reads_labels_only_scores_shows_or_hands_them_back(project):
    text = planned(project, n_clusters="auto")
    assert readers_of_labels(text) == MAY_READ
    made = {path.rpartition("/")[2] for found, _ in JOB.findall(text) for path in found.split(", ")}
    assert {"n_clusters.json", "votes.npz", "types", "names", "markers"} <= made


def test_their_number_is_all_that_clustering_is_told_and_only_where_asked_for(project):
    text = planned(project, n_clusters="from_labels")
    assert readers_of_labels(text) == MAY_READ | {"n_clusters.json"}
