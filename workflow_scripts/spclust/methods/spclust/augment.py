"""Random augmentation of a batch: edges and features left out of each view by chance."""

import torch

from spclust.nn.batches import Batch
from spclust.nn.grace import mask_features


def augmented(
    batch: Batch, drop_edges: float, drop_features: float, generator: torch.Generator
) -> Batch:
    """What a step of training sees where views are augmented at random, as in GRACE.

    Each view loses edges of its own, both directions together and never a self-loop, and
    features of its own, the same in all cells; the expression views of several modalities
    lose features as one.

    Parameters
    ----------
    batch : Batch
    drop_edges, drop_features : float
        Probability of each to be left out.
    generator : torch.Generator
        On the device of the batch.

    Returns
    -------
    Batch
        With the graphs and features given where nothing is dropped.
    """
    graphs, features, beside = batch.graphs, batch.features, batch.beside
    if drop_edges:
        graphs = {
            view: graph.with_dropped_edges(drop_edges, generator).pruned()
            for view, graph in graphs.items()
        }
    if drop_features:
        features, beside = (
            {m: mask_features(x, drop_features, generator) for m, x in batch.features.items()}
            for _ in range(2)
        )
    return batch._replace(graphs=graphs, features=features, beside=beside)
