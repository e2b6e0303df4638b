"""Counts, shares and densities of kinds of cells, and what kinds are."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from planted import cells_of

from spclust.analyses import composition as counting
from spclust.analyses.kinds import kinds
from spclust.errors import UserError
from spclust.plan import analyses

SAMPLES = pd.DataFrame(
    {"image": ["a", "b", "c"], "patient": ["01", "01", "02"], "area": [0.5, 1.5, np.nan]}
)


def tissue(n=300):
    """Two images of slice s, one of slice t; a square of 100 µm each."""
    rng = np.random.default_rng(1)
    image = np.array(["a", "b", "c"], dtype=object)[rng.choice(3, n, p=[0.5, 0.3, 0.2])]
    slices = np.where(image == "c", "t", "s").astype(object)
    cells = cells_of(np.zeros((n, 1)), rng.uniform(0, 100, (n, 2)), image, slice=slices, unit="µm")
    types = np.array(["B cell", "Macrophage", "unknown"], dtype=object)[rng.choice(3, n)]
    return cells, types


def counted(cells, types, samples=None, part=None):
    return counting.composition(cells, kinds(types, np.zeros(len(types), int)), samples, part)


def test_the_table_is_as_the_card_declares_it():
    declared = analyses.load()["composition"].columns["composition.csv"]
    assert list(counted(*tissue()).columns) == declared == counting.COLUMNS


def test_counts_and_shares_are_those_of_the_cells():
    cells, types = tissue()
    table = counted(cells, types, SAMPLES)
    assert set(table["of"]) == {"image", "slice", "patient"}
    for _, place in table.groupby(["of", "name"]):
        assert place["share"].sum() == pytest.approx(1, abs=1e-5)
        assert place["cells"].sum() == place["total"].iloc[0]
    assert table.groupby("of")["cells"].sum().eq(len(cells)).all()
    row = table[(table["name"] == "01") & (table["type"] == "B cell")].iloc[0]
    own = np.isin(cells.image, ["a", "b"])
    assert row["cells"] == (types[own] == "B cell").sum() and row["total"] == own.sum()


def test_areas_are_those_of_the_sheet_else_of_the_squares_that_hold_cells():
    cells, types = tissue()
    sizes = counted(cells, types, SAMPLES).drop_duplicates(["of", "name"]).set_index("name")
    assert sizes.loc["a", ["area", "area_by"]].tolist() == [0.5, "sheet"]
    assert sizes.loc["01", ["area", "area_by"]].tolist() == [2.0, "sheet"]
    assert sizes.loc["c", "area_by"] == "cells"
    # a square of 100 µm, and what the squares of the counting stick out
    assert 0.009 < sizes.loc["c", "area"] < 0.02
    table = counted(cells, types, SAMPLES)
    first = table[table["name"] == "a"]
    np.testing.assert_allclose(first["density"], first["cells"] / 0.5, atol=1e-3)


def test_without_micrometres_there_is_no_density():
    cells, types = tissue()
    table = counted(replace(cells, unit="px"), types)
    assert table[["area", "area_by", "density"]].isna().all().all()
    assert table["share"].notna().all()


def test_cells_without_a_place_count_in_shares_and_not_in_densities_by_cells():
    cells, types = tissue()
    lost = np.arange(len(cells)) % 2 == 0
    places = np.where(lost[:, None], np.nan, cells.coordinates)
    table = counted(replace(cells, coordinates=places), types)
    assert table[table["of"] == "image"]["cells"].sum() == len(cells)
    row = table[(table["name"] == "a") & (table["type"] == "B cell")].iloc[0]
    there = ((cells.image == "a") & (types == "B cell") & ~lost).sum()
    assert row["density"] == pytest.approx(there / row["area"], rel=1e-4)


def test_an_image_of_three_cells_and_one_of_a_single_type():
    cells = cells_of(np.zeros((4, 1)), image=["a", "a", "a", "b"], unit="µm")
    table = counted(cells, np.array(["B cell", "B cell", "Macrophage", "B cell"], dtype=object))
    assert table["area"].isna().all()
    of_image = table[table["of"] == "image"].set_index(["name", "type"])["cells"]
    assert of_image.to_dict() == {
        ("a", "B cell"): 2,
        ("a", "Macrophage"): 1,
        ("b", "B cell"): 1,
        ("b", "Macrophage"): 0,
    }


def test_parts_of_the_tissue_are_counted_beside_all_of_it():
    cells, types = tissue()
    part = np.where(cells.coordinates[:, 0] < 50, "tumour", "stroma").astype(object)
    table = counted(cells, types, SAMPLES, part)
    assert set(table["part"]) == {"all", "tumour", "stroma"}
    by_part = table.groupby(["part", "of"])["cells"].sum()
    assert by_part["all", "image"] == len(cells)
    assert by_part["tumour", "slice"] == (part == "tumour").sum()
    # a sheet's area is that of the whole image
    assert set(table.query("part != 'all'")["area_by"]) == {"cells"}


def test_a_column_that_is_not_there_is_told_with_those_that_are():
    obs = pd.DataFrame({"Region": ["x", None], "size": [1.0, 2.0]}, index=["1", "2"])
    data = SimpleNamespace(obs=obs, mod={})
    assert counting.parts(data, ["2", "1"], "Region").tolist() == ["none", "x"]
    with pytest.raises(UserError, match="no column 'region'; columns of text are Region"):
        counting.parts(data, ["1", "2"], "region")


def test_the_order_of_the_cells_does_not_matter():
    cells, types = tissue()
    order = np.random.default_rng(2).permutation(len(cells))
    pd.testing.assert_frame_equal(
        counted(cells, types, SAMPLES), counted(cells.take(order), types[order], SAMPLES)
    )


def test_an_image_without_patient_is_said_and_left_out(caplog):
    samples = SAMPLES.assign(patient=["01", None, "02"])
    table = counted(*tissue(), samples)
    assert set(table[table["of"] == "patient"]["name"]) == {"01", "02"}
    assert "1 of 3 images have no patient" in caplog.text


def test_kinds_are_types_where_there_are_any_else_clusters():
    types = np.array(["unknown", "B cell", "T cell", "B cell"], dtype=object)
    told = kinds(types, np.zeros(4, int), ["T cell", "Macrophage", "B cell"])
    assert told.names == ["T cell", "B cell", "unknown"] and told.what == "type"
    assert told.of_cells.tolist() == types.tolist()
    found = kinds(np.full(4, "unknown", dtype=object), np.array([10, 2, -1, 10]))
    assert found.names == ["cluster 2", "cluster 10", "outlier"] and found.what == "cluster"
    assert found.codes.tolist() == [1, 0, 2, 1]
