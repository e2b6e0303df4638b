"""Niches of tissues whose niches are known."""

import numpy as np
import pandas as pd
import pytest
from planted import cells_of
from sklearn.metrics import adjusted_rand_score

from spclust.analyses import niches
from spclust.analyses.kinds import Kinds
from spclust.errors import UserError
from spclust.plan import analyses

TYPES = ["Epithelial cell", "B cell", "CD4 T cell", "Macrophage", "unknown"]
# a tumour, follicles and what lies between
SHARES = [[0.85, 0, 0.02, 0.1, 0.03], [0, 0.6, 0.3, 0, 0.1], [0.1, 0.05, 0.15, 0.6, 0.1]]
CARD = analyses.load()["niches"]


def tissue(n=1500, images=3, seed=0, shares=SHARES):
    """Images with a domain for each row of shares, in stripes: cells, kinds, domains."""
    rng = np.random.default_rng(seed)
    image = rng.integers(images, size=n)
    side = np.sqrt(n / images) * 10
    places = rng.uniform(0, side, (n, 2))
    domain = (places[:, 0] / side * len(shares)).astype(int)
    codes = np.array([rng.choice(len(TYPES), p=shares[i]) for i in domain])
    names = np.array([f"image_{i}" for i in image], dtype=object)
    return cells_of(np.zeros((n, 1)), places, names, unit="µm"), Kinds(TYPES, codes, "type"), domain


@pytest.fixture(scope="module")
def found():
    cells, kinds, _ = tissue()
    return niches.find(cells, kinds, seed=0)


def test_the_tables_are_as_the_card_declares_them(found):
    assert {name: list(table.columns) for name, table in found.items()} == CARD.columns
    assert CARD.adds == "niches.csv" and found["niches.csv"]["cell"].is_unique


def test_planted_niches_are_found_with_their_number_and_called_by_their_types(found):
    _, _, domain = tissue()
    cells, summary = found["niches.csv"], found["niche_summary.csv"]
    assert adjusted_rand_score(domain, cells["niche"]) > 0.85
    assert set(summary["niche_name"]) == {"Epithelial cell", "B cell and CD4 T cell", "Macrophage"}
    assert (summary["found_again"] > 0.75).all() and summary["images"].eq(3).all()
    assert summary["cells"].tolist() == sorted(cells["niche"].value_counts(), reverse=True)
    of_domain = pd.crosstab(domain, cells["niche_name"], normalize="index")
    assert of_domain.loc[1, "B cell and CD4 T cell"] > 0.9


@pytest.mark.parametrize("settings", [{"neighbours": 20}, {"neighbours": 30}, {"radius": 25.0}])
def test_other_windows_find_them_too(settings):
    cells, kinds, domain = tissue()
    table = niches.find(cells, kinds, 0, number=3, **settings)["niches.csv"]
    assert adjusted_rand_score(domain, table["niche"]) > 0.85


def test_the_border_between_niches_is_less_stable_than_their_middle(found):
    cells, table = tissue()[0], found["niches.csv"]
    third = np.ptp(cells.coordinates[:, 0]) / 3
    from_border = np.abs(cells.coordinates[:, [0]] - [third, 2 * third]).min(axis=1)
    assert table["stability"].between(0, 1).all()
    near, far = (
        1 - table["stability"][rows].mean() for rows in (from_border < 15, from_border > 40)
    )
    assert near > 3 * far


def test_the_order_of_the_cells_does_not_matter_and_seeds_repeat(found):
    cells, kinds, _ = tissue()
    order = np.random.default_rng(3).permutation(len(cells))
    again = niches.find(cells.take(order), Kinds(TYPES, kinds.codes[order], "type"), seed=0)
    there = again["niches.csv"].set_index("cell").loc[cells.ids].reset_index()
    pd.testing.assert_frame_equal(there, found["niches.csv"])
    for name in set(found) - {"niches.csv"}:
        pd.testing.assert_frame_equal(again[name], found[name])


def test_sums_of_the_tables_agree(found):
    types = found["niche_types.csv"]
    np.testing.assert_allclose(types.groupby("niche")["share"].sum(), 1, atol=1e-4)
    np.testing.assert_allclose(types.groupby("niche")["everywhere"].sum(), 1, atol=1e-4)
    sizes = found["niche_summary.csv"]["share"].to_numpy()
    mean = types.pivot(index="niche", columns="type", values="share").T @ sizes
    everywhere = types.drop_duplicates("type").set_index("type")["everywhere"]
    np.testing.assert_allclose(mean.loc[everywhere.index], everywhere, atol=1e-4)
    places = found["niche_places.csv"]
    counted = places[places["of"] == "slice"].set_index("niche")["cells"]
    assert counted.to_dict() == found["niches.csv"]["niche"].value_counts().to_dict()
    numbers = found["niche_numbers.csv"]
    chosen = numbers.loc[numbers["chosen"], "niches"].tolist()
    assert chosen == [len(found["niche_summary.csv"])]


def test_one_type_is_one_niche():
    cells, kinds, _ = tissue(300)
    one = Kinds(["B cell"], np.zeros(300, int), "type")
    result = niches.find(cells, one, 0)
    assert result["niche_summary.csv"]["niche_name"].tolist() == ["mixed"]
    assert result["niches.csv"]["niche"].eq(0).all()


def test_more_niches_than_there_are_windows_are_told(caplog):
    cells, _, _ = tissue(300)
    one = Kinds(["B cell"], np.zeros(300, int), "type")
    niches.find(cells, one, 0, number=4)
    assert "4 niches are asked for and windows are of 1 kinds only" in caplog.text


def test_images_of_few_cells_are_used_as_they_are(caplog):
    cells, kinds, _ = tissue(400)
    image = cells.image.copy()
    image[:3], image[3] = "small", "alone"
    few = cells_of(np.zeros((400, 1)), cells.coordinates, image, unit="µm")
    table = niches.find(few, kinds, 0)["niches.csv"]
    assert table["window"][:4].tolist() == [3, 3, 3, 1] and table["rim"][:4].all()
    assert table.loc[3, "niche"] == -1 and table.loc[3, "niche_name"] == "none"
    assert np.isnan(table.loc[3, "stability"]) and (table["niche"].drop(3) >= 0).all()
    assert "1 of 400 cells have no place or no cell around them" in caplog.text


def test_without_places_there_are_no_niches_and_all_tables(caplog):
    cells, kinds, _ = tissue(50)
    lost = cells_of(np.zeros((50, 1)), np.full((50, 2), np.nan), cells.image)
    result = niches.find(lost, kinds, 0, radius=50.0)
    assert result["niches.csv"]["niche"].eq(-1).all()
    assert all(list(result[name].columns) == CARD.columns[name] for name in CARD.columns)
    assert result["niche_summary.csv"].empty and "50 of 50 cells" in caplog.text


def test_a_radius_needs_micrometres():
    cells, kinds, _ = tissue(50)
    pixels = cells_of(np.zeros((50, 1)), cells.coordinates, unit="px")
    with pytest.raises(UserError, match="radius is in µm.* are in px; write  pixel_size:"):
        niches.find(pixels, kinds, 0, radius=50.0)


def test_names_say_what_a_niche_is_rich_in_and_are_given_once():
    share = np.array([[0.7, 0.3, 0.0], [0.8, 0.2, 0], [0.3, 0.3, 0.4], [0.34, 0.33, 0.33]])
    ratio = share / np.array([0.4, 0.2, 0.3])
    ratio[3] = 1.0
    names = niches.called(share, ratio, ["A", "B", "unknown"])
    assert names == ["A and B", "A", "B", "mixed"]
    assert niches.called(share[[1, 1]], ratio[[1, 1]], ["A", "B", "C"]) == ["A", "A (2)"]
    rich = np.full((1, 3), 2.0)
    assert niches.called(np.array([[0.2, 0.2, 0.6]]), rich, ["A", "B", "unknown"]) == ["A and B"]
    assert niches.called(np.array([[0.0, 0.0, 1]]), rich, ["A", "B", "unknown"]) == ["unknown"]
