"""Names of clusters: right where the markers say so, none where they do not."""

import anndata
import numpy as np
import pandas as pd
import pytest
from named_types import PANEL, TYPES, planted
from places import MEASURED
from planted import cells_of
from scipy.stats import norm

from spclust.analyses import markers
from spclust.analyses import names as naming
from spclust.clustering import heads
from spclust.data.atomic import write_table
from spclust.data.clusters import read_cluster_names
from spclust.knowledge import panel, signatures
from spclust.plan.stages import STAGES
from spclust.stages.preprocess import preparation

JUDGED = pd.read_csv(MEASURED / "comparison/names_right.csv", keep_default_na=False)


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
    aliases = [
        "PTPRC",
        "CD3e",
        "cd4",
        "CD8A",
        "MS4A1",
        "CD68 (KP1)",
        "PECAM1",
        "αSMA",
        "Pan-Keratin",
        "MKI67",
    ]
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
    mixed = {
        "T": "CD45 CD3",
        "B cell": "CD45 CD20",
        "Macrophage": "CD45 CD68",
        "Epithelial cell": "PanCK",
        "Endothelial cell": "CD31",
    }
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
    write_table(table, tmp_path / "cluster_names.csv")
    read = read_cluster_names(tmp_path / "cluster_names.csv")
    assert naming.short(read) == naming.short(table)
    assert read["name"].tolist() == table["name"].tolist()


def measured(**strengths):
    """Markers of one cluster whose proteins are so many standard deviations above the others."""
    auc = norm.cdf(np.array(list(strengths.values())) / 2**0.5)
    return pd.DataFrame({"cluster": 4, "feature": list(strengths), "auc": auc})


def best(bar=naming.BAR, **strengths):
    return naming.fits(measured(**strengths))[4].best(bar)


# as it was, when a cluster of kidney tubules was a leukocyte at a probability of .52
LAX = naming.Bar(sure=0.5, margin=0.0, seen=naming.SEEN)


def test_a_marker_hardly_above_the_others_is_no_evidence():
    """Proximal tubules of a diabetic kidney: their own markers were not measured."""
    tubules = dict(
        C1QC=2.5,
        CD183=2.5,
        Nestin=1.2,
        CD45=0.6,
        CD11b=0.3,
        CD68=-0.4,
        EpCAM=-1.4,
        CD31=-0.9,
        aSMA=-0.8,
    )
    assert best(LAX, **tubules) == "Leukocyte" and best(**tubules) is None
    row = naming.name_clusters(measured(**tubules), {4: 2284}).iloc[0]
    assert row["name"] == "cluster 4 (C1QC+ CD183+ Nestin+)" and pd.isna(row["type"])
    assert best(**(tubules | {"CD45": 1.2})) == "Leukocyte"


def test_no_name_where_another_type_is_nearly_as_likely():
    either = dict(CD45=-0.3, CD31=1.7, PanCK=1.6, SMA=0.0, CD3=-0.3)
    assert best(LAX, **either) == "Endothelial cell" and best(**either) is None
    assert best(**(either | {"PanCK": 0.5})) == "Endothelial cell"


def test_a_wider_type_is_no_rival_of_its_narrower_one():
    """CD3 says T cell as much as CD4 does say which: so neither is the other's rival."""
    helper = dict(CD45=1.5, CD3=1.9, CD4=2.2, CD8=0.0, CD20=-0.4, CD68=-0.2, PanCK=-1.0)
    total = naming.fits(measured(**helper))[4].total
    assert 0.5 < total["CD4 T cell"] < 0.7 and best(**helper) == "CD4 T cell"
    assert best(**(helper | {"CD8": 1.5})) == "T cell"


def test_mucin_tells_epithelium_and_foxp3_rules_out_a_macrophage():
    distal = dict(CD227=3.0, EpCAM=0.1, CD45=-0.4, CD31=-0.8, aSMA=-0.9, CD68=-1.4)
    assert best(**distal) == "Epithelial cell"
    # six markers without CD3: what is FOXP3+ cannot be named, but takes up its neighbours' CD68
    assert best(FoxP3=3.0, CD68=1.4, CD8=0.5, CK=-0.8) is None
    assert best(FoxP3=0.2, CD68=3.0, CD8=0.1, CK=-0.4) == "Macrophage"


def test_what_is_right_for_a_class_is_a_type():
    """Of the table by which names are judged on labelled slices."""
    known = set(signatures.read_signatures())
    assert not JUDGED.duplicated(["study", "class"]).any() and JUDGED["reason"].ne("").all()
    for row in JUDGED.itertuples():
        right, wider = panel.split(row.right), panel.split(row.wider)
        assert set(right) | set(wider) <= known and not set(right) & set(wider), row


@pytest.mark.parametrize("patient", ["p28", "p36"])
def test_names_agree_with_published_labels(patient, real_data):
    import mudata

    data = anndata.read_h5ad(real_data / f"keren_tnbc_mibi_{patient}.h5ad")
    whole = mudata.MuData({"protein": data})
    whole.obs["image"] = whole.obs["slice"] = "one"
    whole.obsm["spatial"] = np.asarray(data.obsm["spatial"])
    cells = preparation.prepare(whole, STAGES["preprocess"].defaults | {"panel": "lineage"})
    clusters = heads.kmeans(cells.matrix, 12, 42)
    table = named(cells, clusters).set_index("cluster")
    said = table["type"].reindex(clusters).to_numpy(dtype=object)
    truth = data.obs["cell_type"].astype(str).to_numpy()
    there = pd.notna(said)
    keren = JUDGED[JUDGED["study"] == "keren"].set_index("class")
    allowed = (keren["right"] + ";" + keren["wider"]).str.split(";")
    right = np.array([name in allowed[label] for name, label in zip(said, truth)])
    # 72 to 76 % measured when this was written, with 1 of 5 cells unnamed at most
    assert right[there].mean() > 0.65 and there.mean() > 0.7
