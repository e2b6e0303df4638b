"""What the trained methods cost as slices grow: time and memory of each, by their cards.

    python tests/measured/benchmarks/methods.py --methods spotscape scrcl --cells 1000 10000

Simulated cells with types at random places, in as many slices as asked for. Each case is a process
of its own with its own peak memory. A few epochs are timed, the first of each phase left out; a
whole training is their mean times the card's epochs, beside what the rest took (graphs not among
it). On the CPU times are the process's own, whatever else the machine does. Prints a table with
fitted exponents and writes it as TSV to results/benchmarks/methods.tsv.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from training import N_CLUSTERS, ROOT, exponent, slice_of

from spclust.engine import logs
from spclust.methods.running import cluster
from spclust.methods.task import Machine
from spclust.nn import checkpoints
from spclust.plan import cards
from spclust.plan.stages import STAGES
from spclust.stages import graphs

CARDS = cards.load()
EPOCHS = 6


def cells_of(n, n_slices, n_features):
    """Simulated cells; more features than the 21 simulated are noise."""
    cells = slice_of(n, None, 0)[0]
    rng, x = np.random.default_rng(1), cells.matrix
    more = rng.normal(size=(n, max(n_features - x.shape[1], 0))).astype(np.float32)
    x = np.hstack([x, more])[:, :n_features]
    names = np.array([f"p{i}" for i in range(n_features)], dtype=object)
    slices = np.array([f"slice_{i % n_slices}" for i in range(n)], dtype=object)
    return replace(
        cells, features={"protein": x}, names={"protein": names}, image=slices, slice=slices
    )


def case(method, n, slices, features, device, threads):
    """A row of the table."""
    cells, card, built = cells_of(n, slices, features), CARDS[method], None
    clock = time.process_time if device == "cpu" else time.perf_counter
    started = clock()
    if "graphs" in card.needs:
        own = STAGES["graphs"].defaults | card.stages.get("graphs", {})
        built = graphs.build(cells, 0, **own)
    row = {"method": method, "cells": n, "features": features, "slices": slices}
    row["graphs_s"] = clock() - started
    few = {k: EPOCHS for k in card.defaults if k in ("epochs", "pretrain_epochs")}
    before, phases = logs.peak_memory(), []
    checkpoints.progress = timed(checkpoints.progress, phases, clock)
    started, settings = clock(), {"recipe": method, **card.defaults, **few}
    cluster(cells, N_CLUSTERS, 0, settings, "", built, Machine(device, threads))
    taken = clock() - started
    row["epoch_s"] = float(np.mean([np.diff(marks)[1:].mean() for marks in phases]))
    row["rest_s"] = taken - sum(marks[-1] - marks[0] for marks in phases)
    row["memory_mb"] = logs.peak_memory() - before
    total = sum(card.defaults[k] for k in few)
    return row | {"epochs": total, "training_s": total * row["epoch_s"] + row["rest_s"]}


def timed(progress, phases, clock):
    """``progress`` that notes when each epoch of a phase begins, and when the last ends."""

    def epochs(*arguments):
        phases.append(marks := [])
        for epoch in progress(*arguments):
            marks.append(clock())
            yield epoch
        marks.append(clock())

    return epochs


def run(**arguments):
    """A case in a process of its own; None where its memory did not last."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answer:
        command = [sys.executable, __file__, "--case", json.dumps(arguments), answer.name]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"{arguments} failed: {done.stderr.strip().splitlines()[-1:]}", flush=True)
            return None
        return json.loads(Path(answer.name).read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    able = sorted(name for name, card in CARDS.items() if card.trains)
    parser.add_argument("--methods", nargs="+", choices=able, default=able)
    parser.add_argument("--cells", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.case:
        given, answer = chosen.case
        Path(answer).write_text(json.dumps(case(**json.loads(given))))
        return
    shared = {k: getattr(chosen, k) for k in ("slices", "features", "device", "threads")}
    rows = [run(method=m, n=n, **shared) for m in chosen.methods for n in chosen.cells]
    table = pd.DataFrame([row for row in rows if row])
    print(table.to_string(index=False, float_format="%.4g"))
    for name, part in table.groupby("method"):
        if len(part) > 1:
            slopes = {
                c: round(exponent(part["cells"], np.maximum(part[c], 1e-6)), 2)
                for c in ("epoch_s", "memory_mb")
            }
            print(f"exponents, {name}: {slopes}")
    chosen.output.mkdir(parents=True, exist_ok=True)
    table.to_csv(chosen.output / "methods.tsv", sep="\t", index=False)


if __name__ == "__main__":
    main()
