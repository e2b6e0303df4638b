"""The table of types: what it may say, and which types a panel can tell."""

import pandas as pd
import pytest

from spclust.data import shipped
from spclust.errors import UserError
from spclust.knowledge import panel, signatures

SHIPPED = signatures.read_signatures()


GENERAL = {"immune", "stroma", "epithelium", "endothelium", "tumour"}


def of_tissue(tissue):
    """Types and proteins that a configuration with a tissue has."""
    asked = {"signatures": {"tissue": tissue}}
    files = {
        table: [panel.KNOWLEDGE / path for path in shipped.named(asked, table)]
        for table in ("proteins", "signatures")
    }
    return signatures.read_knowledge_tables(files)


def test_the_shipped_types_have_sources_and_roots():
    sources, names = pd.read_csv(panel.KNOWLEDGE / "sources.csv")["key"], []
    for path in panel.KNOWLEDGE.rglob("signatures.csv"):
        table = pd.read_csv(path, keep_default_na=False)
        for row in table.itertuples():
            cited = panel.split(row.source)
            assert cited and set(cited) <= set(sources), row.name
        own = GENERAL if path.parent == panel.KNOWLEDGE else {path.parent.name}
        assert set(table["tissue"]) == own
        names += list(table["name"])
    assert len(SHIPPED) >= 30 and len(names) == len(set(names))


@pytest.mark.parametrize("tissue", shipped.tissues())
def test_a_tissue_has_types_of_its_own_beside_the_general_ones(tissue):
    found, proteins = of_tissue(tissue)
    own = {*found} - {*of_tissue([t for t in shipped.tissues() if t != tissue])[0]}
    assert own and "Macrophage" in found
    # each of them can be told by proteins that are known, whose names no two rows claim
    measured = {p for name in own for marker in found[name].positive for p in marker}
    assert own <= {*signatures.told_by(measured, found, inherited=True)}
    panel.recognise(measured, proteins)


def test_a_tissue_leaves_out_the_types_of_another():
    lung, _ = of_tissue("lung")
    assert "Alveolar type 2 cell" in lung and "Proximal tubule cell" not in lung
    both, _ = of_tissue(["lung", "kidney"])
    assert {"Alveolar type 2 cell", "Proximal tubule cell"} <= {*both}
    assert "Proximal tubule cell" in SHIPPED and "Alveolar type 2 cell" not in SHIPPED


def test_proteins_of_a_tissue_are_known_where_it_is_asked_for():
    names = ["proSP-C", "CC10", "CD3"]
    _, of_lung = of_tissue("lung")
    assert panel.recognise(names, of_lung)["canonical"].tolist() == ["SFTPC", "SCGB1A1", "CD3E"]
    assert panel.recognise(names)["canonical"].isna().tolist() == [True, True, False]


def test_own_tables_lie_over_those_of_a_tissue():
    asked = {"signatures": {"tissue": "lung", "tables": ["shipped", "own.csv"]}}
    names = [str(path) for path in shipped.named(asked, "signatures")]
    assert names == ["signatures.csv", "tissues/lung/signatures.csv", "own.csv"]
    assert [str(p) for p in shipped.named(asked, "proteins")] == [
        "proteins.csv",
        "tissues/lung/proteins.csv",
    ]
    assert [str(p) for p in shipped.named({}, "signatures")] == [
        "signatures.csv",
        "tissues/kidney/signatures.csv",
    ]


def test_no_type_contradicts_itself_or_its_wider_types():
    for name in SHIPPED:
        wider = [SHIPPED[n] for n in signatures.lineage_of(name, SHIPPED)]
        lacks = {p for s in wider[:1] for marker in s.negative for p in marker}
        has = [set(marker) for s in wider for marker in s.positive]
        assert not [marker for marker in has if marker <= lacks], name


def test_a_type_takes_part_only_where_each_positive_marker_was_measured():
    treg = SHIPPED["Regulatory T cell"]
    assert treg.measured({"CD3E", "CD8A"}) is None
    some = treg.measured({"CD3E", "FOXP3", "CD8A", "ACTB"})
    assert some.positive == (("CD3E",), ("FOXP3",)) and some.negative == (("CD8A",),)


def test_a_panel_tells_the_types_it_measures():
    told = signatures.told_by({"CD3E", "FOXP3", "CD8A"}, SHIPPED)
    assert set(told) == {"T cell", "CD8 T cell", "Regulatory T cell"}
    assert told["Regulatory T cell"].negative == (("CD8A",),)
    assert signatures.told_by(set(), SHIPPED) == {}


def test_lineages_go_from_narrow_to_wide():
    found = signatures.lineage_of("Regulatory T cell", SHIPPED)
    assert found == ["Regulatory T cell", "CD4 T cell", "T cell", "Leukocyte"]


def test_a_table_of_ones_own_lies_over_the_shipped_or_stands_alone(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("name,parent,positive\nB cell,Leukocyte,CD19;CR2\nOdd cell,B cell,CD44\n")
    both = signatures.read_signatures([shipped.SHIPPED, table])
    assert len(both) == len(SHIPPED) + 1
    assert both["B cell"].positive == (("CD19",), ("CR2",)) and not both["B cell"].negative
    table.write_text("name,positive\nOdd cell,CD44|VIM\n")
    assert set(signatures.read_signatures([table])) == {"Odd cell"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("A,,CD3,", "line 2: 'CD3' is not a name in the table of proteins"),
        ("A,,,", "no positive marker"),
        ("A,Z,CD4,", "the parent 'Z'"),
        ("A,A,CD4,", "the parent 'A'"),
    ],
)
def test_a_faulty_table_is_refused_by_place(tmp_path, row, words):
    table = tmp_path / "own.csv"
    table.write_text(f"name,parent,positive,negative\n{row}\n")
    with pytest.raises(UserError, match=words):
        signatures.read_signatures([table])
