"""scRCL: finds gene programmes without places, repeats, resumes, its refinement by definition."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from planted import (
    assert_a_seed_repeats,
    assert_same_bytes,
    cells_of,
    gene_programmes,
    graphs_for,
    interrupted,
    oversampled,
)
from planted import run as run_any
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods.scrcl import scrcl
from spclust.neighbours.knn import knn_graph, with_self_loops
from spclust.nn.neighbourhoods import Neighbourhoods

SMALL = {"width": 64, "lr": 0.001}


def run(cells, seed=0, n_clusters=4, **changes):
    return run_any("scrcl", cells, seed, n_clusters, **SMALL | changes)


@pytest.fixture(scope="module")
def planted():
    return gene_programmes(0)


@pytest.fixture(scope="module")
def cells(planted):
    """As cells come that were never in a tissue."""
    return replace(planted[0], coordinates=np.full((300, 2), np.nan, dtype=np.float32))


def test_it_finds_gene_programmes_whatever_their_level(cells, planted):
    reference, result = planted[1], run(cells, epochs=60)
    alone = KMeans(4, n_init=10, random_state=0).fit_predict(cells.matrix)
    score = adjusted_rand_score(reference, result.labels)
    assert score > 0.8 and score > adjusted_rand_score(reference, alone) + 0.1
    # shares of as many clusters from both views
    assert result.embedding.shape == (300, 8) and result.model is None
    np.testing.assert_allclose(np.linalg.norm(result.embedding[:, :4], axis=1), 1, rtol=1e-5)


def test_the_views_equal_their_definition(cells):
    part = cells.take(slice(40))
    torch.manual_seed(0)
    model, x = scrcl.Model(40, 48, 6, 3, 0.3), torch.from_numpy(part.matrix)
    made = knn_graph(part.matrix, np.zeros(40), 5), knn_graph(part.matrix.T, np.zeros(48), 4)
    graphs = [with_self_loops(g) for g in made]
    cells_, shares = model((x, 2 * x), *map(Neighbourhoods.from_scipy, graphs))
    a, g = (v.toarray() / np.sqrt(np.outer(v.sum(0), v.sum(0))) for v in graphs)
    w = {name: value.detach().numpy() for name, value in model.named_parameters()}

    def leaky(v):
        return np.where(v > 0, v, 0.01 * v)

    alone = leaky(part.matrix @ w["alone.weight"].T + w["alone.bias"])
    among = 2 * part.matrix
    for i in range(2):
        among = leaky(a @ among @ w[f"among.layers.{i}.weight"] + w[f"among.layers.{i}.bias"])
    among = leaky(among @ w["among_last.weight"].T + w["among_last.bias"])
    genes = leaky(g @ part.matrix.T @ w["genes.layers.0.weight"] + w["genes.layers.0.bias"])
    for e, found, refined in zip((alone, among), cells_, shares, strict=True):
        unit = e / np.linalg.norm(e, axis=1, keepdims=True)
        np.testing.assert_allclose(found.detach().numpy(), unit, atol=1e-5)
        z = (e @ w["projection.weight"].T + w["projection.bias"]) @ genes
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        np.testing.assert_allclose(refined.detach().numpy(), z, atol=1e-4)


def test_smoothing_is_a_low_pass_of_the_graph(cells):
    graph = Neighbourhoods.from_scipy(with_self_loops(graphs_for("scrcl", cells)["expression"]))
    x, dense = torch.from_numpy(cells.matrix), graph.propagate(torch.eye(300))
    torch.testing.assert_close(scrcl.smoothed(x, graph, 3), dense @ dense @ dense @ x)
    assert scrcl.smoothed(x, graph, 0) is x
    plain, smooth = (run(cells, epochs=1, smoothing=s) for s in ([0, 0], [2, 1]))
    assert plain.embedding.tobytes() != smooth.embedding.tobytes()


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    assert_a_seed_repeats("scrcl", cells, epochs=3, **SMALL)


def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path):
    whole, resumed = interrupted("scrcl", cells, tmp_path / "c.pt", 6, epochs=8, **SMALL)
    assert_same_bytes(whole, resumed)


def test_the_history_has_the_terms_of_each_epoch(cells):
    history = run(cells, epochs=3, weight_consistency=0.5).tables["history"]
    expected = history["alignment"] + 100 * history["neighbours"] + 0.5 * history["consistency"]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


def test_places_matter_only_where_neighbours_are_those_in_the_tissue(planted, cells):
    placed, message = (
        planted[0],
        r"method\.scrcl: the method needs the place .* 300 of 300 have none",
    )
    graphs = graphs_for("scrcl", placed, spatial_graph="knn")
    expression, spatial = (
        run(placed, epochs=2, graph=graph, graphs=graphs) for graph in ("expression", "spatial")
    )
    assert expression.embedding.tobytes() == run(cells, epochs=2).embedding.tobytes()
    assert expression.embedding.tobytes() != spatial.embedding.tobytes()
    with pytest.raises(UserError, match=message):
        run(cells, epochs=1, graph="spatial", graphs=graphs)
    with pytest.raises(UserError, match="spatial_graph: the method needs the spatial graph"):
        run(placed, epochs=1, graph="spatial")


def test_synthetic_cells_train_but_get_no_labels(planted):
    result = run(oversampled(planted[0]), epochs=2)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 300


def test_fewer_genes_than_neighbours_and_one_cluster_are_no_error(cells):
    result = run(cells_of(cells.matrix[:, :3]), n_clusters=1, epochs=2)
    assert not result.labels.any()


def test_what_it_cannot_do_without_is_told(cells):
    with pytest.raises(UserError, match=r"method\.scrcl: these cells have one feature"):
        run(cells_of(cells.matrix[:, :1]), epochs=1)
    with pytest.raises(UserError, match=r"the loss became .*; lower method\.scrcl\.lr or raise"):
        run(cells, lr=1e30, epochs=8)


def test_the_oracle_takes_the_epoch_that_agrees_best_and_trains_no_other_way(cells, planted):
    reference = pd.Series(planted[1], dtype=object)
    oracle = run_any("scrcl_oracle", cells, 0, 4, reference=reference, epochs=40, **SMALL)
    seen = oracle.tables["history"]["ARI"].dropna()
    assert seen.index.tolist() == [9, 19, 29, 39]
    best = seen.idxmax() + 1
    stopped = run(cells, epochs=int(best))
    np.testing.assert_array_equal(oracle.labels, stopped.labels)
    assert adjusted_rand_score(planted[1], oracle.labels) == seen.max()
    whole = run(cells, epochs=40).tables["history"]
    np.testing.assert_array_equal(oracle.tables["history"]["loss"], whole["loss"])


def test_the_oracle_needs_labels(cells):
    with pytest.raises(UserError, match="picks an epoch by reference labels"):
        run_any("scrcl_oracle", cells, 0, 4, epochs=1, **SMALL)
