"""Names of proteins: what is recognised, what is not, and which features cluster."""

import logging

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spclust.errors import UserError
from spclust.knowledge import panel

PROTEINS = panel.read_proteins()


def meant(name, proteins=None):
    return panel.recognise([name], proteins)["canonical"].iloc[0]


@pytest.mark.parametrize(
    ("name", "canonical"),
    {
        "CD3": "CD3E",
        "CD3e": "CD3E",
        "CD3ε": "CD3E",
        "CD3D": "CD3E",
        "cd3_epsilon": "CD3E",
        "αSMA": "ACTA2",
        "α-SMA": "ACTA2",
        "aSMA": "ACTA2",
        "Smooth muscle actin": "ACTA2",
        "HLA-DR": "HLA-DRA",
        "HLADR": "HLA-DRA",
        "HLA_Class_1": "HLA-A",
        "MHCI": "HLA-A",
        "Pan-Keratin": "PanCK",
        "PanCK": "PanCK",
        "Cytokeratin": "PanCK",
        "CK": "PanCK",
        "Keratin17": "KRT17",
        "CK8/18": "KRT8/18",
        "Cytokeratin 5": "KRT5",
        "p53": "TP53",
        "H3K9ac": "H3K9ac",
        "Ki-67": "MKI67",
        "phospho-S6": "RPS6",
        "bCatenin1": "CTNNB1",
        "Beta catenin": "CTNNB1",
        "Na-K-ATPase": "ATP1A1",
        "CD31": "PECAM1",
        "CD38": "CD38",
        "CD45RO": "CD45RO",
        "CD45": "PTPRC",
        "PTPRC-1": "PTPRC",
        "CD4 - T helper cells:Cyc_6_ch_3": "CD4",
        "HLA-DR - MHC-II": "HLA-DRA",
        "141Pr_CD38": "CD38",
        "CD38(Pr141)": "CD38",
        "anti-CD20": "MS4A1",
        "CD3_UCHT1": "CD3E",
        "CD8 (C8144B)": "CD8A",
        "CD8-FITC": "CD8A",
        "Ki67 SP6": "MKI67",
        "DNA_6": "DNA",
        "HOECHST2": "Hoechst",
        "RORgammaT": "RORC",
    }.items(),
)
def test_usual_spellings_are_recognised(name, canonical):
    assert meant(name) == canonical


@pytest.mark.parametrize(
    "name",
    [
        "CD300",
        "CD1",
        "CD3 1",
        "CD3-1",
        "CD44 v6",
        "CK-9",
        "Keratin 99",
        "CD68_CD163",
        "CD3-CD28",
        "CD68 (CD163)",
        "Histone H3 K9me3",
        "STAT3 pY705",
        "",
        "-",
        "p0",
        "Ag107",
        "gene_0",
    ],
)
def test_what_is_no_protein_of_the_table_stays_unknown(name):
    assert meant(name) is None


ALIASES = [(a, n) for n, row in PROTEINS.iterrows() for a in [n, *row["aliases"]]]
# nuclear stains are called by their isotope, which elsewhere is a decoration
MARKERS = [(a, n) for a, n in ALIASES if PROTEINS.at[n, "role"] != "technical"]


@given(
    st.sampled_from(MARKERS),
    st.sampled_from([str.upper, str.lower, str]),
    st.sampled_from(
        [
            "{}",
            " {} ",
            "{} (clone D3B5)",
            "{} - remark:Cyc_1_ch_2",
            "141Pr_{}",
            "{}_EPR5701",
            "{}:Cyc_2_ch_3",
            "anti-{}",
        ]
    ),
)
def test_every_name_is_found_whatever_its_case_and_its_clone(alias, case, form):
    name, canonical = alias
    assert meant(form.format(case(name))) == canonical


WORDS = [(a, n) for a, n in ALIASES if a.isalnum()]


@given(st.sampled_from(WORDS), st.text("0123456789abcdefgh", min_size=1, max_size=2))
def test_a_longer_word_is_another_name(alias, more):
    known = {panel.key(a): n for a, n in ALIASES}
    assert meant(alias[0] + more) == known.get(panel.key(alias[0] + more))


def test_rows_are_whole_and_have_sources():
    sources = pd.read_csv(panel.KNOWLEDGE / "sources.csv").set_index("key")
    assert sources.notna().all(axis=None) and sources.index.is_unique
    assert len(PROTEINS) >= 150 and PROTEINS.index.is_unique
    for name, row in PROTEINS.iterrows():
        cited = panel.split(row["source"])
        assert row["note"] and cited and set(cited) <= set(sources.index), name


def test_every_source_is_cited_and_no_two_names_are_one():
    """A key that is compared alike would hide one of two rows."""
    cited = {
        key
        for table in ("proteins", "signatures")
        for path in panel.KNOWLEDGE.rglob(f"{table}.csv")
        for row in pd.read_csv(path, keep_default_na=False)["source"]
        for key in panel.split(row)
    }
    assert cited == set(pd.read_csv(panel.KNOWLEDGE / "sources.csv")["key"])
    keys = {}
    for alias, name in ALIASES:
        assert keys.setdefault(panel.key(alias), name) == name, alias


def test_isoforms_of_cd45_are_told_apart():
    names = ["CD45", "CD45RA", "CD45RB", "CD45RO", "B220"]
    assert panel.recognise(names)["canonical"].tolist() == ["PTPRC", *names[1:4], "CD45R"]


def test_a_table_of_ones_own_lies_over_the_shipped_or_stands_alone(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("name,aliases,role\nXYZ1,My marker,lineage\nCD44,,lineage\n")
    both = panel.read_proteins([panel.SHIPPED, table])
    found = panel.recognise(["my-marker", "CD44", "CD3"], both)
    assert found["role"].tolist() == ["lineage"] * 3
    assert meant("CD3", panel.read_proteins([table])) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,role\nA1,lines\n", "line 2.*'lines'"),
        ("name\nA1\n", "lacks the columns role"),
        ("name,aliases,role\nA1,x,state\nB1,X,state\n", "'X' is claimed by 'A1' and 'B1'"),
        ("name,aliases,role\nA1,x, y,state\n", "more fields than its header .* in quotes"),
    ],
)
def test_a_faulty_table_is_refused_by_place(tmp_path, text, words):
    table = tmp_path / "own.csv"
    table.write_text(text)
    with pytest.raises(UserError, match=words):
        panel.read_proteins([table])


NAMES = ["CD3", "CD4", "CD8", "CD20", "CD68", "CD31", "PanCK", "Ki67", "mystery"]


def test_lineage_keeps_unknown_names_and_says_what_it_leaves_out(caplog):
    with caplog.at_level(logging.INFO):
        mask = panel.chosen(NAMES, "lineage")
    assert mask.tolist() == [True] * 7 + [False, True]
    assert "unknown and stay in: mystery" in caplog.text
    assert "figures and export: Ki67 (to have them back set panel: all)" in caplog.text


def test_auto_wants_eight_lineage_markers_counted_once_each():
    assert panel.chosen(NAMES, "auto").all()
    assert panel.chosen([*NAMES, "CD3e"], "auto").all()
    assert not panel.chosen([*NAMES, "CD56"], "auto").all()


def test_a_list_names_features_by_any_alias():
    assert panel.chosen(NAMES, ["Cytokeratin", "ki-67"]).nonzero()[0].tolist() == [6, 7]
    with pytest.raises(UserError, match="no feature is called 'CD11c'; there are CD3, CD4"):
        panel.chosen(NAMES, ["CD3", "CD11c"])
    with pytest.raises(UserError, match="at least two"):
        panel.chosen(NAMES, ["CD3", "CD3e"])


def test_a_panel_without_lineage_markers_is_refused():
    with pytest.raises(UserError, match="panel: all"):
        panel.chosen(["a", "b", "CD3"], "lineage")


def test_features_of_two_panels_are_the_same_where_one_of_each_is_meant():
    ours = ["CD3", "CD8", "PanCK", "CD68", "Ki67", "CD45", "CD45RO"]
    theirs = ["Cell: cd3: Mean", "CD8a", "Keratin", "CD31", "CD45", "CD45-RO", "KP1", "Macrosialin"]
    assert panel.same_features(ours, theirs) == {
        "Cell: cd3: Mean": "CD3",
        "CD8a": "CD8",
        "Keratin": "PanCK",
        "CD45": "CD45",
        "CD45-RO": "CD45RO",
    }


def test_of_genes_only_the_spelling_counts():
    assert panel.same_features(["CD3E", "CD8A"], ["CD3D", "Cd8a"], genes=True) == {"Cd8a": "CD8A"}
