"""Cells of planted types for tests of spClust, and a run on them."""

from dataclasses import replace

import numpy as np
from planted import METHODS, cells_of

from spclust.data.graphs import Graphs
from spclust.methods import running
from spclust.methods.task import Machine
from spclust.neighbours.knn import knn_graph

SETTINGS = METHODS["spclust"]


def graphs_of(cells, n_neighbors=10, kinds=("expression", "spatial")):
    """Graphs as build_graphs makes them, in the space of the features as they are."""
    one, spaces = np.zeros(len(cells)), {"expression": cells.matrix}
    if len(cells.features) > 1:
        spaces |= {f"expression/{m}": x for m, x in cells.features.items()}
    edges = {name: knn_graph(x, one, n_neighbors) for name, x in spaces.items()}
    edges["spatial"] = knn_graph(cells.coordinates.astype(np.float64), one, n_neighbors)
    built = {
        "n_neighbors": n_neighbors,
        "expression_within": "cohort",
        "expression_weights": "binary",
    }
    return Graphs({k: g for k, g in edges.items() if k.startswith(kinds)}, spaces, built)


def of_three_types():
    """300 cells of three types, the last 20 synthetic; pseudo-labels at random."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [120, 100, 80])
    x = rng.normal(size=(300, 10)).astype(np.float32)
    x[np.arange(300), truth] += 4
    cells = cells_of(x, rng.random((300, 2)) + truth[:, None])
    parents = rng.integers(280, size=(20, 2))
    cells = replace(cells, pseudolabels=truth[rng.permutation(300)], parents=parents)
    return cells, graphs_of(cells), truth


def in_two_modalities(given):
    """The same cells in two modalities: one tells the first type from the others, one the last."""
    cells, _, truth = given
    rng = np.random.default_rng(1)
    rna, adt = rng.normal(size=(2, 300, 8)).astype(np.float32)
    rna[truth == 0, :3] += 4
    adt = adt[:, :5]
    adt[truth == 2, :2] += 4
    names = {m: np.array([f"{m}{i}" for i in range(8)], dtype=object) for m in ("rna", "adt")}
    names["adt"] = names["adt"][:5]
    cells = replace(cells, features={"rna": rna, "adt": adt}, names=names)
    return cells, graphs_of(cells), truth


def run(planted, seed=1, n_clusters=3, **changes):
    cells, graphs, _ = planted
    settings = SETTINGS | {"pretrain_epochs": 20, "epochs": 20} | changes
    machine = Machine("cpu")
    return running.cluster(cells, n_clusters, seed, settings, "mine", graphs, machine)
