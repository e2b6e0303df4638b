"""BANKSY: its kernels against dense sums, and what its lambda does."""

from dataclasses import replace

import numpy as np
import pytest
from planted import crossing, expression_types, run, spatial_domains
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import banksy as recipe


@pytest.fixture(scope="module")
def domains():
    return spatial_domains(0)


def test_kernels_are_the_written_sums_and_cross_no_image(domains):
    cells = domains[0].take(slice(80))
    places, x, k = cells.coordinates.astype(float), cells.matrix.astype(float), 4
    mean, gradient = recipe.surroundings(x, places, cells.image, k)
    for i in (0, 17, 79):
        gap = places - places[i]
        distance = np.linalg.norm(gap, axis=1)
        distance[(cells.image != cells.image[i]) | (np.arange(80) == i)] = np.inf
        for count, wave in ((k, False), (2 * k, True)):
            near = np.argsort(distance)[:count]
            weight = np.exp(-((distance[near] / np.median(distance[near])) ** 2))
            weight /= weight.sum()
            local = weight @ x[near]
            if wave:
                angle = np.arctan2(gap[near, 1], gap[near, 0])
                turned = (weight * np.exp(1j * angle)) @ (x[near] - local)
                np.testing.assert_allclose(gradient[i], np.abs(turned), rtol=1e-9)
            else:
                np.testing.assert_allclose(mean[i], local, rtol=1e-9)
    assert crossing(recipe.kernel(places, cells.image, k, 0), cells.image) == 0


def test_a_step_has_a_gradient_and_a_plain_has_none():
    side = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), axis=-1).reshape(-1, 2)
    step = (side[:, :1] > 5.5).astype(float)
    mean, gradient = recipe.surroundings(
        np.hstack([step, np.ones_like(step)]), side, np.zeros(144), 8
    )
    inner = (np.abs(side - 5.5) < 4).all(axis=1)
    edge = inner & (np.abs(side[:, 0] - 5.5) < 1)
    assert gradient[edge, 0].min() > 0.2 and np.abs(gradient[:, 1]).max() < 1e-9
    far = inner & (np.abs(side[:, 0] - 5.5) > 3)
    assert gradient[far, 0].max() < 1e-9
    assert np.allclose(mean[:, 1], 1)


def test_blocks_have_the_weights_of_lambda(domains):
    cells = domains[0]
    d, places = cells.matrix.shape[1], cells.coordinates.astype(float)
    found = recipe.blocks(cells.matrix.astype(float), places, cells.image, 15, 0.3)
    variance = found.var(axis=0).reshape(3, d)
    np.testing.assert_allclose(variance, np.array([[0.7], [0.2], [0.1]]) * np.ones((3, d)))


def test_a_small_lambda_finds_types_and_a_large_one_domains(domains):
    types = expression_types(0)
    assert adjusted_rand_score(types[1], run("banksy", types[0]).labels) > 0.9
    cells, reference = domains
    near, far = (
        adjusted_rand_score(reference, run("banksy", cells, share=s).labels) for s in (0.0, 0.8)
    )
    assert far > near + 0.2


def test_cells_alone_or_at_one_point_are_clustered():
    cells, _ = expression_types(0)
    cells = cells.take(slice(30))
    alone = np.array([f"i{i}" for i in range(30)], dtype=object)
    assert len(run("banksy", replace(cells, image=alone)).labels) == 30
    lost = np.where(np.arange(30)[:, None] == 3, np.nan, cells.coordinates).astype(np.float32)
    with pytest.raises(UserError, match="method.banksy: the method needs the place of each cell"):
        run("banksy", replace(cells, coordinates=lost))
    heap = replace(cells, coordinates=np.zeros((30, 2), np.float32))
    assert len(run("banksy", heap).labels) == 30
