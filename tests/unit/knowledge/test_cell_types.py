"""Types of single cells: of planted ones, of panels of all kinds, and how sure they are."""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from named_types import PANEL, TYPES, planted
from planted import cells_of

from spclust.knowledge import cell_types
from spclust.knowledge.signatures import read_signatures, told_by


def told(types=TYPES, groupings=None, **others):
    cells, truth = planted(types, **others)
    return cell_types.tell(cells, [truth] if groupings is None else groupings), truth


def test_planted_cells_get_their_types():
    found, truth = told()
    name, probability = found.narrowest()
    assert (name == np.array(list(TYPES))[truth]).mean() > 0.97
    assert found.probability.shape == (len(truth), len(found.types) + 1)
    np.testing.assert_allclose(found.probability.sum(axis=1), 1)
    assert ((0 < probability) & (probability <= 1 + 1e-9)).all()


def test_clusters_help_cells_whose_own_markers_are_unclear():
    alone, truth = told(high=1.5, groupings=[np.zeros(60 * len(TYPES), dtype=int)])
    together, _ = told(high=1.5)
    names = np.array(list(TYPES))[truth]
    right = [(found.narrowest()[0] == names).mean() for found in (alone, together)]
    assert right[1] > right[0] + 0.05


def test_a_cell_goes_by_itself_where_its_cluster_is_of_another_type():
    cells, truth = planted(high=6.0)
    clusters = truth.copy()
    moved = np.flatnonzero(truth == list(TYPES).index("Epithelial cell"))[:5]
    clusters[moved] = list(TYPES).index("B cell")
    name, _ = cell_types.tell(cells, [clusters]).narrowest()
    assert (name[moved] == "Epithelial cell").all()


def test_types_do_not_depend_on_spelling_or_order():
    cells, truth = planted()
    aliases = "PTPRC CD3e cd4 CD8A MS4A1 CD68 PECAM1 αSMA Pan-Keratin MKI67".split()
    order = np.random.default_rng(1).permutation(len(PANEL))
    same = cells_of(cells.matrix[:, order], names=[aliases[i] for i in order])
    one, other = (cell_types.tell(c, [truth]) for c in (cells, same))
    assert one.types == other.types
    np.testing.assert_allclose(one.probability, other.probability)


def test_shares_of_clusters_say_the_same_as_clusters_they_are_sure_of():
    cells, truth = planted()
    shares = np.eye(len(TYPES))[truth]
    hard, soft = (cell_types.tell(cells, [grouping]) for grouping in (truth, shares))
    np.testing.assert_allclose(hard.probability, soft.probability)


def test_cells_without_a_type_are_unknown():
    found, truth = told({**TYPES, "none": ""}, n=100)
    none = found.narrowest()[0] == cell_types.UNKNOWN
    assert none[truth == len(TYPES)].mean() > 0.4 and none[truth < len(TYPES)].mean() < 0.02


def test_a_cell_that_may_be_either_gets_the_wider_type():
    """T cells with CD4 and CD8 alike, and nothing that tells which."""
    lineage = {"A": ["A"], "B": ["B", "A"], "C": ["C", "A"], "D": ["D"]}
    p = np.array(
        [
            [0.45, 0.45, 0.05, 0.05],
            [0.70, 0.10, 0.10, 0.10],
            [0.40, 0.25, 0.20, 0.15],
            [0.25, 0.20, 0.35, 0.20],
            [0.20, 0.20, 0.25, 0.35],
        ]
    )
    found = cell_types.CellTypes(["B", "C", "D"], p, lineage, [], None, None, {}, {})
    name, probability = found.narrowest()
    # of .4 and .25 the first is more than half of them
    assert name.tolist() == ["A", "B", "B", "D", cell_types.UNKNOWN]
    np.testing.assert_allclose(probability, [0.9, 0.7, 0.4, 0.35, 0.35])
    p = np.array([[0.3, 0.3, 0.3, 0.1]])
    four = cell_types.CellTypes(
        ["B", "C", "E"], p, lineage | {"E": ["E", "A"]}, [], None, None, {}, {}
    )
    assert four.narrowest()[0].tolist() == ["A"]
    np.testing.assert_allclose(four.narrowest()[1], [0.9])


def test_sets_hold_as_much_as_was_asked_where_probabilities_are_true():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.4] * 6, size=20_000)
    truth = (rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    found = cell_types.CellTypes(
        list("abcde"), p, {t: [t] for t in "abcde"}, [], None, None, {}, {}
    )
    for coverage in (0.8, 0.9, 0.95):
        sets = found.sets(coverage)
        assert abs(sets[np.arange(len(p)), truth].mean() - coverage) < 0.03
        assert sets[np.arange(len(p)), p.argmax(axis=1)].all()
    assert found.sets(0.8).sum() < found.sets(0.95).sum()


def test_a_marker_of_many_cells_counts_as_one_of_few():
    """The level in cells that have a protein is about 3, however many they are."""
    cells, truth = planted(n=200)
    b = list(TYPES).index("B cell")
    levels = []
    for times in (1, 8):
        rows = np.r_[np.flatnonzero(truth != b), np.tile(np.flatnonzero(truth == b), times)]
        found = cell_types.tell(cells.take(rows), [truth[rows]])
        level = found.levels[:, found.proteins.index("MS4A1")]
        levels.append(level[truth[rows] == b].mean() - level[truth[rows] != b].mean())
    assert 2.4 < min(levels) and max(levels) < 3.6


def test_a_panel_without_the_marker_of_a_wider_type_tells_the_narrow_one():
    few = {"CD8A", "FOXP3", "CD68", "PanCK"}
    signatures = read_signatures()
    told = told_by(few, signatures, inherited=True)
    assert {"CD8 T cell", "Regulatory T cell"} <= set(told)
    assert "T cell" not in told and told["CD8 T cell"].positive == (("CD8A",),)
    assert not {"CD8 T cell", "Regulatory T cell"} & set(told_by(few, signatures))
    # its own marker cannot be missing
    assert "CD8 T cell" not in told_by({"CD3E", "CD68"}, signatures, inherited=True)


@pytest.mark.parametrize("names", [["p1", "p2", "p3"], ["CD3", "p2", "p3"]])
def test_a_panel_that_tells_no_types_says_so_in_a_line(names, caplog):
    cells = cells_of(np.random.default_rng(0).normal(size=(30, 3)), names=names)
    caplog.set_level(logging.WARNING)
    assert cell_types.tell(cells, [np.zeros(30, dtype=int)]) is None
    assert len(caplog.records) == 1 and "config: knowledge" in caplog.text


def test_features_left_aside_tell_types_too():
    cells, truth = planted()
    x, names = cells.features["protein"], cells.names["protein"]
    some = replace(
        cells,
        features={"protein": x[:, :6]},
        names={"protein": names[:6]},
        aside={"protein": x[:, 6:]},
        aside_names={"protein": names[6:]},
    )
    pd.testing.assert_series_equal(
        pd.Series(cell_types.tell(some, [truth]).narrowest()[0]),
        pd.Series(cell_types.tell(cells, [truth]).narrowest()[0]),
    )


def test_stains_that_differ_between_slices_mislead_nobody():
    """Two slices, the second with twice the background of all proteins and more of one type."""
    cells, truth = planted(n=150, high=3.0)
    x, second = cells.matrix.copy(), np.arange(len(truth)) % 2 == 1
    x[second] += 4
    of_slice = np.where(second, "b", "a").astype(object)
    names = np.array(list(TYPES))[truth]
    right = []
    for slices in (of_slice, np.full(len(x), "one", dtype=object)):
        found = cell_types.tell(cells_of(x, names=PANEL, slice=slices), [np.zeros(len(x), int)])
        right.append((found.narrowest()[0] == names).mean())
    assert right[0] > right[1] + 0.2 and right[0] > 0.8
