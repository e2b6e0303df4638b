"""Clusters written back into the cells they came from."""

import anndata
import numpy as np
import pandas as pd
import pytest

from spclust import export, style
from spclust.errors import UserError


def imported(n=60, labels=True):
    rng = np.random.default_rng(0)
    cells = anndata.AnnData(rng.uniform(size=(n, 3)).astype(np.float32))
    cells.obs_names = [f"c{i}" for i in range(n)]
    cells.obs["image"] = "one"
    cells.obsm["spatial"] = rng.uniform(size=(n, 2))
    code = np.arange(n) % 12
    if labels:
        cells.obs["label"] = pd.Categorical(np.where(code < 6, "zebra", "ant"))
    table = pd.DataFrame(
        {"cluster": code, "confidence": rng.uniform(size=n)}, index=cells.obs_names
    )
    return cells, table, rng.normal(size=(n, 5)), rng.normal(size=(n, 2))


def test_every_slot_is_filled_and_the_input_left_alone():
    cells, table, embedding, umap = imported()
    done = export.add_clusters(cells, table, "spclust", embedding, umap)
    assert done.obs["spclust"].cat.categories.tolist() == [str(i) for i in range(12)]
    assert done.obs["spclust"].astype(int).tolist() == table["cluster"].tolist()
    assert done.obs["spclust_confidence"].tolist() == table["confidence"].tolist()
    np.testing.assert_allclose(done.obsm["X_spclust"], embedding, rtol=1e-6)
    np.testing.assert_allclose(done.obsm["X_umap"], umap, rtol=1e-6)
    np.testing.assert_array_equal(done.X, cells.X)
    assert "spclust" not in cells.obs and "X_umap" not in cells.obsm


def test_colours_are_those_of_the_figures_in_the_order_of_the_categories():
    cells, table, embedding, umap = imported()
    done = export.add_clusters(cells, table, "leiden", embedding, umap)
    colours = style.cluster_colours(table["cluster"].to_numpy(), cells.obs["label"])
    assert done.uns["leiden_colors"].tolist() == [colours[i] for i in range(12)]


def test_cells_in_another_order_get_their_own_cluster():
    cells, table, embedding, umap = imported()
    turned = cells[::-1].copy()
    done = export.add_clusters(turned, table, "spclust", embedding, umap)
    assert done.obs["spclust"].astype(int).tolist() == table["cluster"].tolist()[::-1]
    np.testing.assert_allclose(done.obsm["X_umap"], umap[::-1], rtol=1e-6)


def test_a_cell_without_a_cluster_is_named():
    cells, table, embedding, umap = imported()
    with pytest.raises(
        UserError, match=r"1 cells have no cluster .*'c59'.*--forcerun import_cells"
    ):
        export.add_clusters(cells, table[:-1], "spclust", embedding[:-1], umap[:-1])


def test_an_embedding_of_other_length_is_refused():
    cells, table, embedding, umap = imported()
    with pytest.raises(UserError, match="59 rows of the embedding"):
        export.add_clusters(cells, table, "spclust", embedding[:-1], umap)


def test_scanpy_and_squidpy_open_the_file_unchanged(tmp_path):
    sc, sq = pytest.importorskip("scanpy"), pytest.importorskip("squidpy")
    import matplotlib

    matplotlib.use("Agg")
    cells, table, embedding, umap = imported(labels=False)
    done = export.add_clusters(cells, table, "spclust", embedding, umap)
    done.write_h5ad(tmp_path / "clustered.h5ad")
    back = sc.read_h5ad(tmp_path / "clustered.h5ad")
    colours = back.uns["spclust_colors"].tolist()
    sc.pl.umap(back, color=["spclust", "spclust_confidence"], show=False)
    sc.pl.embedding(back, "spatial", color="spclust", show=False)
    sq.gr.spatial_neighbors(back, coord_type="generic")
    sq.gr.nhood_enrichment(back, "spclust", n_perms=2, seed=0, show_progress_bar=False)
    assert back.uns["spclust_colors"].tolist() == colours == done.uns["spclust_colors"].tolist()
