"""Shares of positive cells, of markers whose positive cells are known."""

from dataclasses import replace

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from planted import cells_of

from spclust.analyses import states
from spclust.analyses.kinds import Kinds
from spclust.data.cell_files import read_features, write_mudata
from spclust.errors import UserError
from spclust.knowledge.panel import read_proteins
from spclust.plan import analyses

CARD = analyses.load()["states"]
TYPES = ["B cell", "Macrophage"]
SHARE = {"B cell": 0.4, "Macrophage": 0.1}
SAMPLES = pd.DataFrame({"image": ["a", "b"], "patient": ["01", "02"]})


def tissue(n=2000, seed=0):
    """Two types in two images; which cells are in a state is known."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(2, size=n)
    positive = rng.random(n) < np.array([SHARE[t] for t in TYPES])[codes]
    raw = np.exp(rng.normal(2, 0.4, n) + 2.5 * positive)
    values = pd.DataFrame({"Ki67": raw, "HLA-DR": np.exp(rng.normal(2, 0.4, n))})
    cells = cells_of(np.zeros((n, 1)), image=np.array(["a", "b"])[rng.integers(2, size=n)])
    return values.set_index(cells.ids), cells, Kinds(TYPES, codes, "type"), positive


@pytest.fixture(scope="module")
def found():
    values, cells, kinds, _ = tissue()
    return states.states(values, cells, kinds, 0, samples=SAMPLES)


def test_the_tables_are_as_the_card_declares_them(found):
    assert {name: list(table.columns) for name, table in found.items()} == CARD.columns
    assert set(found["states.csv"]["of"]) == {"all", "image", "slice", "patient"}


def test_planted_shares_are_found_and_the_threshold_is_in_the_unit_of_the_file(found):
    values, _, kinds, positive = tissue()
    table = found["states.csv"].query("of == 'all' and marker == 'Ki67'").set_index("type")
    for i, name in enumerate(TYPES):
        assert table.loc[name, "share"] == pytest.approx(
            positive[kinds.codes == i].mean(), abs=0.02
        )
    assert table.loc["all", "cells"] == len(values) == table.loc[TYPES, "cells"].sum()
    assert table.loc["all", "positive"] == table.loc[TYPES, "positive"].sum()
    markers = found["state_markers.csv"].set_index("marker")
    cutoff = markers.loc["Ki67", "threshold"]
    assert np.exp(2.6) < cutoff < np.exp(4)
    assert table.loc["all", "positive"] == (values["Ki67"] > cutoff).sum()
    assert markers.loc["Ki67", "clear"] and not markers.loc["HLA-DR", "clear"]
    assert found["state_histograms.csv"].groupby("marker")["cells"].sum().eq(len(values)).all()


def test_counts_of_places_add_up(found):
    total = found["states.csv"].groupby(["of", "type", "marker"])[["cells", "positive"]].sum()
    for of in ("image", "slice", "patient"):
        pd.testing.assert_frame_equal(total.loc[of], total.loc["all"])


def test_images_of_another_staining_may_have_thresholds_of_their_own():
    values, cells, kinds, positive = tissue()
    brighter = values.mul(np.where(cells.image == "b", 6.0, 1.0), axis=0)
    shares = {}
    for within in ("dataset", "image"):
        table = states.states(brighter, cells, kinds, 0, within)["states.csv"]
        table = table.query("of == 'image' and marker == 'Ki67' and type == 'all'")
        shares[within] = table.set_index("name")["share"]
    truth = pd.Series(positive).groupby(cells.image).mean()
    assert (shares["image"] - truth).abs().max() < 0.03
    assert (shares["dataset"] - truth).abs().max() > 0.1


def test_a_given_threshold_is_taken():
    values, cells, kinds, _ = tissue()
    result = states.states(values, cells, kinds, 0, thresholds={"Ki67": 30.0})
    row = result["state_markers.csv"].set_index("marker").loc["Ki67"]
    assert row["threshold"] == pytest.approx(30) and row["by"] == "given"
    assert row["positive"] == pytest.approx((values["Ki67"] > 30).mean(), abs=1e-6)
    with pytest.raises(UserError, match="thresholds: there is no marker 'KI67'; did you mean"):
        states.states(values, cells, kinds, 0, thresholds={"KI67": 30.0})


def test_the_order_of_the_cells_does_not_matter(found):
    values, cells, kinds, _ = tissue()
    order = np.random.default_rng(1).permutation(len(cells))
    shuffled = Kinds(TYPES, kinds.codes[order], "type")
    again = states.states(values.iloc[order], cells.take(order), shuffled, 0, samples=SAMPLES)
    for name, table in found.items():
        pd.testing.assert_frame_equal(again[name], table)


def test_few_cells_missing_values_and_markers_without_any_are_handled(caplog):
    cells = cells_of(np.zeros((5, 1)), image=["a", "a", "a", "b", "b"])
    kinds = Kinds(TYPES, np.array([0, 0, 1, 1, 1]), "type")
    values = pd.DataFrame({"Ki67": [1, 9, np.nan, 2, 8], "PD-1": 0.0}, index=cells.ids)
    result = states.states(values, cells, kinds, 0, within="image")
    table = result["states.csv"].query("of == 'all'").set_index(["marker", "type"])
    assert table.loc[("Ki67", "all"), "cells"] == 4
    assert table.loc[("PD-1", "all"), ["cells", "positive"]].tolist() == [5, 0]
    assert set(result["state_markers.csv"]["by"]) == {"dataset"}
    nothing = states.states(values[[]], cells, kinds, 0)
    assert {name: list(t.columns) for name, t in nothing.items()} == CARD.columns
    assert all(t.empty for t in nothing.values()) and "no marker of states" in caplog.text


def stored(path, **modalities):
    """A file of imported cells, dense and sparse modalities."""
    mudata.set_options(pull_on_update=False)
    made = {}
    for modality, (names, x) in modalities.items():
        index = [f"c{i}" for i in range(x.shape[0])]
        made[modality] = anndata.AnnData(x, pd.DataFrame(index=index), pd.DataFrame(index=names))
    write_mudata(mudata.MuData(made), path)
    return path


def test_markers_of_state_are_read_by_their_role_and_others_where_asked(tmp_path):
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    names = ["CD20", "Ki67", "PD-1", "DAPI"]
    one = stored(tmp_path / "one.h5mu", protein=(names, x))
    table = states.measured(one, read_proteins())
    assert table.to_dict("list") == {"Ki67": [1, 5], "PD-1": [2, 6]}
    assert list(states.measured(one, read_proteins(), ["CD20"])) == ["CD20"]
    with pytest.raises(UserError, match="markers: there is no marker 'CD02'; did you mean 'CD20'"):
        states.measured(one, read_proteins(), ["CD02"])
    genes = (["MKI67", "CD3E"], sp.csr_matrix(x[:, :2]))
    two = stored(tmp_path / "two.h5mu", protein=(names, sp.csc_matrix(x)), rna=genes)
    assert list(states.measured(two, read_proteins())) == ["protein:Ki67", "protein:PD-1"]
    table = states.measured(two, read_proteins(), ["rna:MKI67", "Ki67"])
    assert table.to_dict("list") == {"protein:Ki67": [1, 5], "rna:MKI67": [0, 4]}
    with pytest.raises(UserError, match="cannot be read"):
        read_features(tmp_path / "none.h5mu", lambda *_: [])


def test_slices_are_places_too():
    values, cells, kinds, _ = tissue(600)
    cells = replace(cells, slice=np.where(cells.image == "a", "s", "t").astype(object))
    result = states.states(values, cells, kinds, 0, within="slice")
    assert set(result["state_markers.csv"]["where"]) == {"s", "t"}
    named = result["states.csv"].query("of == 'slice'")["name"]
    assert set(named) == {"s", "t"}
