"""What training costs: against the plain formulation, as slices grow, against the machine.

    python tests/measured/benchmarks/training.py plain  --balanced <balanced cells.h5mu>
    python tests/measured/benchmarks/training.py growth
    python tests/measured/benchmarks/training.py limit
    python tests/measured/benchmarks/training.py whole  --balanced <balanced cells.h5mu>
    python tests/measured/benchmarks/training.py products

Prints a table and writes it as TSV to results/benchmarks/training_<name>.tsv. Every case runs in
a process of its own, so that its peak memory is its own. Needs torch, torch-geometric, numpy,
scipy, scikit-learn, anndata, mudata and scanpy, nothing else of the workflow's packages.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "workflow_scripts"), str(Path(__file__).parent)]

from plain import plain_encoder, plain_terms

from spclust.data.cell_files import read_cells
from spclust.data.cells import Cells
from spclust.data.graphs import Graphs
from spclust.engine import logs
from spclust.methods.running import cluster
from spclust.methods.spclust import losses
from spclust.methods.spclust import spclust as recipe
from spclust.methods.task import Machine, Task
from spclust.neighbours.knn import knn_graph
from spclust.nn import (
    pairwise,
    training,
)
from spclust.nn.batches import Batches
from spclust.nn.checkpoints import Checkpoint
from spclust.nn.gradient_step import descend
from spclust.nn.pairwise import Blocks
from spclust.plan import cards

SETTINGS = cards.load()["spclust"].defaults
N_CLUSTERS = 5


def slice_of(n, balanced, seed):
    """``n`` cells with both graphs: drawn from a balanced slice, or simulated.

    The simulated tissue has types (Gaussian clouds of 21 proteins) at random places; its
    expression space is two-dimensional like the UMAP of the workflow.
    """
    rng = np.random.default_rng(seed)
    if balanced:
        cells = read_cells(balanced, "balanced")
        cells = cells.take(np.sort(rng.permutation(len(cells))[:n]))
        space = cells.matrix[:, :2]
    else:
        kind = rng.integers(N_CLUSTERS, size=n)
        means = 3 * rng.normal(size=(N_CLUSTERS, 21))
        x = means[kind] + rng.normal(size=(n, 21))
        space = (8 * rng.normal(size=(N_CLUSTERS, 2))[kind] + rng.normal(size=(n, 2))).astype("f4")
        cells = Cells(
            ids=np.arange(n).astype(str).astype(object),
            features={"protein": x.astype(np.float32)},
            names={"protein": np.array([f"p{i}" for i in range(21)], dtype=object)},
            coordinates=(rng.random((n, 2)) * np.sqrt(n)).astype(np.float32),
            image=np.full(n, "one", dtype=object),
            slice=np.full(n, "one", dtype=object),
            pseudolabels=kind,
        )
    edges = {
        "expression": knn_graph(space, np.zeros(len(cells)), 15),
        "spatial": knn_graph(cells.coordinates.astype(np.float64), cells.image, 15),
    }
    built = {"n_neighbors": 15, "expression_within": "cohort", "expression_weights": "binary"}
    return cells, Graphs(edges, {"expression": space}, built)


def timed(function, repeats, device):
    """Seconds of the fastest of some calls after one that does not count, and its result."""
    taken = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        result = function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return min(taken[1:]), result


def parts_of_an_epoch(case):
    """Time of an epoch and of each of its parts, the loss, and the memory they took."""
    s = SETTINGS | case.get("settings", {})
    cells, graphs = slice_of(case["n"], case["balanced"], 0)
    # embeddings, and with them the logits, of the size that training has to do with
    warm_up = s | {"pretrain_epochs": 20}
    machine = Machine(case["device"], case["threads"])
    task = Task(cells, N_CLUSTERS, 0, warm_up, "spclust", graphs, machine)
    device, blocks = training.start(task), Blocks()
    model = recipe.model_of(task).to(device)
    before = logs.peak_memory()
    batched = case["mode"] == "stochastic"
    sizes = (s["batch_cells"], s["anchors"]) if batched else ()
    data = Batches(cells, graphs, device, 0, *sizes)
    labels = cells.pseudolabels % N_CLUSTERS
    recipe.pretrain(model, data, task, [], Checkpoint(None, "", ["pretrain"], 1), blocks)
    labels = recipe.warm_start(model, data, labels, task)
    terms_of = plain_terms if case["mode"] == "plain" else recipe.objective
    if case["mode"] == "plain":
        plain_encoder(model)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
    epochs = iter(range(10**6))
    drawn = {}

    def draw():
        drawn["batch"] = data.draw(0, next(epochs))
        for graph in drawn["batch"].graphs.values():
            graph.row_shares, graph.reverse  # noqa: B018 made when first asked for

    def epoch():
        if batched:
            draw()
        loss, terms = terms_of(model, drawn["batch"], drawn["batch"].of(labels), s, blocks)
        descend(optimiser, loss, "lower the learning rate")
        return terms["loss"]

    draw()
    first = terms_of(model, drawn["batch"], drawn["batch"].of(labels), s, blocks)[1]["loss"]
    row = {"mode": case["mode"], "cells": len(cells), "loss": first}
    row["epoch_s"] = timed(epoch, case["repeats"], device)[0]
    row["memory_mb"] = logs.peak_memory() - before
    if device.type == "cuda":
        row["gpu_mb"] = torch.cuda.max_memory_allocated() / 2**20
    if case["mode"] != "plain":
        row |= shares(model, drawn["batch"], drawn["batch"].of(labels), s, case["repeats"], device)
        if batched:
            row["batch_s"] = timed(draw, case["repeats"], device)[0]
        refreshing = lambda: recipe.refresh(model, optimiser, data, labels, task)  # noqa: E731
        row["refresh_s"] = timed(refreshing, 1, device)[0]
        row["memory_with_refresh_mb"] = logs.peak_memory() - before
        refreshes = s["epochs"] / s["refresh_every"] + 2  # warm start and summary encode too
        row["training_s"] = (s["pretrain_epochs"] + s["epochs"]) * row["epoch_s"]
        row["training_s"] += refreshes * row["refresh_s"]
    return row


def shares(model, batch, labels, s, repeats, device):
    """Forward and backward time of the encoder and of each pairwise term."""

    def encode():
        z = model.encode(batch.features, batch.graphs, labels)
        torch.autograd.grad(sum(zv.square().sum() for zv in z), list(model.encoders.parameters()))
        return [zv.detach().requires_grad_() for zv in z]

    encoder, z = timed(encode, repeats, device)
    h = [hv.detach().requires_grad_() for hv in model.project(z)]

    def contrast():
        losses.info_nce(*h, s["temperature"], s["include_positive"], batch.anchors).backward()

    def reconstruct():
        recipe.reconstruction(z, batch, s, Blocks()).backward()

    return {
        "encoder_s": encoder,
        "contrastive_s": timed(contrast, repeats, device)[0],
        "reconstruction_s": timed(reconstruct, repeats, device)[0],
    }


def whole_training(case):
    """A training from start to end, as the rule runs it."""
    cells, graphs = slice_of(case["n"], case["balanced"], 0)
    s = SETTINGS | case.get("settings", {}) | {"mode": case["mode"]}
    if case["epochs"]:
        s |= {"pretrain_epochs": case["epochs"], "epochs": case["epochs"]}
    before = logs.peak_memory()
    machine = Machine(case["device"], case["threads"])
    result = cluster(cells, N_CLUSTERS, 0, {"recipe": "spclust", **s}, "", graphs, machine)
    taken = result.cost | {"memory_mb": logs.peak_memory() - before}
    return {"mode": case["mode"], "cells": case["n"], **taken}


def machine_speed(case):
    """Exponentials and multiply-adds per second, on data in the cache and large products."""
    device = training.pick_device(case["device"])
    training.seed_everything(0, case["threads"])
    entries = pairwise.BLOCK_ENTRIES[device.type]
    block, out = (torch.full((entries,), -1.0, device=device) for _ in "12")
    square = torch.randn(2048, 2048, device=device)
    exp_s = timed(lambda: torch.exp(block, out=out), 20, device)[0]
    product_s = timed(lambda: square @ square, 5, device)[0]
    return {"exp_per_s": entries / exp_s, "multiply_adds_per_s": 2048**3 / product_s}


def layer(case):
    """Forward and backward time of a linear layer, by the library that torch chooses or ours."""
    training.seed_everything(0, case["threads"])
    if case["by"] == "chosen":
        training.multiply_by_onednn()
    x = torch.randn(case["n"], case["inputs"])
    linear = torch.nn.Linear(case["inputs"], case["outputs"])
    step = lambda: linear(x).square().sum().backward()  # noqa: E731
    seconds = timed(step, case["repeats"], x.device)[0]
    products = 4 * case["n"] * case["inputs"] * case["outputs"]  # no gradient of the input
    return {k: case[k] for k in ("by", "n", "inputs", "outputs")} | {
        "step_s": seconds,
        "gflop_per_s": products / seconds / 1e9,
    }


CASES = {
    "epoch": parts_of_an_epoch,
    "whole": whole_training,
    "speed": machine_speed,
    "layer": layer,
}


def run(kind, **case):
    """One case in a process of its own; None where its memory did not last."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answer:
        command = [sys.executable, __file__, "case", kind, json.dumps(case), answer.name]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"{kind} {case} failed: {done.stderr.strip().splitlines()[-1:]}", flush=True)
            return None
        row = json.loads(Path(answer.name).read_text())
    print(
        "  "
        + ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()),
        flush=True,
    )
    return row


def exponent(sizes, values):
    """Slope of log(values) over log(sizes)."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def plain(common, sizes):
    """Ours beside dense n x n autograd losses and torch-geometric's GATConv."""
    rows = []
    for n in sizes:
        ours, dense = (run("epoch", mode=mode, n=n, **common) for mode in ("exact", "plain"))
        if dense and ours:
            ours["times_faster"] = dense["epoch_s"] / ours["epoch_s"]
            ours["times_less_memory"] = dense["memory_mb"] / max(ours["memory_mb"], 1.0)
            ours["loss_difference"] = abs(ours["loss"] - dense["loss"]) / abs(dense["loss"])
        rows += [row for row in (ours, dense) if row]
    return pd.DataFrame(rows)


def growth(common, sizes):
    """Default path: exact up to its limit, by anchors from there on; both at it."""
    limit, rows = SETTINGS["exact_up_to"], []
    for n in sizes:
        modes = ["exact"] * (n <= limit) + ["stochastic"] * (n >= limit)
        rows += [run("epoch", mode=mode, n=n, **common) for mode in modes]
    table = pd.DataFrame([row for row in rows if row])
    default = table[(table["mode"] == "exact") == (table["cells"] <= limit)]
    for name, part in (("default path", default), *table.groupby("mode")):
        if len(part) > 1:
            slopes = {
                c: round(exponent(part["cells"], part[c]), 2)
                for c in ("epoch_s", "training_s", "memory_with_refresh_mb")
            }
            print(f"exponents, {name}: {slopes}")
    return table


def limit(common, sizes):
    """The arithmetic an exact epoch cannot do without, over what the machine does of it."""
    speed = run("speed", device=common["device"], threads=common["threads"])
    width, rows = SETTINGS["hidden_dims"][-1], []
    for n in sizes:
        row = run("epoch", mode="exact", n=n, **common)
        pairs = 4 * n**2  # two directions of the contrast, two reconstructions
        row["least_s"] = pairs / speed["exp_per_s"]
        row["least_s"] += 3 * width * pairs / speed["multiply_adds_per_s"]
        row["fraction_of_limit"] = row["least_s"] / row["epoch_s"]
        rows.append(speed | row)
    return pd.DataFrame(rows)


def whole(common, sizes):
    """Whole trainings: a balanced slice by the paper's epochs, and large slices."""
    del common["repeats"]
    paper = {"pretrain_epochs": 100, "epochs": 500}
    rows = [run("whole", mode="exact", n=sizes[0], settings=paper, **common)]
    common["balanced"] = None
    for n, mode in zip(sizes[1:], ("exact", "stochastic"), strict=True):
        rows.append(run("whole", mode=mode, n=n, **common))
    return pd.DataFrame([row for row in rows if row])


def products(common, sizes):
    """Layers of scRCL on 2,000 genes, of scDC on 7,184 in batches, of spClust on 21 proteins."""
    shapes, rows = [(2000, 1500), (7184, 256), (21, 64)], []
    for n, (inputs, outputs) in zip(sizes, shapes, strict=True):
        case = {"n": n, "inputs": inputs, "outputs": outputs, "threads": common["threads"]}
        plain, ours = (
            run("layer", by=by, repeats=5 * common["repeats"], **case)
            for by in ("torch's own", "chosen")
        )
        ours["times_faster"] = plain["step_s"] / ours["step_s"]
        rows += [plain, ours]
    return pd.DataFrame(rows)


TABLES = {
    "plain": (plain, [1000, 2000, 5000, 11_120]),
    "growth": (growth, [1000, 5000, 10_000, 30_000, 100_000, 300_000, 1_000_000]),
    "limit": (limit, [5000, 11_120]),
    "whole": (whole, [11_120, 100_000, 1_000_000]),
    "products": (products, [2100, 256, 11_120]),
}


def main(arguments=None):
    if (arguments or sys.argv[1:])[0] == "case":
        kind, case, answer = (arguments or sys.argv[1:])[1:]
        Path(answer).write_text(json.dumps(CASES[kind](json.loads(case))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--cells", type=int, nargs="+", help="sizes instead of the usual ones")
    parser.add_argument("--balanced", help="balanced cells.h5mu; left out, simulated cells")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="of whole trainings, instead of their own")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks")
    chosen = parser.parse_args(arguments)
    function, sizes = TABLES[chosen.table]
    common = {k: getattr(chosen, k) for k in ("balanced", "device", "threads", "repeats")}
    if chosen.table == "whole":
        common["epochs"] = chosen.epochs
    table = function(common, chosen.cells or sizes)
    print(table.to_string(index=False, float_format="%.4g"))
    chosen.output.mkdir(parents=True, exist_ok=True)
    table.to_csv(chosen.output / f"training_{chosen.table}.tsv", sep="\t", index=False)


if __name__ == "__main__":
    main()
