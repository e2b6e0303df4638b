"""Running the workflow from tests: a private copy of the project and what a run said."""

import atexit
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from places import MEASURED, ROOT

# a tissue and a training that take seconds
TINY = {
    "datasets": [
        {
            "name": "tiny",
            "simulate": {"n_cells": 240, "n_proteins": 12, "n_images": 2},
            "n_clusters": "from_labels",
            "min_label_size": 5,
        }
    ],
    "seeds": [1],
    "runs": [{"name": "spclust"}, {"name": "kmeans"}],
    "method": {"spclust": {"pretrain_epochs": 3, "epochs": 10, "hidden_dims": [16, 8]}},
    # UMAP compiles for half a minute in every process
    "pseudolabels": {"default": {"method": "kmeans"}},
    "graphs": {"default": {"expression_space": "pca"}},
    "device": "cpu",
    # what is made on request
    "analyses": dict.fromkeys(["composition", "neighbours", "niches", "states"], True),
}
# where its spClust run lies below results
SPCLUST = (
    "tiny/preprocess-default/seed-1/pseudolabels-default/oversample-default/graphs-default/"
    "method-spclust"
)


@cache
def publish_script():
    """The script of the kept tables and pages, which lies in no package, as a module."""
    spec = importlib.util.spec_from_file_location("publish", MEASURED / "comparison/publish.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imported():
    """The process that runs all commands of a session of tests."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forked.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.kill)
    return process


@dataclass
class Finished:
    code: int
    text: str

    @property
    def jobs(self):
        """Rule to number of jobs in the job statistics, without the target rule.

        Those of analyses, which share a rule, by the name of the analysis.
        """
        counts = {}
        for block in re.findall(r"^Job stats:\n(.*?)^total", self.text, re.M | re.S):
            found = re.findall(r"^(\w+) +(\d+)$", block, re.M)
            counts = {rule: int(n) for rule, n in found if rule != "all"}
        if any(rule.startswith("analyse_") for rule in counts):
            said = Counter(re.findall(r"^Job \d+: ([a-z]\S*) of ", self.text, re.M))
            counts = {rule: n for rule, n in counts.items() if not rule.startswith("analyse_")}
            counts |= said
        return counts


def snakemake(folder, *arguments):
    """Run Snakemake in a folder, in a process where it is imported already (``forked.py``)."""
    said = Path(folder, ".said.txt")
    command = ["--cores", "2", *map(str, arguments)]
    asked = {"arguments": command, "folder": str(folder), "output": str(said)}
    process = imported()
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    return Finished(int(process.stdout.readline()), said.read_text())


class Project:
    """A copy of the project that a test may run, edit and break."""

    def __init__(self, folder, config=TINY):
        self.folder = Path(folder)
        ignored = shutil.ignore_patterns(
            ".git", ".venv", ".snakemake", "results", "resources", "__pycache__", ".*_cache"
        )
        shutil.copytree(ROOT, self.folder, ignore=ignored, dirs_exist_ok=True)
        self.configure(config)

    def configure(self, config):
        (self.folder / "test.yaml").write_text(yaml.safe_dump(config))

    def snakemake(self, *arguments, configfile="test.yaml"):
        """Run the copy with a configuration."""
        return snakemake(self.folder, *arguments, "--configfile", configfile)

    def planned(self):
        """Jobs that a run would do now."""
        done = self.snakemake("-n")
        assert done.code == 0, done.text
        return done.jobs

    def path(self, pattern):
        """The one file or folder of the results that matches."""
        (found,) = self.folder.glob(f"results/{pattern}")
        return found


def changed(config, **changes):
    """A copy of a configuration with keys replaced, mappings merged."""
    out = dict(config)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = changed(out[key], **value) if both else value
    return out
