"""Random augmentation: each view loses edges and features of its own, by seed and epoch alone."""

import numpy as np
import torch

from spclust.methods.spclust.augment import augmented
from spclust.neighbours.knn import knn_graph, with_self_loops
from spclust.nn import training
from spclust.nn.batches import Batch
from spclust.nn.neighbourhoods import Neighbourhoods


def batch():
    places = np.random.default_rng(0).random((60, 2))
    graph = Neighbourhoods.from_scipy(with_self_loops(knn_graph(places, np.zeros(60), 6)))
    features = {"rna": torch.ones(60, 40), "adt": torch.ones(60, 30)}
    return Batch(None, features, {"expression": graph, "spatial": graph}, None)


def drawn(seed, epoch, edges=0.3, features=0.3):
    generator = training.generator(torch.device("cpu"), seed, "augment", epoch)
    return augmented(batch(), edges, features, generator)


def edges(graph):
    return set(map(tuple, graph.edge_index.t().tolist()))


def test_views_lose_edges_and_features_of_their_own():
    whole, found = batch(), drawn(1, 1)
    first, second = map(edges, found.graphs.values())
    every = edges(whole.graphs["spatial"])
    assert first < every and second < every and first != second
    for kept in (first, second):
        assert {(b, a) for a, b in kept} == kept and {(i, i) for i in range(60)} <= kept
        assert 0.5 < (len(kept) - 60) / (len(every) - 60) < 0.9
    for view in (found.features, found.beside):
        for values in view.values():
            # a feature is there in all cells or in none
            assert set(values.unique().tolist()) == {0.0, 1.0}
            assert (values == values[0]).all()
    assert not torch.equal(found.features["rna"], found.beside["rna"])


def test_what_is_lost_hangs_on_seed_and_epoch_alone():
    def bits(found):
        parts = [graph.edge_index for graph in found.graphs.values()]
        parts += [*found.features.values(), *found.beside.values()]
        return b"".join(part.numpy().tobytes() for part in parts)

    first = bits(drawn(1, 5))
    torch.rand(7)  # torch's own generator has no part in it
    assert bits(drawn(1, 5)) == first
    assert len({first, bits(drawn(1, 6)), bits(drawn(2, 5))}) == 3


def test_nothing_is_lost_unless_asked():
    whole, found = batch(), drawn(1, 1, 0.0, 0.0)
    assert found.beside is None and found.features.keys() == whole.features.keys()
    assert all((values == 1).all() for values in found.features.values())
    assert all(edges(graph) == edges(whole.graphs["spatial"]) for graph in found.graphs.values())
    only_edges = drawn(1, 1, 0.3, 0.0)
    assert only_edges.beside is None and (only_edges.features["rna"] == 1).all()
