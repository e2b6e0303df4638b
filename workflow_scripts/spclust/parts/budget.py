"""What a training will take, told before it starts."""

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil
import scipy.sparse as sp
import torch

from spclust.errors import UserError
from spclust.parts.losses import BLOCK_ENTRIES, row_logsumexp
from spclust.parts.views import View

log = logging.getLogger(__name__)

PROBE_CELLS, PROBE_NEIGHBOURS = 2000, 16

REMEDY = (
    "set methods.<name>.mode: stochastic, lower methods.<name>.batch_cells, or add fewer cells "
    "with a higher oversample.<name>.imbalance_ratio"
)


@dataclass(frozen=True)
class Budget:
    """Sizes of a training, per step where not said otherwise.

    Attributes
    ----------
    cells : int
        Rows of the slice, synthetic cells included.
    slice_edges : int
        Directed edges of both graphs of the slice, self-loops included.
    step_cells, step_edges : int
        The same of what one step sees.
    anchors : int
        Rows of the pairwise terms.
    widths : tuple of int
        Proteins, then the width of each layer.
    heads : int
    steps : int
        Of pre-training (first) and joint training (second).
    """

    cells: int
    slice_edges: int
    step_cells: int
    step_edges: int
    anchors: int
    widths: tuple
    heads: int
    steps: tuple

    def memory(self, device_type):
        """Bytes beyond loaded libraries, rounded up: measured counts of live float32 values."""
        indices = 8 * (3 * self.slice_edges + 5 * self.step_edges)
        # per edge: scores and weights of each layer and their gradients; both views are alive
        edges = 4 * self.step_edges * self.heads * (4 * (len(self.widths) - 1) + 4)
        rows = 4 * self.step_cells * 10 * sum(self.widths)
        inference = 4 * (self.cells * 4 * max(self.widths) + self.slice_edges * self.heads * 3)
        return indices + max(edges + rows, inference) + 8 * BLOCK_ENTRIES[device_type]

    def seconds(self, pairs_per_second, edges_per_second):
        """Time of all steps; refreshes of the prototypes come on top."""
        pretraining, training = self.steps
        pairs = self.anchors * self.step_cells * (2 * pretraining + 4 * training)
        edges = self.step_edges * (pretraining + training)
        return pairs / pairs_per_second + edges / edges_per_second


def speed(encoder, n_proteins, device):
    """Pairs of the log-sum-exp and edges of the encoder, forward and backward, per second.

    Measured on a small stand-in for a slice; draws nothing from any generator.
    """
    ring = sp.diags([1.0] * PROBE_NEIGHBOURS, range(1, PROBE_NEIGHBOURS + 1),
                    shape=(PROBE_CELLS, PROBE_CELLS))  # fmt: skip
    graph = View(ring + ring.T, device).neighbourhoods
    waves = np.sin(np.arange(PROBE_CELLS * n_proteins)).reshape(PROBE_CELLS, n_proteins)
    x = torch.from_numpy(waves.astype(np.float32)).to(device)

    def encode():
        z = encoder(x, graph)
        torch.autograd.grad(z.square().mean(), list(encoder.parameters()))
        return z.detach()

    def compare():
        row_logsumexp(z.requires_grad_(), z, weight).backward()

    z = encode()
    weight = z.new_full((PROBE_CELLS,), 1 / PROBE_CELLS)
    compare()
    edges = len(graph.edge_index[0])
    return PROBE_CELLS**2 / _timed(compare, device), edges / _timed(encode, device)


def _timed(function, device):
    """Seconds of the faster of two calls."""
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return min(taken)


def available_memory(device):
    """Bytes free on the device, or None where that cannot be asked."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info()[0]
    return psutil.virtual_memory().available if device.type == "cpu" else None


@contextmanager
def advised(device):
    """Turn a GPU's lack of memory that smaller blocks did not cure into advice."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(f"the memory of the {device.type} device ran out; {REMEDY}") from error


def announce(budget, encoder, device, mode):
    """Tell size, memory and rough time of a training; refuse one that will not fit.

    Raises
    ------
    UserError
        Naming the settings to change.
    """
    needed, free = budget.memory(device.type), available_memory(device)
    log.info(
        "%s mode: %d cells with %d edges; each step %d cells, %d edges, %d x %d pairs; about "
        "%.1f GB", mode, budget.cells, budget.slice_edges, budget.step_cells, budget.step_edges,
        budget.anchors, budget.step_cells, needed / 1e9,
    )  # fmt: skip
    if free is not None and needed > free:
        raise UserError(
            f"training {budget.cells} cells in {mode} mode needs about {needed / 1e9:.1f} GB on "
            f"the {device.type} device and {free / 1e9:.1f} GB are free; {REMEDY}"
        )
    pairs, edges = speed(encoder, budget.widths[0], device)
    log.info(
        "%.2g pairs/s and %.2g edges/s here: roughly %.0f s of training", pairs, edges,
        budget.seconds(pairs, edges), extra={"for_user": True},
    )  # fmt: skip
