"""scPROTEIN: finds expression types, keeps to images, repeats, says how labels are found."""

import numpy as np
import pytest
import torch
from planted import METHODS, crossing, expression_types, oversampled
from sklearn.metrics import adjusted_rand_score

from spclust import methods
from spclust.errors import UserError
from spclust.methods import scprotein

SETTINGS = METHODS["scprotein"]


def run(cells, seed=0, n_clusters=3, **changes):
    return methods.cluster(cells, n_clusters, seed, SETTINGS | {"labels": "kmeans"} | changes)


@pytest.fixture(scope="module")
def cells():
    return expression_types(0)


def test_it_finds_expression_types_and_the_asked_number(cells):
    result = run(cells, epochs=30)
    assert adjusted_rand_score(cells.obs["label"], result.labels) > 0.95
    assert set(result.labels) == {0, 1, 2}
    assert result.embedding.shape == (400, SETTINGS["width"])
    assert not result.tables and result.model is None


def test_labels_can_be_leidens_of_the_embedding(cells, monkeypatch):
    asked = {}

    def leiden(x, images, n_clusters, n_neighbors, seed):
        asked.update(x=x, images=images, numbers=(n_clusters, n_neighbors, seed))
        return np.arange(len(x)) % n_clusters

    monkeypatch.setattr(scprotein.heads, "leiden", leiden)
    result = run(cells, labels="leiden", epochs=1, seed=5, n_clusters=4)
    assert np.array_equal(asked["x"], result.embedding)
    assert np.array_equal(asked["images"], cells.obs["image"]) and asked["numbers"] == (4, 15, 5)
    assert np.array_equal(result.labels, np.arange(400) % 4)


def test_a_seed_repeats_to_the_byte_and_another_differs(cells):
    first, second, other = (run(cells, seed, epochs=3, anchors=50) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert np.array_equal(first.labels, second.labels)
    assert first.embedding.tobytes() != other.embedding.tobytes()


def test_a_cell_is_joined_to_those_it_correlates_with_most(cells):
    x = cells.X[:60]
    graph = scprotein.correlation_graph(x, np.zeros(60), 5).toarray()
    correlation = np.corrcoef(x)
    np.fill_diagonal(correlation, -2)
    directed = np.zeros((60, 60), dtype=bool)
    np.put_along_axis(directed, np.argsort(-correlation, axis=1)[:, :5], True, axis=1)
    assert np.array_equal(graph > 0, directed | directed.T)


def test_a_cell_with_all_proteins_equal_is_no_error(cells):
    flat = cells.X.copy()
    flat[3] = 1.5
    assert np.isfinite(scprotein.correlation_graph(flat, np.zeros(400), 5).data).all()


def test_one_image_does_not_see_another(cells):
    images = cells.obs["image"].to_numpy()
    graph = scprotein.correlation_graph(cells.X, images, 15)
    assert crossing(graph, images) == 0
    inside = images == "b"
    changed = np.where(inside[:, None], np.random.default_rng(0).permutation(cells.X), cells.X)
    other = scprotein.correlation_graph(changed, images, 15)
    assert (graph[~inside] != other[~inside]).nnz == 0
    assert (graph[inside] != other[inside]).nnz > 0


def test_where_cells_lie_does_not_matter(cells):
    moved = cells.copy()
    moved.obsm["spatial"] = cells.obsm["spatial"][::-1].copy()
    results = [run(c, epochs=2) for c in (cells, moved)]
    assert results[0].embedding.tobytes() == results[1].embedding.tobytes()


def test_the_prototype_term_moves_cells_and_not_centres():
    z = torch.tensor([[2.0, 0.5], [0.5, 2.0]], requires_grad=True)
    centres = torch.tensor([[1.0, 0.0], [0.0, 3.0]], requires_grad=True)
    loss = scprotein.prototype_loss(z, centres.detach(), torch.tensor([0, 1]))
    cosine = np.array([2.0, 0.5]) / np.hypot(2.0, 0.5)
    assert loss.item() == pytest.approx(-np.log(np.exp(cosine[0]) / np.exp(cosine).sum()))
    loss.backward()
    assert centres.grad is None and z.grad[0, 1] > 0 and z.grad[1, 0] > 0


def test_prototypes_follow_the_embedding(cells):
    followed = scprotein.Prototypes(3, seed=0)
    x = torch.from_numpy(cells.X)
    _, labels = followed.update(x)
    centres, again = followed.update(x + 5)
    assert torch.equal(labels, again)
    means = torch.stack([(x + 5)[labels == k].mean(0) for k in range(3)])
    torch.testing.assert_close(centres, means, atol=1e-4, rtol=1e-4)


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
    with pytest.raises(UserError, match=r"the loss became .*; lower methods\.<name>\.lr or raise"):
        run(cells, lr=1e30, epochs=6)
