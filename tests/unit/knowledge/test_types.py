"""Types of single cells: scores, probabilities and first labels."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from named_types import PANEL, TYPES, planted
from planted import cells_of
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.knowledge import types as celltypes
from spclust.stages import pseudolabels


def test_cells_have_the_probabilities_of_their_types():
    cells, truth = planted()
    scores = celltypes.score(cells)
    assert scores.probability.shape == (len(cells), len(scores.types) + 1)
    np.testing.assert_allclose(scores.probability.sum(axis=1), 1)
    best = np.array([*scores.types, "unknown"])[scores.probability.argmax(axis=1)]
    known = best != "unknown"
    assert (best == np.array(list(TYPES))[truth])[known].mean() > 0.85 and known.mean() > 0.6
    # wider types that narrower ones can stand for are left out
    assert not {"Leukocyte", "T cell"} & set(scores.types)


def test_cells_that_fit_nothing_are_unknown():
    cells, truth = planted({**TYPES, "odd": "Ki67", "none": ""})
    scores = celltypes.score(cells)
    unknown = scores.probability.argmax(axis=1) == len(scores.types)
    assert unknown[truth >= len(TYPES)].mean() > 0.6 > 0.4 > unknown[truth < len(TYPES)].mean()


def test_features_left_aside_tell_types_too():
    cells, _ = planted()
    x, names = cells.features["protein"], cells.names["protein"]
    some = replace(
        cells,
        features={"protein": x[:, :6]},
        names={"protein": names[:6]},
        aside={"protein": x[:, 6:]},
        aside_names={"protein": names[6:]},
    )
    assert "Epithelial cell" in celltypes.score(some).types


@pytest.mark.parametrize("asked", [7, 10])
def test_planted_types_are_found_whatever_the_number_asked(asked, caplog):
    cells, truth = planted(seed=2)
    with caplog.at_level(logging.INFO):
        labels = celltypes.first_labels(cells, asked, seed=0)
    assert adjusted_rand_score(truth, labels) > 0.8
    assert 7 <= len(np.unique(labels)) <= asked and "types found: {'CD4 T cell': " in caplog.text
    assert (np.diff(np.bincount(labels)) <= 0).all()


def test_types_are_counted_where_names_tell_five(caplog):
    caplog.set_level(logging.INFO)
    cells, _ = planted()
    assert celltypes.number_of_types(cells) == len(TYPES)
    few, names = cells.features["protein"][:, :3], cells.names["protein"][:3]
    assert (
        celltypes.number_of_types(
            replace(cells, features={"protein": few}, names={"protein": names})
        )
        is None
    )
    assert "the features tell 3 types only, too few to count by" in caplog.text
    nameless = replace(
        cells,
        names={"protein": np.array([f"p{i}" for i in range(len(few.T))])},
        features={"protein": few},
    )
    assert celltypes.number_of_types(nameless) is None
    assert "types cannot be counted" in caplog.text


def test_markers_without_a_type_do_not_keep_types_that_are_there_from_being_found():
    some = {name: TYPES[name] for name in ("CD8 T cell", "CD4 T cell", "Epithelial cell")}
    cells, truth = planted(some, n=100)
    labels = celltypes.first_labels(cells, 3, seed=0)
    assert adjusted_rand_score(truth, labels) > 0.7 and len(np.unique(labels)) == 3


def test_more_types_than_clusters_are_merged_the_nearest_first():
    y = np.array([[0.0], [0.1], [5.0], [5.1], [5.2], [9.0]])
    labels = np.array([0, 0, 1, 1, 1, 2])
    assert celltypes._nearest_merged(y, labels).tolist() == [0, 0, 1, 1, 1, 1]
    cells, truth = planted(n=100)
    assert len(np.unique(celltypes.first_labels(cells, 4, seed=0))) == 4


def test_a_large_unknown_group_becomes_a_cluster_where_there_is_room():
    cells, truth = planted({**TYPES, "odd": "Ki67"}, n=100)
    odd = truth == len(TYPES)
    labels = celltypes.first_labels(cells, len(TYPES) + 1, seed=0)
    own = np.bincount(labels[odd]).argmax()
    assert (labels[odd] == own).mean() > 0.7 and (labels[~odd] == own).mean() < 0.15


def test_a_prior_keeps_a_group_at_its_type():
    """Two groups of which the data see one: without the prior they would share it at will."""
    x = np.random.default_rng(0).normal(size=(200, 2))
    start = np.arange(200)[:, None] % 2 == [0, 1]
    prior = np.where(start, 0.99, 0.01)
    labels, y = celltypes.refined(x, prior, start)
    assert (labels == np.arange(200) % 2).all() and y.shape == x.shape


def test_same_seed_same_labels_and_a_number_above_the_types_is_no_fault():
    cells, _ = planted()
    settings = {"method": "signatures", "n_neighbors": 15, "expression_within": "cohort"}
    one, two = (pseudolabels.assign(cells, 12, 3, **settings) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.max() < 12


def test_a_panel_that_tells_no_types_is_refused():
    cells, _ = planted()
    strange = cells_of(cells.matrix, names=[f"p{i}" for i in range(len(PANEL))])
    with pytest.raises(UserError, match="knowledge.signatures"):
        celltypes.first_labels(strange, 3, seed=0)
