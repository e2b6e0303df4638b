"""The table of types: what it may say, and which types a panel can tell."""

import pandas as pd
import pytest

from spclust.errors import UserError
from spclust.knowledge import panel, signatures

SHIPPED = signatures.read_signatures()


def test_the_shipped_types_have_sources_and_roots():
    table = pd.read_csv(panel.KNOWLEDGE / "signatures.csv", keep_default_na=False)
    sources = pd.read_csv(panel.KNOWLEDGE / "sources.csv")["key"]
    assert len(SHIPPED) >= 30 and table["name"].is_unique
    for row in table.itertuples():
        cited = panel.split(row.source)
        assert cited and set(cited) <= set(sources) and row.tissue, row.name
    tissues = {"immune", "stroma", "epithelium", "endothelium", "kidney", "tumour"}
    assert set(table["tissue"]) == tissues


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
    both = signatures.read_signatures([panel.SHIPPED, table])
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
