"""Clusters written back into the cells they came from."""

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
from exported import add, imported

from spclust.clustering.colours import GREY, cluster_colours
from spclust.data.cell_files import GIVEN, read_mudata, set_unit, unit_of, write_mudata
from spclust.errors import UserError


def test_every_slot_is_filled_and_the_input_left_alone():
    data, labels, table, embedding, umap = given = imported()
    labels.iloc[:3] = np.nan
    done = add(given)
    assert isinstance(done, anndata.AnnData)
    assert done.obs["spclust"].cat.categories.tolist() == [str(i) for i in range(12)]
    assert done.obs["spclust"].astype(int).tolist() == table["cluster"].tolist()
    assert done.obs["spclust_confidence"].tolist() == table["confidence"].tolist()
    np.testing.assert_allclose(done.obsm["X_spclust"], embedding, rtol=1e-6)
    np.testing.assert_allclose(done.obsm["X_umap"], umap, rtol=1e-6)
    np.testing.assert_array_equal(done.obsm["spatial"], data.obsm["spatial"])
    assert done.obs["image"].tolist() == data.obs["image"].tolist()
    assert set(done.obs["slice"]) == {"one"}
    assert done.obs["label"].isna().sum() == 3
    assert done.obs["label"].dropna().tolist() == labels.dropna().tolist()
    before = data["protein"]
    np.testing.assert_array_equal(done.X, before.X)
    np.testing.assert_array_equal(done.layers["raw"], before.layers["raw"])
    assert done.obs["area"].tolist() == before.obs["area"].tolist()
    assert "spclust" not in before.obs and "X_umap" not in before.obsm


def test_what_the_file_had_under_those_names_stays_beside():
    data, *others = imported()
    part = data["protein"]
    part.obs["leiden"] = ["mine"] * 60
    part.obsm["X_umap"] = np.ones((60, 2))
    done = add((data, *others), key="leiden")
    assert set(done.obs["leiden_original"]) == {"mine"}
    assert (done.obsm["X_umap_original"] == 1).all()
    assert done.obs["leiden"].nunique() == 12 and "X_leiden_original" not in done.obsm


def test_cells_of_several_modalities_get_it_above_their_modalities():
    given = imported(modalities=("rna", "adt"))
    done = add(given)
    assert isinstance(done, mudata.MuData) and list(done.mod) == ["rna", "adt"]
    alone = add(imported())
    for name in ("spclust", "spclust_confidence", "image", "slice", "label"):
        assert done.obs[name].tolist() == alone.obs[name].tolist()
    assert {"spatial", "X_spclust", "X_umap"} <= set(done.obsm)
    assert done.uns["spclust_colors"].tolist() == alone.uns["spclust_colors"].tolist()
    for part in done.mod.values():
        assert "spclust" not in part.obs and "raw" in part.layers
    assert "spclust" not in given[0].obs


def test_without_labels_none_are_written():
    assert "label" not in add(imported(labels=False)).obs


@pytest.mark.parametrize("keep_mudata", [False, True])
def test_where_a_layer_was_clustered_the_file_has_its_own_values_as_before(keep_mudata):
    given = imported()
    part, measured = given[0]["protein"], given[0]["protein"].X
    part.layers[GIVEN] = -measured
    done = add(given, keep_mudata=keep_mudata)
    done = done["protein"] if keep_mudata else done
    np.testing.assert_array_equal(done.X, -measured)
    assert set(done.layers) == {"raw"} and part.X is measured


@pytest.mark.parametrize("modalities", [("protein",), ("rna", "adt")])
def test_an_h5mu_file_holds_mudata_even_of_one_modality(tmp_path, modalities):
    done = add(imported(modalities=modalities), keep_mudata=True)
    write_mudata(done, tmp_path / "c.h5mu")
    back = mudata.read_h5mu(tmp_path / "c.h5mu")
    assert tuple(back.mod) == modalities and back.obs["spclust"].dtype == "category"
    assert read_mudata(tmp_path / "c.h5mu", "imported").n_obs == 60


def test_colours_are_those_of_the_figures_in_the_order_of_the_categories():
    given = imported()
    done = add(given, "leiden")
    colours = cluster_colours(given[2]["cluster"].to_numpy(), given[1])
    assert done.uns["leiden_colors"].tolist() == [colours[i] for i in range(12)]


def test_cells_in_another_order_get_their_own_cluster():
    data, labels, table, embedding, umap = imported()
    turned = data[::-1].copy()
    done = add((turned, labels, table, embedding, umap))
    assert done.obs["spclust"].astype(int).tolist() == table["cluster"].tolist()[::-1]
    np.testing.assert_allclose(done.obsm["X_umap"], umap[::-1], rtol=1e-6)
    assert done.obs["label"].tolist() == labels.tolist()[::-1]


def test_names_of_cells_and_their_evidence_go_out(tmp_path):
    data, labels, table, *others = imported()
    called = np.where(table["cluster"] < 6, "B cell", "unknown (CD4+)").astype(object)
    called[:5] = "unsure"
    names = pd.DataFrame({"cluster": range(12), "type": None, "evidence": ""})
    names.loc[3, ["type", "evidence"]] = ["B cell", "CD20 +2.0 sd"]
    done = add((data, labels, table.assign(name=called), *others), names=names)
    done.write_h5ad(tmp_path / "clustered.h5ad")
    back = anndata.read_h5ad(tmp_path / "clustered.h5ad")
    assert back.obs["spclust_name"].tolist() == called.tolist()
    assert back.obs["spclust_name"].cat.categories.tolist() == sorted(set(called))
    colours = cluster_colours(table["cluster"].to_numpy(), labels)
    # clusters 5 and 6 are the most of their names; of those the first, 0 lost cells to unsure
    assert back.uns["spclust_name_colors"].tolist() == [colours[5], colours[6], GREY]
    of_b = back.uns["spclust_names"].query("type == 'B cell'")
    assert of_b["evidence"].tolist() == ["CD20 +2.0 sd"]


@pytest.mark.parametrize("same", [True, False])
def test_no_two_columns_differ_in_capitals_only(same):
    data, *others = imported()
    obs = data["protein"].obs
    obs["Image"] = [("" if same else "slide ") + name for name in data.obs["image"]]
    obs["Leiden"], obs["Slice"] = "mine", "elsewhere"
    done = add((data, *others), key="leiden")
    names = [name.lower() for name in done.obs]
    assert len(set(names)) == len(names)
    assert set(done.obs["Leiden_original"]) == {"mine"}
    assert set(done.obs["slice"]) == {"one"}
    if same:
        assert "image" not in done.obs
        assert done.obs["Image"].tolist() == data.obs["image"].tolist()
    else:
        assert done.obs["image"].tolist() == data.obs["image"].tolist()
        assert done.obs["Image_original"].tolist() == obs["Image"].tolist()


def test_an_export_read_again_has_nothing_twice():
    data, *others = imported()
    done = add((data, *others))
    data.mod["protein"] = done.copy()
    again = add((data, *others))
    assert list(again.obs) == list(done.obs) and list(again.obsm) == list(done.obsm)


def test_places_of_the_file_stay_where_ours_are_in_another_unit():
    data, *others = imported()
    data["protein"].obsm["spatial"] = 2 * data.obsm["spatial"]
    set_unit(data, "µm")
    done = add((data, *others))
    assert unit_of(done) == "µm"
    np.testing.assert_array_equal(done.obsm["spatial"], data.obsm["spatial"])
    np.testing.assert_array_equal(done.obsm["spatial_original"], 2 * data.obsm["spatial"])


def test_what_scimap_looks_for_is_there_on_request():
    data, labels, table, *others = imported()
    given = (data, labels, table.assign(name="B cell"), *others)
    assert "X_centroid" not in add(given).obs
    obs = add(given, scimap=True).obs
    np.testing.assert_array_equal(obs[["X_centroid", "Y_centroid"]], data.obsm["spatial"])
    assert obs["imageid"].tolist() == data.obs["image"].tolist()
    assert set(obs["phenotype"]) == {"B cell"}


def test_a_cell_without_a_cluster_is_named():
    data, labels, table, embedding, umap = imported()
    with pytest.raises(
        UserError, match=r"1 cells have no cluster .*'c59'.*--forcerun import_cells"
    ):
        add((data, labels, table[:-1], embedding[:-1], umap[:-1]))


def test_an_embedding_of_other_length_is_refused():
    data, labels, table, embedding, umap = imported()
    with pytest.raises(UserError, match="59 rows of the embedding"):
        add((data, labels, table, embedding[:-1], umap))


def test_scanpy_and_squidpy_open_the_file_unchanged(tmp_path):
    sc, sq = pytest.importorskip("scanpy"), pytest.importorskip("squidpy")
    import matplotlib

    matplotlib.use("Agg")
    done = add(imported(labels=False))
    done.write_h5ad(tmp_path / "clustered.h5ad")
    back = sc.read_h5ad(tmp_path / "clustered.h5ad")
    colours = back.uns["spclust_colors"].tolist()
    sc.pl.umap(back, color=["spclust", "spclust_confidence"], show=False)
    sc.pl.embedding(back, "spatial", color="spclust", show=False)
    sq.gr.spatial_neighbors(back, coord_type="generic")
    sq.gr.nhood_enrichment(back, "spclust", n_perms=2, seed=0, show_progress_bar=False)
    assert back.uns["spclust_colors"].tolist() == colours == done.uns["spclust_colors"].tolist()


def test_tables_of_other_analyses_go_out_under_their_names():
    table = pd.DataFrame({"niche": ["rim", "core"] * 30}, index=imported()[0].obs_names)
    done = add(imported(), additions={"niches": table.iloc[::-1], "niches-k30": table})
    assert done.obs["spclust_niches_niche"].tolist() == table["niche"].tolist()
    assert "spclust_niches-k30_niche" in done.obs
