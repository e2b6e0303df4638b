"""Areas of tissue by the places of its cells."""

import numpy as np
import pytest

from spclust.analyses.areas import areas


def test_density_is_that_of_the_tissue():
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 1000, (4000, 2))
    hull, area = areas(places)
    assert hull == pytest.approx(1e6, rel=0.02) and area == pytest.approx(1e6, rel=0.1)
    ring = places[np.abs(np.linalg.norm(places - 500, axis=1) - 400) < 60]
    hull, area = areas(ring)
    assert area == pytest.approx(np.pi * (460**2 - 340**2), rel=0.25) and hull > 1.9 * area
    assert np.isnan(areas(places[:5])).all()
    assert np.isnan(areas(np.repeat(places[:1], 50, axis=0))).all()
    assert np.isnan(areas(np.column_stack([np.arange(50.0), np.arange(50.0)]))).all()
