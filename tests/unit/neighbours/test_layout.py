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


def test_umap_of_equal_cells_and_of_separate_groups_is_finite():
    for x in (np.ones((30, 4)), np.repeat(100 * np.eye(4), 15, axis=0)):
        assert np.isfinite(layout.umap_2d(x.astype(np.float32), 0)).all()
