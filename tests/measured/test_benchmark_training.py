"""The benchmark of training runs, and its plain formulation is the same objective."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).parent / "benchmarks/training.py"

pytestmark = pytest.mark.slow


def table(tmp_path, name, *options):
    command = [sys.executable, str(SCRIPT), name, "--device", "cpu", "--threads", "1"]
    command += ["--repeats", "1", "--output", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(tmp_path / f"training_{name}.tsv", sep="\t")


def test_the_plain_formulation_has_the_same_loss(tmp_path):
    rows = table(tmp_path, "plain", "--cells", "300").set_index("mode")
    assert rows.loc["exact", "loss"] == pytest.approx(rows.loc["plain", "loss"], rel=1e-5)
    assert (rows[["epoch_s", "memory_mb"]] > 0).all().all()


def test_whole_trainings_run_in_both_modes(tmp_path):
    rows = table(tmp_path, "whole", "--cells", "200", "250", "300", "--epochs", "2")
    assert rows["mode"].tolist() == ["exact", "exact", "stochastic"]
    assert rows["cells"].tolist() == [200, 250, 300] and (rows["seconds"] > 0).all()


def test_any_trained_method_can_be_measured(tmp_path):
    command = [sys.executable, str(SCRIPT.with_name("methods.py")), "--methods", "graphst"]
    command += ["--cells", "100", "200", "--device", "cpu", "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "exponents, graphst" in done.stdout, done.stderr
    rows = pd.read_csv(tmp_path / "methods.tsv", sep="\t")
    assert rows["cells"].tolist() == [100, 200] and (rows["training_s"] > 0).all()
