"""Layouts in two dimensions."""

import numpy as np
import pytest

from spclust.neighbours import layout


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 16, 60])
@pytest.mark.parametrize("width", [1, 5])
def test_umap_takes_any_number_of_cells_and_proteins(n, width):
    x = np.random.default_rng(0).normal(size=(n, width)).astype(np.float32)
    umap = layout.umap_2d(x, 0)
    assert umap.shape == (n, 2) and np.isfinite(umap).all()


def test_in_figures_the_rest_of_many_cells_lies_among_a_sample(monkeypatch):
    rng = np.random.default_rng(0)
    kind = rng.integers(2, size=400)
    x = (rng.normal(size=(400, 5)) + 20 * kind[:, None]).astype(np.float32)
    whole = layout.umap_for_figures(x, 1)
    assert np.array_equal(whole, layout.umap_2d(x, 1))
    monkeypatch.setattr(layout, "FIGURE_CELLS", 150)
    placed = layout.umap_for_figures(x, 1)
    assert placed.shape == (400, 2) and placed.dtype == np.float32
    assert np.array_equal(placed, layout.umap_for_figures(x, 1))
    # every cell, drawn or placed, is nearer to its own kind
    centres = np.stack([placed[kind == k].mean(0) for k in (0, 1)])
    distance = np.linalg.norm(placed[:, None] - centres, axis=2)
    assert (distance.argmin(1) == kind).all()


def test_umap_of_equal_cells_and_of_separate_groups_is_finite():
    for x in (np.ones((30, 4)), np.repeat(100 * np.eye(4), 15, axis=0)):
        assert np.isfinite(layout.umap_2d(x.astype(np.float32), 0)).all()
