"""Contacts between types of tissues in which they seek or avoid each other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted import cells_of

from spclust.analyses import neighbours
from spclust.analyses.kinds import Kinds
from spclust.analyses.kinds import kinds as told
from spclust.errors import UserError
from spclust.plan import analyses

TYPES = ["B cell", "CD4 T cell", "Macrophage"]
CARD = analyses.load()["neighbours"]
SAMPLES = pd.DataFrame({"image": ["a", "b", "c"], "patient": ["01", "01", "02"]})


def tissue(n=600, apart=True):
    """Images a and b of one slice, c of another; macrophages keep to the left, where asked for."""
    rng = np.random.default_rng(1)
    image = np.array(["a", "b", "c"], dtype=object)[rng.choice(3, n, p=[0.5, 0.2, 0.3])]
    places = rng.uniform(0, 200, (n, 2))
    codes = rng.integers(2, size=n)
    left = places[:, 0] < 80 if apart else rng.uniform(size=n) < 0.4
    codes[left] = 2
    slices = np.where(image == "c", "t", "s").astype(object)
    cells = cells_of(np.zeros((n, 1)), places, image, slice=slices, unit="µm")
    return cells, Kinds(TYPES, codes, "type")


@pytest.fixture(scope="module")
def found():
    return neighbours.compare(*tissue(), samples=SAMPLES)


def of(table, name, *pair):
    second = "other" if "other" in table else "touched"
    row = table[(table["name"] == name) & (table["type"] == pair[0]) & (table[second] == pair[1])]
    assert len(row) == 1
    return row.iloc[0]


def test_the_tables_are_as_the_card_declares_them(found):
    assert {name: list(table.columns) for name, table in found.items()} == CARD.columns
    for table, pairs in zip(found.values(), (6, 9)):
        assert table.value_counts(["of", "name"]).to_dict() == {
            (of, name): pairs
            for of, names in {"image": "abc", "slice": "st", "patient": ("01", "02")}.items()
            for name in names
        }


@pytest.mark.parametrize("settings", [{}, {"radius": 15.0}])
def test_types_that_keep_apart_are_found_and_those_that_mix_are_not(settings):
    cells, kinds = tissue()
    contacts, touching = neighbours.compare(cells, kinds, **settings).values()
    assert of(contacts, "a", "B cell", "Macrophage")["effect"] < -0.5
    assert of(contacts, "a", "B cell", "Macrophage")["z"] < -8
    assert of(contacts, "a", "Macrophage", "Macrophage")["effect"] > 0.3
    assert of(touching, "a", "Macrophage", "B cell")["effect"] < -0.4
    contacts, touching = neighbours.compare(*tissue(apart=False), **settings).values()
    images = contacts["of"] == "image"
    assert (contacts["z"][images].abs() < 4).all() and contacts["z"][~images].isna().all()
    assert (touching["z"].dropna().abs() < 4).all()


def test_counts_are_those_of_the_radius():
    cells, kinds = tissue()
    contacts, touching = neighbours.compare(cells, kinds, radius=12.0).values()
    own = cells.image == "b"
    places, types = cells.coordinates[own].astype(float), kinds.of_cells[own]
    near = np.linalg.norm(places[:, None] - places, axis=2) <= 12
    np.fill_diagonal(near, False)
    b, t = types == "B cell", types == "CD4 T cell"
    assert of(contacts, "b", "B cell", "CD4 T cell")["contacts"] == near[np.ix_(b, t)].sum()
    assert of(contacts, "b", "B cell", "B cell")["contacts"] == near[np.ix_(b, b)].sum() / 2
    row, touch = of(touching, "b", "CD4 T cell", "B cell"), near[np.ix_(t, b)]
    assert (row["cells"], row["touching"]) == (t.sum(), touch.any(axis=1).sum())
    assert row["share"] == pytest.approx(touch.any(axis=1).mean(), abs=1e-4)
    assert row["each"] == pytest.approx(touch.sum() / touch.any(axis=1).sum(), abs=1e-4)
    own = of(touching, "b", "B cell", "B cell")
    assert own["each"] * own["touching"] == pytest.approx(near[np.ix_(b, b)].sum(), abs=0.01)


def test_counts_and_deviations_are_those_of_squidpy():
    sq, anndata = pytest.importorskip("squidpy"), pytest.importorskip("anndata")
    cells, kinds = tissue()
    own = cells.image == "a"
    cells, kinds = cells.take(np.flatnonzero(own)), replace(kinds, codes=kinds.codes[own])
    obs = pd.DataFrame({"type": pd.Categorical(kinds.of_cells, TYPES)}, index=cells.ids)
    theirs = anndata.AnnData(cells.matrix, obs=obs, obsm={"spatial": cells.coordinates})
    sq.gr.spatial_neighbors_radius(theirs, radius=15.0)
    sq.gr.nhood_enrichment(theirs, "type", n_perms=2000, seed=0, show_progress_bar=False)
    sq.gr.interaction_matrix(theirs, "type")
    table = neighbours.compare(cells, kinds, radius=15.0)["contacts.csv"].query("of == 'image'")
    a, b = np.triu_indices(3)
    # theirs count a contact within a type from both its cells
    twice = np.where(a == b, 2, 1)
    counts = np.asarray(theirs.uns["type_interactions"])[a, b]
    np.testing.assert_array_equal(table["contacts"] * twice, counts)
    z = theirs.uns["type_nhood_enrichment"]["zscore"][a, b]
    np.testing.assert_allclose(table["z"], z, rtol=0.06, atol=0.1)


def test_a_patient_has_the_mean_of_its_images_by_their_cells(found):
    cells, _ = tissue()
    size = pd.Series(cells.image).value_counts()
    pair = "B cell", "Macrophage"
    a, b, patient = (of(found["contacts.csv"], name, *pair) for name in ("a", "b", "01"))
    mean = (size["a"] * a["effect"] + size["b"] * b["effect"]) / (size["a"] + size["b"])
    assert patient["effect"] == pytest.approx(mean, abs=1e-3)
    assert patient["expected"] == pytest.approx(a["expected"] + b["expected"], abs=1e-3)
    assert patient["sd"] == pytest.approx(np.hypot(a["sd"], b["sd"]), abs=1e-3)
    a, b, patient = (of(found["touching.csv"], name, *pair) for name in ("a", "b", "01"))
    mean = (a["cells"] * a["effect"] + b["cells"] * b["effect"]) / (a["cells"] + b["cells"])
    assert patient["effect"] == pytest.approx(mean, abs=1e-3)


def test_images_that_differ_in_composition_alone_attract_nothing():
    # pooled over cells, types that share no image would avoid each other
    cells, kinds = tissue(1200, apart=False)
    rng = np.random.default_rng(2)
    codes = np.where(cells.image == "a", rng.integers(2, size=1200), 1 + rng.integers(2, size=1200))
    table = neighbours.compare(cells, replace(kinds, codes=codes))["contacts.csv"]
    assert table["effect"].abs().max() < 0.15
    assert np.isnan(of(table, "a", "B cell", "Macrophage")["effect"])


def test_contacts_do_not_reach_over_gaps():
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 50, (200, 2)) + np.repeat([[0, 0], [200, 0]], 100, axis=0)
    cells, kinds = (
        cells_of(np.zeros((200, 1)), places),
        Kinds(["a", "b"], np.arange(200) // 100, ""),
    )
    assert of(neighbours.compare(cells, kinds)["contacts.csv"], "image", "a", "b")["contacts"] == 0
    far = neighbours.compare(cells, kinds, longest=1e3)["contacts.csv"]
    assert of(far, "image", "a", "b")["contacts"] > 0


def test_images_of_few_cells_of_one_type_on_a_line_and_without_places(caplog):
    image = np.repeat(["one", "two", "three", "line", "same", "lost"], [1, 2, 3, 9, 30, 4])
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 50, (49, 2))
    places[image == "line"] = np.arange(9)[:, None] * [1, 2]
    places[image == "lost"] = np.nan
    codes = np.where(image == "same", 0, rng.integers(2, size=49))
    cells = cells_of(np.zeros((49, 1)), places, image.astype(object))
    contacts, touching = neighbours.compare(cells, Kinds(["a", "b"], codes, "cluster")).values()
    assert set(contacts.query("of == 'image'")["name"]) == {*image} - {"lost"}
    assert "4 of 49 cells have no place" in caplog.text
    assert "images have too few cells, contacts or types" in caplog.text
    assert contacts.query("name == 'one'")["contacts"].eq(0).all()
    assert contacts.query("name == 'two'")["contacts"].sum() == 1
    assert contacts.query("name == 'same'")["effect"].isna().all()
    assert touching.query("name == 'line'")["touching"].max() > 0


def test_without_any_place_there_are_no_rows():
    cells, kinds = tissue()
    cells = replace(cells, coordinates=np.full_like(cells.coordinates, np.nan))
    found = neighbours.compare(cells, kinds, samples=SAMPLES)
    assert {name: list(table.columns) for name, table in found.items()} == CARD.columns
    assert not any(map(len, found.values()))


def test_a_radius_needs_micrometres():
    cells, kinds = tissue()
    with pytest.raises(UserError, match="coordinates are in px; write  pixel_size:"):
        neighbours.compare(replace(cells, unit="px"), kinds, radius=20)


def test_the_order_of_the_cells_does_not_matter(found):
    cells, kinds = tissue()
    order = np.random.default_rng(2).permutation(len(cells))
    again = neighbours.compare(
        cells.take(order), replace(kinds, codes=kinds.codes[order]), samples=SAMPLES
    )
    for name, table in found.items():
        pd.testing.assert_frame_equal(table, again[name])


def test_vessels_tumour_and_granulocytes_of_a_published_region_lie_together(real_data):
    data = pytest.importorskip("anndata").read_h5ad(real_data / "schurch_crc_codex_reg009A.h5ad")
    types = data.obs["cell_type"].astype(str).to_numpy(dtype=object)
    cells = cells_of(np.zeros((len(data), 1)), data.obsm["spatial"])
    contacts = neighbours.compare(cells, told(types, np.zeros(len(data))))["contacts.csv"]
    for together in ("vasculature", "tumor cells", "granulocytes"):
        row = of(contacts, "image", together, together)
        assert row["effect"] > 0.4 and row["z"] > 8
    assert of(contacts, "image", "plasma cells", "smooth muscle")["z"] < -5
