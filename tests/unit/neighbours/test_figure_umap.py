"""UMAP for figures: as good a map as umap-learn's, repeatable, of any number of cells."""

import numpy as np
import pytest
from planted import expression_types
from sklearn.manifold import trustworthiness

from spclust.neighbours import figure_umap
from spclust.neighbours.figure_umap import umap_for_figures


@pytest.mark.slow
def test_neighbours_are_kept_as_well_as_by_umap_learn():
    import umap

    for seed in (0, 1):
        x = expression_types(seed, n=800)[0].matrix
        theirs = umap.UMAP(min_dist=0.1, random_state=seed, n_jobs=1).fit_transform(x)
        ours, theirs = (
            trustworthiness(x, layout, n_neighbors=15)
            for layout in (umap_for_figures(x, seed), theirs)
        )
        assert ours > theirs - 0.01


def test_types_lie_apart_and_a_seed_repeats():
    cells, types = expression_types(0, n=300)
    layout = umap_for_figures(cells.matrix, 3)
    assert layout.dtype == np.float32 and layout.shape == (300, 2)
    near = np.linalg.norm(layout[:, None] - layout, axis=2).argsort(axis=1)[:, 1:6]
    assert (np.asarray(types)[near] == np.asarray(types)[:, None]).mean() > 0.9
    assert np.array_equal(layout, umap_for_figures(cells.matrix, 3))
    assert not np.array_equal(layout, umap_for_figures(cells.matrix, 4))


@pytest.mark.parametrize("shape", [(1, 5), (2, 5), (3, 5), (14, 1), (20, 3)])
def test_few_cells_and_features_have_places(shape):
    layout = umap_for_figures(np.random.default_rng(0).normal(size=shape), 0)
    assert layout.shape == (shape[0], 2) and np.isfinite(layout).all()


def test_cells_that_are_all_alike_have_places():
    assert np.isfinite(umap_for_figures(np.ones((40, 4)), 0)).all()


@pytest.mark.parametrize("alike", [0, 250])
def test_beyond_the_sample_a_cell_lies_beside_those_like_it(monkeypatch, alike):
    monkeypatch.setattr(figure_umap, "MOST_CELLS", 200)
    monkeypatch.setattr(figure_umap, "PARTS", 20)
    cells, types = expression_types(0, n=500)
    x = cells.matrix.copy()
    x[:alike] = x[0]
    layout = umap_for_figures(x, 1)
    assert np.isfinite(layout).all()
    near = np.linalg.norm(layout[:, None] - layout, axis=2).argsort(axis=1)[:, 1:6]
    same = np.asarray(types)[near] == np.asarray(types)[:, None]
    assert same[alike:].mean() > 0.85
