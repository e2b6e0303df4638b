"""Names of channels taken apart, as programs write them."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT

from spclust.knowledge.channel_names import COMPARTMENTS, STATISTICS, take_apart
from spclust.knowledge.other_columns import background, kind, unnamed
from spclust.knowledge.panel import recognise


@pytest.mark.parametrize(
    ("name", "marker", "parts"),
    [
        ("Cell: CD3: Mean", "CD3", {"compartment": "cell", "statistic": "mean"}),
        ("CD3: Cell: Mean", "CD3", {"compartment": "cell", "statistic": "mean"}),
        ("Nucleus: CD45 std dev", "CD45", {"compartment": "nucleus", "statistic": "sd"}),
        ("HLA-DR: Cell: Median", "HLA-DR", {"compartment": "cell", "statistic": "median"}),
        ("Cell: PD-L1: Percentile: 95.0", "PD-L1", {"statistic": "quantile"}),
        (
            "FOXP3 (Opal 620) Nucleus Intensity",
            "FOXP3",
            {"compartment": "nucleus", "statistic": "mean", "dye": "Opal 620"},
        ),
        ("FOXP3 (Opal 620) Positive Nucleus", "FOXP3", {"statistic": "positive"}),
        ("DAPI % Nucleus Completeness", "DAPI", {"statistic": "completeness"}),
        ("Dye 1 Membrane Intensity", "Dye 1", {"compartment": "membrane"}),
        (
            "Entire Cell CD3 (Opal 520) Std Dev (Normalized Counts, Total Weighting)",
            "CD3",
            {"compartment": "cell", "statistic": "sd", "dye": "Opal 520"},
        ),
        (
            "Entire Cell Alexa 594 Mean (Normalized Counts, Total Weighting)",
            "Alexa 594",
            {"compartment": "cell", "statistic": "mean", "dye": ""},
        ),
        ("Intensity_MeanIntensity_CD3", "CD3", {"statistic": "mean"}),
        ("Nuclei_Intensity_MeanIntensity_CD3", "CD3", {"compartment": "nucleus"}),
        ("Intensity_MeanIntensityEdge_c1", "c1", {"statistic": "edge"}),
        ("CD3_cellMask", "CD3", {"compartment": "cell", "mask": "cellMask"}),
        ("CD3_cellRingMask_intensity_median", "CD3", {"compartment": "ring"}),
        ("CD3_gini_index", "CD3", {"statistic": "gini"}),
        ("cyc014_ch003:CD45", "CD45", {"cycle": "cyc014_ch003"}),
        ("CD4 - T helper cells:Cyc_6_ch_3", "CD4", {"cycle": "Cyc_6_ch_3", "compartment": ""}),
        ("170Er_CD3", "CD3", {"metal": "170Er"}),
        ("CD45(Y89Di)", "CD45", {"metal": "Y89Di"}),
        ("Cell_CD3Er170", "CD3", {"metal": "Er170", "compartment": "cell"}),
        ("Ki67_nuclear", "Ki67", {"compartment": "nucleus"}),
        ("Mean.PanCK", "PanCK", {"statistic": "mean"}),
        ("Mean Intensity CD3", "CD3", {"statistic": "mean"}),
        ("CD8_pos", "CD8", {"statistic": "positive"}),
        ("Smoothed: 25 µm: CD3: Mean", "CD3", {"statistic": "smoothed"}),
        ("Smoothed: 50 µm: Cell: CD3 max", "CD3", {"compartment": "cell", "statistic": "smoothed"}),
        ("ROI: 0.50 µm per pixel: CD3: Median", "CD3", {"statistic": "median"}),
        ("ROI: 2.00 µm per pixel: CD3: Haralick Contrast (F1)", "CD3", {"statistic": "texture"}),
        ("CD3 (Opal 520) Total Cell Intensity", "CD3", {"statistic": "sum", "dye": "Opal 520"}),
        ("CD3 Average Cell Intensity", "CD3", {"compartment": "cell", "statistic": "mean"}),
        ("Intensity_MassDisplacement_CD3", "CD3", {"statistic": "displacement"}),
        ("intensity_mean-CD3", "CD3", {"statistic": "mean"}),
        ("intensity_max-HLA-DR", "HLA-DR", {"statistic": "max"}),
        ("361077Dy164Di CD20", "CD20", {"metal": "Dy164Di"}),
        ("CD3(Er170)Di", "CD3", {"metal": "Er170Di"}),
        (
            "Entire.Cell.CD3..Opal.520..Mean..Normalized.Counts..Total.Weighting.",
            "CD3",
            {"compartment": "cell", "statistic": "mean"},
        ),
        ("x:x", "x", {}),
        ("E-cadherin", "E-cadherin", {}),
        ("CD3 (UCHT1)", "CD3 (UCHT1)", {}),
        ("Mean", "Mean", {}),
        ("MAX", "MAX", {}),
        ("", "", {}),
    ],
)
def test_what_programs_write_around_a_marker(name, marker, parts):
    found = take_apart(name)
    assert found.marker == marker
    assert {part: getattr(found, part) for part in parts} == parts


@given(st.text(min_size=1, max_size=40))
def test_any_text_has_a_marker_that_is_a_part_of_it(text):
    found = take_apart(text)
    assert found.marker in text and found.compartment in ("", *COMPARTMENTS)
    assert found.marker or not any(letter.isalnum() for letter in text)


@given(
    st.sampled_from(["CD3", "HLA-DR", "Na-K-ATPase", "p53", "Ki-67", "CD45RO", "PD-L1"]),
    st.sampled_from(
        [
            "Cell: {}: Mean",
            "{}: Nucleus: Std.Dev.",
            "{} (Opal 520) Cytoplasm Intensity",
            "Membrane {} (Opal 690) Max (Normalized Counts, Total Weighting)",
            "Intensity_IntegratedIntensity_{}",
            "{}_nucleiMask",
            "{}_intensity_median",
            "cyc001_ch002:{}",
            "{}:Cyc_1_ch_2",
            "141Pr_{}",
            "{}(Er170Di)",
            "Cell_{}",
            "{}_nuclear",
        ]
    ),
)
def test_a_marker_is_known_in_the_clothes_of_every_program(marker, form):
    bare, dressed = recognise([marker, form.format(marker)])["canonical"]
    assert dressed == bare is not None


@pytest.mark.parametrize(
    ("name", "what"),
    {
        "A488": "background",
        "Autofluorescence_488nm": "background",
        "blank:Cyc_1_ch_2": "background",
        "Empty_c1_ch3": "background",
        "Ms IgG1": "background",
        "NegPrb01": "background",
        "80ArAr": "background",
        "208Pb": "background",
        "DNA1": "nuclear stain",
        "Cell: DAPI: Mean": "nuclear stain",
        "HH3": "nuclear stain",
        "ArAr80(ArAr80Di)": "background",
        "80ArAr_80ArAr": "background",
        "140Ce_EQ4": "background",
        "PolyT_raw": "background",
        "Cell: Hematoxylin OD mean": "nuclear stain",
        "Eosinophil peroxidase": "",
        "H3K9ac": "histone mark",
        "CD3": "",
        "IgM": "",
        "AFP": "",
        "DNAPK": "",
        "Ag107": "",
    }.items(),
)
def test_channels_without_a_protein_are_told_by_their_names(name, what):
    assert background(name) == what


@pytest.mark.parametrize(
    ("name", "what"),
    {
        "Nucleus: Area µm^2": "shape",
        "Unnamed: 0": "name or number",
        "CellId": "name or number",
        "cell_type_code": "earlier result",
        "UMAP_1": "embedding",
        "CD3+ CD8+": "gate or flag",
        "is_tumour": "gate or flag",
        "pseudotime": "score",
        "distance_to_vessel": "count or distance",
        "timepoint": "patient",
        "m.majoraxis": "shape",
        "p_T cell": "earlier result",
        "M2 Macrophages": "earlier result",
        "local_moran": "score",
        "acq_time": "patient",
        "x0": "place",
        "NMF_1": "embedding",
        "Subcellular: Channel 2": "count or distance",
        "X.1": "place",
        "CD3": "",
        "Ly6C": "",
        "ID2": "",
        "NR4A1": "",
        "B_Parameter": "",
    }.items(),
)
def test_words_that_tell_what_a_column_is(name, what):
    assert kind(name) == what


def test_an_isotope_or_a_number_alone_names_no_marker():
    assert all(map(unnamed, ["141Pr", "Er170Di", "chan_39"])) and not unnamed("170Er_CD3")


def test_every_measure_that_is_printed_may_be_asked_for():
    schema = yaml.safe_load((ROOT / "config/schemas/dataset.schema.yaml").read_text())
    asked = schema["properties"]["measure"]["properties"]["statistic"]["enum"]
    assert set(asked) == STATISTICS
