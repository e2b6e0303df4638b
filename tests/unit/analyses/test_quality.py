"""Quality of a dataset: planted faults are found, tissue without faults gives no suggestion."""

import json
import re

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_tables import CARD, imported, left_by_quality, task_of, tissue

from spclust.analyses import task as tasks
from spclust.analyses.quality import outliers, page, quality, spill_over, thresholds
from spclust.io.importing import import_cells
from spclust.knowledge.signatures import read_signatures
from spclust.plots import datasets


def looked_at(cells, **changes):
    """What the analysis leaves, by name without the suffix."""
    left = quality.analyse(task_of(imported(cells), **changes))
    return {name.partition(".")[0]: found for name, found in left.items() if name[-4:] == ".csv"}


def row(table, **of):
    (found,) = table[np.logical_and.reduce([table[k] == v for k, v in of.items()])].itertuples()
    return found


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"seed": 1, "spill_over": 0.25, "staining": 0.15, "noise": 0.7, "imbalance": 30},
        {"seed": 2, "n_images": 1, "n_cells": 1000},
        {"seed": 3, "names": "generic", "n_proteins": 24, "n_images": 8},
    ],
    ids=["plain", "hard", "one image", "generic"],
)
def test_tissue_without_faults_gives_no_suggestion(others):
    found = looked_at(tissue(**others))
    assert found["suggestions"].empty
    assert found["flagged_cells"].empty
    assert not found["markers"]["no_signal"].any() and not found["images"]["outlier"].any()
    assert (found["markers"]["saturated"] == 0).all()


def test_the_tables_are_what_the_card_declares(tmp_path):
    folder = left_by_quality(tmp_path / "quality")
    assert {p.name for p in folder.iterdir()} == set(CARD.writes)
    assert "labels" not in CARD.needs


@pytest.mark.parametrize(
    "noise",
    [
        lambda rng, n: rng.lognormal(2, 0.5, n),
        lambda rng, n: rng.gamma(2, 0.1, n),
        lambda rng, n: rng.poisson(2, n),
        lambda rng, n: np.full(n, 3.0),
    ],
    ids=["log-normal", "gamma", "counts", "constant"],
)
def test_a_dead_marker_is_found_and_its_line_leaves_out_that_column_alone(noise):
    cells = tissue()
    names = cells.var_names.to_list()
    names[3] = "CD3 (UCHT1)"
    cells.var_names = names
    cells.X[:, 3] = noise(np.random.default_rng(0), len(cells))
    found = looked_at(cells)
    markers = found["markers"]
    assert markers[markers["no_signal"]]["marker"].to_list() == ["CD3 (UCHT1)"]
    (advice,) = found["suggestions"].itertuples()
    (key, patterns), *others = yaml.safe_load(advice.line).items()
    assert key == "exclude_proteins" and not others
    left_out = [n for n in [*names, "CD3", "DNA1"] if any(re.search(p, n) for p in patterns)]
    assert left_out == ["CD3 (UCHT1)"] and "CD3 (UCHT1)" in advice.reason


def test_a_marker_of_a_very_rare_type_is_not_taken_for_dead():
    cells = tissue()
    rng = np.random.default_rng(0)
    cells.X[:, 3] = rng.lognormal(2, 0.4, len(cells))
    cells.X[rng.choice(len(cells), 8, replace=False), 3] *= 30
    assert not looked_at(cells)["markers"]["no_signal"].any()


def test_a_marker_of_few_cells_among_zeros_is_not_taken_for_dead():
    cells = tissue()
    rng = np.random.default_rng(0)
    cells.X[:, 3] = rng.lognormal(0, 0.4, len(cells)) * (rng.random(len(cells)) < 0.03)
    found = looked_at(cells)
    assert not found["markers"]["no_signal"].any() and found["suggestions"].empty


def test_cells_of_shares_are_not_empty():
    cells = tissue()
    cells.X = 100 * cells.X / cells.X.sum(axis=1, keepdims=True)
    found = looked_at(cells)
    assert found["suggestions"].empty and found["flagged_cells"].empty


def test_noise_alone_says_to_look_at_the_columns_and_gives_no_line():
    cells = tissue(1000, 1)
    cells.X = np.random.default_rng(0).lognormal(2, 0.5, cells.shape)
    (advice,) = looked_at(cells)["suggestions"].itertuples()
    assert advice.line == "" and advice.number == 30
    assert "and 25 more" in advice.reason and "right columns" in advice.reason


def test_lines_of_a_cohort_go_to_its_slices():
    cells = tissue(1500, 2)
    cells.X[:, 3] = 1.0
    data = imported(cells)
    data.obs["slice"] = data.obs["image"]
    advice = quality.analyse(task_of(data))["suggestions.csv"]
    assert advice["where"].to_list() == ["entry of each slice"]


def test_saturated_markers_and_cells_are_counted():
    cells = tissue()
    for j, share in enumerate([0.9, 0.95, 0.97]):
        cells.X[:, j] = cells.X[:, j].clip(max=np.quantile(cells.X[:, j], share))
    found = looked_at(cells)
    np.testing.assert_allclose(found["markers"]["saturated"][:4], [0.1, 0.05, 0.03, 0], atol=2e-3)
    at_top = (cells.X[:, :3] == cells.X[:, :3].max(axis=0)).all(axis=1)
    flags = found["flagged_cells"]
    assert set(flags["cell"]) == set(cells.obs_names[at_top]) and len(flags) >= 5
    assert set(flags["reason"]) == {"saturated"}


def test_counts_with_a_natural_maximum_are_not_saturated():
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, 5000).astype(float)
    assert not outliers.saturated(counts).any()
    assert outliers.saturated(np.minimum(rng.lognormal(size=5000), 3)).mean() > 0.05


def test_an_image_stained_apart_is_an_outlier_and_combat_is_suggested():
    cells = tissue(3000, 6)
    odd = (cells.obs["sample"] == "image_2").to_numpy()
    factor = np.exp(np.random.default_rng(0).choice([-1.3, 1.3], cells.n_vars))
    cells.X[odd] *= factor.astype(np.float32)
    found = looked_at(cells)
    assert found["images"].set_index("image")["outlier"].to_dict() == {
        f"image_{i + 1}": i == 1 for i in range(6)
    }
    (advice,) = found["suggestions"].itertuples()
    assert yaml.safe_load(advice.line) == {
        "preprocess": {"default": {"batch_correction": "combat"}}
    }
    by = found["corrections"].set_index("correction")
    assert set(by.index) == {"none", "scale_within", "combat", "harmony"}
    for better in ("scale_within", "combat"):
        assert by.at[better, "variance"] < 0.2 * by.at["none", "variance"]
        assert by.at[better, "discordance"] < 0.5 * by.at["none", "discordance"]
        assert by.at[better, "kept"] > 0.99


def test_signal_is_looked_for_where_staining_is_as_usual():
    cells = tissue(3000, 6)
    odd = (cells.obs["sample"] == "image_2").to_numpy()
    cells.X[odd] *= np.exp(np.random.default_rng(0).choice([-1.3, 1.3], cells.n_vars))
    with_it, without = looked_at(cells), looked_at(cells[~odd].copy())
    for column in ("positive", "explained", "spatial", "valley"):
        difference = with_it["markers"][column] - without["markers"][column]
        assert difference.abs().max() < 0.1, column
    pairs = [found["pairs"].set_index(["marker_1", "marker_2"]) for found in (with_it, without)]
    assert (pairs[0]["share"] - pairs[1]["share"]).abs().max() < 0.05


def test_images_of_other_composition_are_no_outliers():
    cells = tissue(4000, 4)
    # of one image nothing but epithelium is left, nearly
    other = (cells.obs["cell_type"] != "Epithelial cell") & (cells.obs["sample"] == "image_1")
    kept = ~other | (np.random.default_rng(0).random(len(cells)) < 0.1)
    found = looked_at(cells[kept.to_numpy()].copy())
    assert not found["images"]["outlier"].any() and found["suggestions"].empty


def test_spill_over_is_explained_by_the_cells_next_door():
    explained = []
    for share in (0.0, 0.3, 0.5):
        cells = tissue(3000, 2, spill_over=share)
        pairs = looked_at(cells)["pairs"]
        explained.append(np.average(pairs["explained"], weights=pairs["both"]))
    assert explained[0] + 0.1 < explained[1] < explained[2] - 0.1
    # the same cells at places of others have neighbours that explain nothing
    cells.obsm["spatial"] = np.random.default_rng(0).permutation(cells.obsm["spatial"])
    pairs = looked_at(cells)["pairs"]
    assert len(pairs) > 20 and np.average(pairs["explained"], weights=pairs["both"]) < 0.1


def test_doublets_are_larger_than_cells_with_one_of_both_markers():
    cells = tissue(4000, 2, spill_over=0.0, noise=0.3)
    kinds = cells.obs["cell_type"].to_numpy()
    one, other = (np.flatnonzero(kinds == k)[:60] for k in ("CD4 T cell", "B cell"))
    cells.X[one] += cells.X[other]
    cells.obs.iloc[one, cells.obs.columns.get_loc("area")] += (
        cells.obs["area"].iloc[other].to_numpy()
    )
    pairs = looked_at(cells)["pairs"]
    assert row(pairs, marker_1="CD3E", marker_2="MS4A1").area_ratio > 1.5
    assert row(pairs, marker_1="CD68", marker_2="MS4A1").area_ratio < 1.5


def test_debris_and_clumps_get_bounds_that_keep_the_others():
    cells = tissue(3000)
    area = cells.obs["area"].to_numpy(copy=True)
    area[:30], area[30:40] = 2.0, 5000.0
    cells.obs["area"] = area
    found = looked_at(cells)
    (advice,) = found["suggestions"].itertuples()
    ((column, (low, high)),) = yaml.safe_load(advice.line)["exclude_cells"].items()
    assert column == "area" and list(found["limits"]["what"]) == [
        "sum of all values",
        "area",
        "DNA1",
    ]
    assert ((area < low) | (area > high)).sum() == advice.cells == 40
    assert set(found["flagged_cells"]["cell"]) == set(cells.obs_names[:40])


def test_bounds_of_several_columns_stand_in_one_line_each_side_only_where_cells_are_odd():
    cells = tissue(3000)
    for column, value, rows in (("area", 2.0, range(30)), ("DNA1", 900.0, range(50, 70))):
        values = cells.obs[column].to_numpy(copy=True)
        values[list(rows)] = value
        cells.obs[column] = values
    (advice,) = looked_at(cells)["suggestions"].itertuples()
    bounds = yaml.safe_load(advice.line)["exclude_cells"]
    assert bounds["area"][0] > 2 and bounds["area"][1] is None
    assert bounds["DNA1"][0] is None and bounds["DNA1"][1] < 900 and advice.cells == 50


def test_what_is_pasted_is_understood_and_leaves_nothing_to_suggest(tmp_path):
    cells = tissue(2400, 2)
    cells.var_names = [*cells.var_names[:3], "CD5 (4C7)", *cells.var_names[4:]]
    cells.X[:, 3] = np.random.default_rng(0).lognormal(2, 0.5, len(cells))
    cells.obs["Cell: Area µm^2"] = np.where(np.arange(2400) < 25, 1.0, cells.obs.pop("area"))
    places = pd.DataFrame(cells.obsm["spatial"], cells.obs_names, ["x", "y"])
    table = pd.concat([cells.obs, places, cells.to_df()], axis=1)
    table.to_csv(tmp_path / "cells.csv", index_label="cell_id")
    entry = {"name": "mine", "image": "sample", "label": "cell_type", "x": "x", "y": "y"}
    data, _ = import_cells([tmp_path / "cells.csv"], entry)
    advice = quality.analyse(task_of(data))["suggestions.csv"]
    assert list(advice["what"]) == ["odd cells", "no signal"]
    pasted = {k: v for line in advice["line"] for k, v in yaml.safe_load(line).items()}
    again, _ = import_cells([tmp_path / "cells.csv"], entry | pasted)
    assert data["protein"].n_vars == 30 and again["protein"].n_vars == 29
    assert again.n_obs == 2375 and "CD5" not in again["protein"].var_names
    assert quality.analyse(task_of(again))["suggestions.csv"].empty


def drawn(rng, kind):
    """Values of an odd kind, shape (n, d)."""
    return {
        "two cells": lambda: rng.lognormal(size=(2, 2)),
        "an image a cell": lambda: rng.lognormal(size=(2, 3)),
        "constant": lambda: np.ones((60, 3)),
        "zeros": lambda: np.zeros((60, 3)),
        "two markers": lambda: rng.lognormal(size=(500, 2)),
        "standardised": lambda: rng.normal(size=(500, 5)),
        "gates": lambda: rng.integers(0, 2, (300, 4)),
        "wide": lambda: rng.lognormal(size=(100, 400)),
    }[kind]()


KINDS = ["two cells", "an image a cell", "constant", "zeros", "two markers", "standardised"]


@pytest.mark.parametrize("places", [True, False], ids=["places", "no places"])
@pytest.mark.parametrize("kind", [*KINDS, "gates", "wide"])
def test_odd_tables_have_tables_and_figures_too(kind, places, tmp_path):
    rng = np.random.default_rng(0)
    x = drawn(rng, kind).astype(np.float32)
    cells = anndata.AnnData(x, var=pd.DataFrame(index=[f"p{i}" for i in range(x.shape[1])]))
    cells.obs_names = [f"cell_{i}" for i in range(len(x))]
    cells.obs["sample"] = ["001" if i % 2 else "NA" for i in range(len(x))]
    cells.obsm["spatial"] = (
        rng.uniform(0, 100, (len(x), 2)) if places else np.full((len(x), 2), np.nan)
    )
    tasks.run(CARD.module, task_of(imported(cells)), tmp_path / "quality", CARD.columns)
    datasets.plot_dataset(tmp_path / "figures", {"quality": tmp_path / "quality"})
    assert (tmp_path / "figures/quality_images.png").stat().st_size > 1000
    assert (tmp_path / "figures/quality_markers.png").exists() == (kind != "wide")


def test_gates_are_positive_where_they_are_one():
    cells = tissue(600, 1)
    cells.X[:, 3] = np.arange(600) % 3 == 0
    markers = looked_at(cells)["markers"]
    assert markers["positive"][3] == pytest.approx(1 / 3, abs=1e-3)


def test_cells_without_signal_are_empty():
    cells = tissue()
    cells.X[:20] = 0
    found = looked_at(cells)
    assert set(found["flagged_cells"]["cell"]) == set(cells.obs_names[:20])
    assert found["images"]["empty"].sum() > 0
    assert found["suggestions"]["what"].to_list() == ["empty"]


def test_cells_without_places_have_neither_density_nor_neighbours():
    cells = tissue(800, 2)
    cells.obsm["spatial"][:] = np.nan
    found = looked_at(cells)
    assert found["images"]["density"].isna().all() and found["markers"]["spatial"].isna().all()
    assert found["pairs"]["explained"].isna().all() and len(found["pairs"])


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_says_nothing(random):
    cells = tissue(400, 2)
    order = list(range(len(cells)))
    random.shuffle(order)
    one, other = looked_at(cells, sampled_cells=1000), looked_at(cells[order].copy())
    for name, table in one.items():
        pd.testing.assert_frame_equal(table, other[name], rtol=1e-5)


def test_a_sample_is_drawn_of_very_many_cells():
    cells = tissue(3000, 2)
    whole, part = looked_at(cells), looked_at(cells, sampled_cells=1500)
    assert part["images"]["cells"].sum() == 3000
    difference = whole["markers"]["positive"] - part["markers"]["positive"]
    assert 0 < np.abs(difference).max() < 0.1


def test_values_that_are_missing_or_negative_are_taken():
    cells = tissue(800, 2)
    cells.X = np.asarray((cells.X - cells.X.mean(axis=0)) / cells.X.std(axis=0))
    cells.X[:40, 2] = np.nan
    markers = looked_at(cells)["markers"]
    assert markers["missing"][2] == 0.05 and (markers["missing"].drop(2) == 0).all()


def test_pairs_speak_against_each_other_by_the_table_of_types():
    pairs = spill_over.impossible_pairs(read_signatures())
    assert pairs["CD3E", "MS4A1"] == "T cell / B cell"
    assert ("CD3E", "CD4") not in pairs and ("CD3E", "PTPRC") not in pairs
    assert all(a < b for a, b in pairs)


@settings(max_examples=30, deadline=None)
@given(st.floats(5, 9), st.floats(0.1, 0.9), st.integers(0, 99))
def test_two_populations_are_parted_between_them(distance, share, seed):
    rng = np.random.default_rng(seed)
    upper = rng.random(2000) < share
    values = rng.normal(size=2000) + distance * upper
    separation, valley, cutoff = thresholds.mixture(values)
    assert abs(separation - distance) < 1 and valley > 0.1
    assert ((values > cutoff) == upper).mean() > 0.95
    assert 0 < thresholds.otsu(values) < distance


def test_one_population_is_not_parted():
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=3000), rng.lognormal(size=3000), rng.gamma(2, size=3000)):
        assert thresholds.mixture(values)[1] < 0.1
    assert thresholds.mixture(np.ones(50)) == (0.0, 0.0, -np.inf)


def test_the_page_holds_itself_and_escapes_names():
    tables = dict.fromkeys(page.TITLES, pd.DataFrame())
    tables["markers"] = pd.DataFrame({"marker": ["<b>CD3</b>", "CD4"], "no_signal": [True, False]})
    tables["suggestions"] = pd.DataFrame({"line": [json.dumps({"a": "x & y"})], "number": [np.nan]})
    text = page.page("a<b", tables)
    assert "<b>CD3" not in text and "&lt;b&gt;CD3&lt;/b&gt;" in text and "a&lt;b" in text
    assert text.count('<tr class="odd">') == 1 and "One batch only." in text
    assert "http" not in text and "src=" not in text
