"""SpaGCN by its package: finds domains, keeps images apart, refuses what memory cannot hold."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from planted import oversampled, spatial_domains
from planted import run as run_any
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import spagcn
from spclust.methods.task import Machine

# the authors' share of neighbours is for spots of many cells; single cells tell less
WIDE = {"neighbour_share": 5.0}


def run(cells, seed=0, n_clusters=3, **changes):
    return run_any("spagcn", cells, seed, n_clusters, **changes)


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip(
        "SpaGCN", reason="needs: pip install --no-deps -r envs/requirements-spagcn.txt"
    )


@pytest.fixture(scope="module")
def planted():
    return spatial_domains(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


def test_it_finds_domains_that_cells_alone_do_not_show(package, planted):
    cells, reference = planted
    result, alone = run(cells, **WIDE), run_any("kmeans", cells)
    assert adjusted_rand_score(reference, result.labels) > 0.6
    assert adjusted_rand_score(reference, alone.labels) < 0.3
    assert result.embedding.shape == (600, 11) and not result.tables


@pytest.mark.parametrize("n_clusters", [1, 2, 5])
def test_the_asked_number_of_clusters_comes_out_largest_first(package, cells, n_clusters):
    sizes = np.bincount(run(cells, n_clusters=n_clusters).labels)
    assert len(sizes) == n_clusters and (sizes == sorted(sizes)[::-1]).all() and sizes.all()


def test_a_seed_repeats_to_the_byte_and_another_differs(package, cells):
    first, second, other = (run(cells, seed, epochs=4) for seed in (3, 3, 4))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert first.embedding.tobytes() != other.embedding.tobytes()


def test_distances_are_euclidean_within_and_infinite_between_images(package, cells):
    places, images = cells.coordinates.astype(float), cells.image
    found = spagcn.distances(package, places, images)
    expected = np.linalg.norm(places[:, None] - places[None], axis=2)
    same = images[:, None] == images[None]
    np.testing.assert_allclose(found[same], expected[same], atol=1e-4)
    assert np.isinf(found[~same]).all()


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("rows", [2000, 300])
def test_the_reach_follows_the_unit_of_the_coordinates(package, cells, unit, rows, monkeypatch):
    monkeypatch.setattr(spagcn, "ROWS", rows)
    places, images = cells.coordinates * unit, cells.image
    between = spagcn.distances(package, places, images)
    reach = spagcn.length_scale(package, between, places, images, 0.5)
    weights = np.exp(-((between / reach) ** 2) / 2)
    assert weights.sum(1).mean() - 1 == pytest.approx(0.5, abs=0.05)


def test_synthetic_cells_are_seen_but_get_no_labels(package, cells):
    result = run(oversampled(cells), epochs=2)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 600
    assert result.embedding.tobytes() != run(cells, epochs=2).embedding.tobytes()


def test_confidence_is_a_share(package, cells):
    confidence = run(cells, epochs=2).confidence
    assert (confidence >= 1 / 3 - 1e-6).all() and (confidence <= 1).all()


def test_cells_alone_in_their_images_are_told(package, cells):
    images = np.array([f"image_{i}" for i in range(20)], dtype=object)
    alone = replace(cells.take(slice(20)), image=images)
    with pytest.raises(
        UserError,
        match="no length l makes neighbours weigh 0.5 .*x, y and image, or change "
        "method.spagcn.neighbour_share",
    ):
        run(alone)


def test_too_many_cells_are_refused_with_what_they_would_take(cells):
    with pytest.raises(
        UserError,
        match=r"600 cells need about 0 GB of memory and method\.spagcn\.max_cells is 599; raise",
    ):
        run(cells, max_cells=599)


def test_it_keeps_no_checkpoint(package, cells, tmp_path):
    path = tmp_path / "checkpoint.pt"
    run(cells, epochs=2, machine=Machine("cpu", checkpoint=path, checkpoint_every=1))
    assert not path.exists()


def test_a_missing_package_is_told_with_the_command(cells, monkeypatch):
    monkeypatch.setitem(sys.modules, "SpaGCN", None)
    with pytest.raises(UserError, match=r"pip install --no-deps -r envs/requirements-spagcn\.txt"):
        run(cells)
