"""What is kept of studies and said of them by hand: tables from values, sentences from tables."""

import re

import pandas as pd
import pytest
import yaml
from pages import printed, said, text
from places import MEASURED
from workflow import ROOT

from spclust.comparison import results as comparison
from spclust.comparison import settings_page as comparison_settings
from spclust.comparison import study, study_plan
from spclust.comparison import values as comparison_values
from spclust.data import scores as reporting
from spclust.plan import settings

KEPT = sorted(path.parent for path in ROOT.glob("tests/measured/comparison/studies/*/runs.tsv"))


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_the_table_of_a_study_is_made_of_the_values_beside_it(folder):
    names = ("config/config.yaml", f"config/studies/{folder.name}.yaml")
    shipped, own = (yaml.safe_load((ROOT / name).read_text()) for name in names)
    facts = study_plan.facts(settings.resolve(shipped | own), True, folder)
    assert facts["other_settings"] == []
    results = comparison.read(facts["results"], kept=comparison_values.read(facts["kept"]))
    table = study.tabulate(results.scores, facts)
    there = pd.read_csv(folder / "table.tsv", sep="\t", dtype={"label": str})
    pd.testing.assert_frame_equal(reporting.rounded(table), there, check_dtype=False)
    assert study.page(table, facts) == (folder / "table.md").read_text()
    assert comparison_settings.page(facts) == (folder / "settings.md").read_text()


# what the page says of the paper's studies: names in its sentences, the first value of each its ARI
SAID = {
    "initial_labels": {
        "From random labels spClust": "from_random",
        "From the true labels it": "from_truth",
        "from SpatialLeiden's, which have .52 themselves, it": "from_spatialleiden",
    },
    "ablation_csmote": {
        "constrained in space": "spclust",
        "at λ1 = λ2": "same_lambda",
        "without spatial neighbours": "expression_only",
        "without synthetic cells": "none",
    },
    "update_strategy": {
        "every ten epochs as in the paper": "spclust",
        "every epoch": "every_epoch",
        "at the end": "at_the_end",
        "never": "fixed",
        "left to the descent": "descent",
        "moving averages": "average_every_epoch",
        "new labels alone": "only_labels",
        "new prototypes alone": "only_prototypes",
    },
    "ablation_views": {
        "one view of each graph": "spclust",
        "mixed twice": "mixed",
        "expression twice": "expression",
        "space twice": "spatial",
        "both graphs with it": "augmented",
    },
    "ablation_losses": {
        "whole objective lands on the paper's numbers": "spclust",
        "falls apart": "no_modularity",
        "Without contrast": "no_contrast",
        "without alignment": "no_alignment",
        "Without reconstruction it": "no_reconstruction",
    },
    "hyperparameters": {
        "at τ = 0.07": "tau_0.07",
        "at τ = 0.1": "tau_0.1",
        "at τ = 0.5": "tau_0.5",
        "at τ = 1": "tau_1.0",
        "five neighbours": "k5",
        "fifteen neighbours": "k15",
        "25 neighbours": "k25",
        "thirty neighbours": "k30",
    },
    "all_printed": {
        "beside the defaults": "spclust",
        "Printed throughout": "all_printed",
        "the pool of a class": "pool",
        "all pairs of cells": "all_pairs",
        "inner products": "inner_products",
        "learnt weights": "learnt_weights",
        "no temperature": "no_assignment_temperature",
        "elementwise reconstruction": "elementwise",
        "a plain projection": "plain_projection",
        "a last ReLU": "last_activation",
        "plain attention": "plain_attention",
    },
}


@pytest.mark.parametrize("name", SAID)
def test_the_page_tells_the_scores_of_the_papers_studies(name):
    folder = MEASURED / "comparison/studies" / name
    table = pd.read_csv(folder / "table.tsv", sep="\t", dtype={"label": str})
    rows = table[table["metric"] == "ARI"].drop_duplicates("run").set_index("run")
    paragraph = text("comparison").split(f"[{name}]")[1].split("- [")[0]
    for words, run in SAID[name].items():
        found = re.search(rf"{words} \((?:ARI )?(\.\d+)(?: ± (\.\d+))?", paragraph)
        found = found or re.search(rf"{words} has (\.\d+)(?: ± (\.\d+))?", paragraph)
        assert found, words
        assert float(found[1]) == pytest.approx(rows["mean"][run], abs=0.0005001), words
        if found[2]:
            assert float(found[2]) == pytest.approx(rows["sd"][run], abs=0.0005001), words


def test_the_page_tells_what_spclust_makes_of_first_labels():
    folder = MEASURED / "comparison/studies/initial_labels"
    means = pd.read_csv(folder / "runs.tsv", sep="\t").groupby("run")[["ARI", "macro_F1"]].mean()
    ari, f1 = means["ARI"], means["macro_F1"]
    rarest = pd.read_csv(folder / "classes.tsv", sep="\t").set_index("run")["f1"]
    first, trained = ([f"{of}_leiden_{seed}" for seed in (0, 42, 2026)] for of in ("first", "from"))
    lost = ari[first].to_numpy() - ari[trained].to_numpy()
    assert rarest["from_random"].min() == 0
    told = {
        "({} for .80) and": [ari[first].mean()],
        "spClust loses {} to {} of them": [lost.min(), lost.max()],
        "(macro-F1 {}) it reaches {},": f1[["first_kmeans", "from_kmeans"]],
        "(F1 0 to {};": [rarest["from_random"].max()],
        "from Leiden's {} to {})": [rarest[trained].min(), rarest[trained].max()],
        "which have {} themselves": [ari["first_spatialleiden"]],
    }
    paragraph = text("comparison").split("[initial_labels]")[1].split("- [")[0]
    assert not [
        words for words, values in told.items() if words.format(*printed(values)) not in paragraph
    ]


def test_the_page_of_methods_tells_what_the_printed_equations_make_of_the_kidney():
    table = pd.read_csv(MEASURED / "comparison/studies/all_printed/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].set_index("run")["mean"]
    told = "the latter have ARI {}, the defaults {}).".format(
        *printed(ari[["all_printed", "spclust"]])
    )
    assert told in text("methods")


def test_the_page_tells_how_little_temperature_and_neighbours_decide():
    table = pd.read_csv(MEASURED / "comparison/studies/hyperparameters/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].set_index("label")
    tau, k = (of_part for _, of_part in ari.groupby("part"))
    low, high = tau["sd"].loc[0.1:0.3], tau["sd"].loc[0.4:]
    values = [
        tau["mean"].max() - tau["mean"].min(),
        low.min(),
        low.max(),
        high.min(),
        high.max(),
        k["mean"].max() - k["mean"].min(),
    ]
    told = [f"{value:.3f}".removeprefix("0") for value in values]
    sentences = (
        "temperatures the mean ARI stays within {0}:",
        "(sd {1} to {2} from 0.1 to 0.3,",
        ", {3} to {4} above)",
        "from 5 to 30 it stays within {5}:",
    )
    paragraph = text("comparison").split("[hyperparameters]")[1].split("- [")[0]
    assert not [s for s in sentences if s.format(*told) not in paragraph]
    assert k["mean"].idxmin() == 5 and tau["sd"].idxmax() == 0.07


def test_the_page_tells_spatialleiden_by_the_weight_of_places():
    table = pd.read_csv(MEASURED / "comparison/studies/spatialleiden_ratio/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].set_index(["dataset", "part", "label"])["mean"]
    ari = ari.sort_index().round(2)
    kidney, simulated = (
        {part: ari[dataset, part] for part in (0, 1)}
        for dataset in ("dkd_codex_000", "sim_spamosaic")
    )
    assert {*kidney[0].loc[:1.0], *kidney[1].loc[:0.6]} == {0.86}
    assert kidney[0].loc[1.4] < 0.75 and kidney[1].loc[1.0] < 0.75
    assert {simulated[part].loc[0.2] for part in (0, 1)} == {0.73}
    assert simulated[1].loc[0.6] == simulated[0].loc[3.6] == 0.96
    assert simulated[1].loc[0.8:].min() >= 0.99
    assert {*simulated[0].loc[1.4:2.5]} == {0.88} and simulated[0].loc[1.0] < 0.75
    values = [kidney[part].loc[ratio] for ratio in (1.8, 3.6) for part in (0, 1)]
    values += [
        of(ari[dataset]) for dataset in ("hln_A1_adt", "schurch_regions") for of in (min, max)
    ]
    told = (
        "({} and {} at 1.8, {} and {} at 3.6)",
        "Lymph node ({} to {})",
        "neighbourhoods ({} to {})",
    )
    values = printed(values)
    paragraph = text("comparison").split("[spatialleiden_ratio]")[1].split("- [")[0]
    for sentence, of_it in zip(told, (values[:4], values[4:6], values[6:])):
        assert sentence.format(*of_it) in paragraph


def test_the_page_tells_what_the_study_of_several_slices_found():
    table = pd.read_csv(MEASURED / "comparison/studies/multislice/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].groupby(["dataset", "run"])["mean"].first()
    names = {
        "Leiden": "leiden",
        "KMeans": "kmeans",
        "spClust": "spclust",
        "BANKSY": "banksy",
        "stDGCC": "stdgcc",
        "Spotscape": "spotscape",
        "STAGATE": "stagate",
        "GraphST": "graphst",
        "SpatialLeiden": "spatialleiden",
    }
    paragraph = text("comparison").split("[multislice]")[1].split("None of these methods'")[0]
    types, layers = paragraph.split("By layers the order")
    cohort, alone = types.split("on MERFISH")
    layers = layers.split("Spotscape's cohort")[0]
    for dataset, part, number in (
        ("starmap", cohort, 3),
        ("merfish_mpoa", alone, 3),
        ("starmap_regions", layers, 8),
    ):
        values = said(part, {rf"(?<!Spatial)\b{name}": run for name, run in names.items()})
        assert len(values) >= number, values
        for run, value in values.items():
            assert value == pytest.approx(ari[dataset, run], abs=0.005001), (dataset, run)
    four = ["spotscape", "spotscape_literal", "stagate", "graphst", "stdgcc"]
    for dataset, part in (("starmap", cohort), ("merfish_mpoa", alone)):
        of_them = ari[dataset][four]
        assert f"{of_them.min():.2f} to {of_them.max():.2f}".replace("0.", ".") in part
