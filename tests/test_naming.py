"""Names of clusters: right where the markers say so, none where they do not."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from planted import cells_of

from spclust import contracts, markers, naming, preprocess
from spclust.parts import heads
from spclust.stages import STAGES

SHARED = Path(__file__).parents[2] / "shared" / "data"
PANEL = ["CD45", "CD3", "CD4", "CD8", "CD20", "CD68", "CD31", "SMA", "PanCK", "Ki67"]
TYPES = {
    "CD4 T cell": "CD45 CD3 CD4",
    "CD8 T cell": "CD45 CD3 CD8",
    "B cell": "CD45 CD20",
    "Macrophage": "CD45 CD68",
    "Endothelial cell": "CD31",
    "Smooth muscle or myofibroblast": "SMA",
    "Epithelial cell": "PanCK",
}


def planted(types=TYPES, n=60, seed=0, names=PANEL, high=3.0):
    """Cells of each type with its markers up, and their clusters."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n * len(types), len(names)))
    clusters = np.repeat(np.arange(len(types)), n)
    for i, up in enumerate(types.values()):
        x[np.ix_(clusters == i, [PANEL.index(name) for name in up.split()])] += high
    return cells_of(x, names=list(names)), clusters


def named(cells, clusters, **others):
    sizes = pd.Series(clusters).value_counts()
    return naming.name_clusters(markers.rank(cells, clusters), sizes, **others)


def test_planted_types_are_named_each_with_its_evidence():
    cells, clusters = planted()
    table = named(cells, clusters)
    assert table.columns.tolist() == naming.COLUMNS
    assert table["type"].tolist() == list(TYPES) == table["name"].tolist()
    assert (table["probability"] >= 0.5).all() and (table["cells"] == 60).all()
    for evidence, up in zip(table["evidence"], TYPES.values()):
        shown = {part.split(" ")[0] for part in evidence.split("; ")}
        assert shown and shown <= set(up.split())
        assert "sd (AUC 0." in evidence


def test_names_do_not_depend_on_spelling_scale_or_order():
    cells, clusters = planted()
    aliases = ["PTPRC", "CD3e", "cd4", "CD8A", "MS4A1", "CD68 (KP1)", "PECAM1", "αSMA",
               "Pan-Keratin", "MKI67"]  # fmt: skip
    same = cells_of(np.exp(cells.matrix), names=aliases)
    assert named(same, clusters)["type"].tolist() == list(TYPES)
    order = np.random.default_rng(1).permutation(len(PANEL))
    moved = cells_of(cells.matrix[:, order], names=[PANEL[i] for i in order])
    pd.testing.assert_frame_equal(named(moved, clusters), named(cells, clusters))


def test_noise_gets_no_type():
    cells, _ = planted(high=0.0)
    clusters = np.random.default_rng(3).integers(4, size=len(cells))
    table = named(cells, clusters)
    assert table["type"].isna().all() and (table["evidence"] == "").all()
    assert table["name"].tolist() == [f"cluster {i}" for i in range(4)]


def test_without_evidence_the_markers_stand_for_a_name():
    types = {"odd": "Ki67", **TYPES}
    table = named(*planted(types))
    assert table["name"].iloc[0] == "cluster 0 (Ki67+)" and pd.isna(table["type"].iloc[0])
    assert naming.short(table)[0] == "Ki67+"
    assert naming.short(table)[1] == "CD4 T cell"


def test_a_name_is_as_narrow_as_the_markers_allow():
    """T cells of both kinds together are T cells, and without CD3 leukocytes."""
    mixed = {"T": "CD45 CD3", "B cell": "CD45 CD20", "Macrophage": "CD45 CD68",
             "Epithelial cell": "PanCK", "Endothelial cell": "CD31"}  # fmt: skip
    assert named(*planted(mixed))["type"].iloc[0] == "T cell"
    other = {"leukocyte": "CD45", "Epithelial cell": "PanCK", "Endothelial cell": "CD31"}
    assert named(*planted(other))["type"].iloc[0] == "Leukocyte"


def test_a_type_is_refused_where_a_wider_one_is_ruled_out():
    """CD20 on cells without CD45 is a tumour that took up stain, not a B cell."""
    stained = {"odd": "CD20", **{n: up for n, up in TYPES.items() if n != "B cell"}}
    table = named(*planted(stained))
    assert pd.isna(table["type"].iloc[0]) and table["name"].iloc[0] == "cluster 0 (CD20+)"
    assert "B cell" not in table["others"].iloc[0]


def test_what_else_it_could_be_is_said():
    """A cluster of two types at once is less sure than one of one, and names the other, too."""
    row = named(*planted({"both": "CD31 PanCK", **TYPES})).iloc[0]
    alone = named(*planted()).set_index("type")["probability"]
    others = dict(part.rsplit(" ", 1) for part in row["others"].split("; "))
    assert {"Endothelial cell", "Epithelial cell"} <= {row["type"], *others}
    assert all(0 < float(p) < 1 for p in others.values())
    assert pd.isna(row["type"]) or row["probability"] < alone[row["type"]] - 0.05


def test_a_panel_without_known_proteins_and_tiny_clusters_go_unnamed():
    cells, clusters = planted()
    strange = cells_of(cells.matrix, names=[f"p{i}" for i in range(len(PANEL))])
    table = named(strange, clusters)
    assert table["type"].isna().all() and table["name"].iloc[5] == "cluster 5 (p7+)"
    clusters = clusters.copy()
    clusters[:2] = 99
    tiny = named(cells, clusters).set_index("cluster").loc[99]
    assert tiny["name"] == "cluster 99" and pd.isna(tiny["probability"])


def test_the_table_is_read_as_it_was_written(tmp_path):
    table = named(*planted({"odd": "Ki67", **TYPES}))
    contracts.write_table(table, tmp_path / "cluster_names.csv")
    read = contracts.read_cluster_names(tmp_path / "cluster_names.csv")
    assert naming.short(read) == naming.short(table)
    assert read["name"].tolist() == table["name"].tolist()


EPITHELIUM = {"Epithelial cell", "Basal epithelial cell"}
T_CELL, MYELOID = {"T cell", "Leukocyte"}, {"Myeloid cell", "Leukocyte"}
# class of the publication -> names that are right for it, by hand
RIGHT = {
    "Tumor": EPITHELIUM,
    "Macrophage": MYELOID | {"Macrophage"},
    "DC_Mono": MYELOID | {"Macrophage", "Dendritic cell"},
    "DC": MYELOID | {"Dendritic cell"},
    "Mono_Neutrophil": MYELOID | {"Macrophage", "Granulocyte"},
    "Neutrophil": MYELOID | {"Granulocyte"},
    "Other_immune": {"Leukocyte"},
    "CD3_T": T_CELL | {"CD4 T cell", "CD8 T cell"},
    "CD4_T": T_CELL | {"CD4 T cell"},
    "CD8_T": T_CELL | {"CD8 T cell"},
    "Treg": T_CELL | {"CD4 T cell", "Regulatory T cell"},
    "B": {"B cell", "Leukocyte"},
    "NK": {"NK cell", "Leukocyte"},
    "Mesenchymal": {"Fibroblast", "Smooth muscle or myofibroblast"},
    "Endothelial": {"Endothelial cell"},
    "Unidentified": set(),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real slices are not at {SHARED}")
@pytest.mark.parametrize("patient", ["p28", "p36"])
def test_names_agree_with_published_labels(patient):
    import mudata

    data = anndata.read_h5ad(SHARED / f"keren_tnbc_mibi_{patient}.h5ad")
    whole = mudata.MuData({"protein": data})
    whole.obs["image"] = whole.obs["slice"] = "one"
    whole.obsm["spatial"] = np.asarray(data.obsm["spatial"])
    cells = preprocess.prepare(whole, STAGES["preprocess"].defaults | {"panel": "lineage"})
    clusters = heads.kmeans(cells.matrix, 12, 42)
    table = named(cells, clusters).set_index("cluster")
    said = table["type"].reindex(clusters).to_numpy(dtype=object)
    truth = data.obs["cell_type"].astype(str).to_numpy()
    there = pd.notna(said)
    right = np.array([name in RIGHT[label] for name, label in zip(said, truth)])
    # 72 to 76 % measured when this was written, with 1 of 5 cells unnamed at most
    assert right[there].mean() > 0.65 and there.mean() > 0.7
