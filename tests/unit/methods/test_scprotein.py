"""scPROTEIN: finds expression types, keeps to images, repeats, says how labels are found."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import METHODS, crossing, expression_types, graphs_for, interrupted, oversampled
from planted import run as run_any
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import scprotein


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("scprotein", cells, seed, n_clusters, **{"labels": "kmeans"} | changes)


@pytest.fixture(scope="module")
def planted():
    return expression_types(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


def test_it_finds_expression_types_and_the_asked_number(planted):
    cells, reference = planted
    result = run(cells, epochs=30)
    assert adjusted_rand_score(reference, result.labels) > 0.95
    assert set(result.labels) == {0, 1, 2}
    assert result.embedding.shape == (400, METHODS["scprotein"]["width"])
    assert result.model is None


def test_labels_can_be_leidens_of_the_embedding(cells, monkeypatch):
    asked = {}

    def leiden(x, groups, n_clusters, n_neighbors, seed):
        asked.update(x=x, groups=groups, numbers=(n_clusters, n_neighbors, seed))
        return np.arange(len(x)) % n_clusters

    monkeypatch.setattr(scprotein.heads, "leiden", leiden)
    for within, n_groups in (("cohort", 1), ("image", 2)):
        graphs = graphs_for("scprotein", cells, expression_within=within)
        result = run(cells, labels="leiden", epochs=1, seed=5, n_clusters=4, graphs=graphs)
        assert np.array_equal(asked["x"], result.embedding)
        assert len(set(zip(asked["groups"], cells.image))) == 2
        assert len(set(asked["groups"])) == n_groups and asked["numbers"] == (4, 15, 5)
        assert np.array_equal(result.labels, np.arange(400) % 4)


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    first, second, other = (run(cells, seed, epochs=3, anchors=50) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert np.array_equal(first.labels, second.labels)
    assert first.embedding.tobytes() != other.embedding.tobytes()


@pytest.mark.parametrize("stop", [4, 7])
def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path, stop):
    settings = {"epochs": 8, "anchors": 50, "labels": "kmeans", "n_prototypes": 3}
    whole, resumed = interrupted("scprotein", cells, tmp_path / "c.pt", stop, **settings)
    assert resumed.embedding.tobytes() == whole.embedding.tobytes()
    assert resumed.labels.tobytes() == whole.labels.tobytes()
    assert resumed.tables["history"].equals(whole.tables["history"])


def test_the_history_has_the_terms_of_each_epoch(cells):
    history = run(cells, epochs=3).tables["history"]
    assert list(history["epoch"]) == [1, 2, 3] and set(history["phase"]) == {"train"}
    expected = history["contrast"] + 0.05 * history["prototypes"]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


def test_a_cell_is_joined_to_those_it_correlates_with_most(cells):
    graph = graphs_for("scprotein", cells)["expression"].toarray()
    correlation = np.corrcoef(cells.matrix)
    np.fill_diagonal(correlation, -2)
    directed = np.zeros((400, 400), dtype=bool)
    np.put_along_axis(directed, np.argsort(-correlation, axis=1)[:, :15], True, axis=1)
    assert np.array_equal(graph > 0, directed | directed.T)


def test_a_cell_with_all_proteins_equal_is_no_error(cells):
    flat = cells.matrix.copy()
    flat[3] = 1.5
    result = run(replace(cells, features={"protein": flat}), epochs=1)
    assert np.isfinite(result.embedding).all()


def test_cells_of_one_image_can_be_kept_from_another(cells):
    inside = cells.image == "b"
    changed = np.random.default_rng(0).permutation(cells.matrix)
    changed = replace(cells, features={"protein": np.where(inside[:, None], changed, cells.matrix)})
    graph, other = (
        graphs_for("scprotein", c, expression_within="image")["expression"]
        for c in (cells, changed)
    )
    assert crossing(graph, cells.image) == 0
    assert (graph[~inside] != other[~inside]).nnz == 0
    assert (graph[inside] != other[inside]).nnz > 0


def test_where_cells_lie_does_not_matter_but_to_the_spatial_graph(cells):
    moved = replace(cells, coordinates=cells.coordinates[::-1].copy())
    for graph in ("expression", "spatial"):
        results = [run(c, epochs=2, graph=graph) for c in (cells, moved)]
        same = results[0].embedding.tobytes() == results[1].embedding.tobytes()
        assert same == (graph == "expression")


def test_the_prototype_term_moves_cells_and_not_centres():
    z = torch.tensor([[2.0, 0.5], [0.5, 2.0]], requires_grad=True)
    centres = torch.tensor([[1.0, 0.0], [0.0, 3.0]], requires_grad=True)
    loss = scprotein.prototype_loss(z, centres.detach(), torch.tensor([0, 1]))
    cosine = np.array([2.0, 0.5]) / np.hypot(2.0, 0.5)
    assert loss.item() == pytest.approx(-np.log(np.exp(cosine[0]) / np.exp(cosine).sum()))
    loss.backward()
    assert centres.grad is None and z.grad[0, 1] > 0 and z.grad[1, 0] > 0


def test_prototypes_follow_the_embedding(cells):
    x, arrays = torch.from_numpy(cells.matrix), {}
    _, labels = scprotein.follow(x, arrays, 3, 0)
    before = dict(arrays)
    centres, again = scprotein.follow(x + 5, arrays, 3, 0)
    assert torch.equal(labels, again)
    means = torch.stack([(x + 5)[labels == k].mean(0) for k in range(3)])
    torch.testing.assert_close(centres, means, atol=1e-4, rtol=1e-4)
    # replaced, not written into: a checkpoint may still hold those of before
    assert np.array_equal(arrays["centres"], centres)
    assert np.abs(before["centres"] - arrays["centres"]).min() > 4


def test_more_anchors_than_cells_are_all_of_them(cells):
    whole, capped = (run(cells, epochs=2, anchors=a) for a in (None, 400))
    assert whole.embedding.tobytes() == capped.embedding.tobytes()
    assert whole.embedding.tobytes() != run(cells, epochs=2, anchors=40).embedding.tobytes()


def test_synthetic_cells_train_but_get_no_labels(cells):
    result = run(oversampled(cells), epochs=2)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 400
    assert result.embedding.tobytes() != run(cells, epochs=2).embedding.tobytes()


def test_one_cluster_is_no_error(cells):
    assert not run(cells, n_clusters=1, epochs=2).labels.any()


def test_a_rate_that_blows_up_is_told(cells):
    with pytest.raises(
        UserError, match=r"the loss became .*; lower method\.scprotein\.lr or raise"
    ):
        run(cells, lr=1e30, epochs=6)
