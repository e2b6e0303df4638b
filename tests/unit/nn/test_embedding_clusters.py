"""Labels of a finished embedding: by directions, whatever the scale, elongated clusters too."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from spclust.nn import embedding_clusters as embedded


def streaks(n=300, width=24):
    """Three long, slanting, parallel clusters on a sphere, and what they are."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), n // 3)
    z = np.zeros((n, width))
    z[:, 0] = 10
    z[:, 1] = 0.53 * rng.normal(size=n)
    z[:, 2] = truth - 1 + 0.5 * z[:, 1] + 0.12 * rng.normal(size=n)
    return torch.from_numpy(z.astype(np.float32)), truth


def labelled(z, labels="mixture", n_clusters=3, seed=0):
    task = SimpleNamespace(settings={"labels": labels}, seed=seed, n_clusters=n_clusters)
    return embedded.labelled(z, task)


def test_the_mixture_finds_what_kmeans_cuts_across():
    z, truth = streaks()
    assert adjusted_rand_score(truth, labelled(z)["labels"]) > 0.95
    assert adjusted_rand_score(truth, labelled(z, "kmeans")["labels"]) < 0.75


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_the_length_of_embeddings_does_not_matter(scale):
    z, _ = streaks()
    plain, scaled = labelled(z), labelled(z * scale)
    np.testing.assert_allclose(scaled["embedding"], plain["embedding"], atol=1e-6)
    assert np.array_equal(scaled["labels"], plain["labels"])
    np.testing.assert_allclose(np.linalg.norm(plain["embedding"], axis=1), 1, atol=1e-5)
    assert 0 <= plain["confidence"].min() <= plain["confidence"].max() <= 1


def test_twenty_components_at_most_the_widest_of_spread_one():
    z, _ = streaks()
    reduced = embedded.components_of(z.numpy(), 0)
    assert reduced.shape == (300, 20) and reduced[:, 0].std() == pytest.approx(1, rel=1e-5)
    assert embedded.components_of(z.numpy()[:, :5], 0).shape == (300, 5)


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_cells_that_are_all_alike_are_no_error():
    assert np.isfinite(embedded.components_of(np.ones((10, 3)), 0)).all()
