"""Sentences of the pages that are written by hand say what the kept tables say."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from workflow import ROOT, publish_script

from spclust import (
    comparison,
    comparison_settings,
    comparison_values,
    reporting,
    settings,
    study,
    study_plan,
)

KEPT = sorted(path.parent for path in ROOT.glob("tests/comparison/studies/*/runs.tsv"))
PAGES = {"README.md": ROOT / "README.md", "comparison": ROOT / "tests/comparison/README.md"}
NAMES = {"Ward": "ward", "KMeans": "kmeans", "the vote": "consensus", "Leiden": "leiden",
         "BANKSY": "banksy"}  # fmt: skip
CANCER, KIDNEYS = ["upmc_hnscc_reg004", "upmc_hnscc_reg009"], ["dkd_005", "dkd_011"]


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """The script that takes tables over, with copies of the kept ones to write to."""
    script, studies = publish_script(), {}
    for kept, config in script.STUDIES.items():
        copied = tmp_path / "pages" / kept.name
        shutil.copytree(kept, copied)
        studies[copied] = config
    monkeypatch.setattr(script, "STUDIES", studies)
    monkeypatch.setattr(script, "HERE", tmp_path / "pages")
    return script


def text(page):
    """A page in one line, so that sentences may be broken anywhere."""
    return re.sub(r"\s+", " ", PAGES[page].read_text())


def said(sentence, names=NAMES):
    """Values that follow names in a sentence: ``Ward .48, KMeans (.47)``."""
    found = {name: re.search(rf"{name}(?: has)? \(?(\.\d+)", sentence) for name in names}
    return {names[name]: float(value[1]) for name, value in found.items() if value}


def blind(slices):
    """Mean ARI by run over slices nobody had seen."""
    table = pd.read_csv(ROOT / "tests/comparison/blind/runs.tsv", sep="\t")
    scores = table[table["dataset"].isin(slices)].groupby(["dataset", "run"])["ARI"].mean()
    return scores.groupby("run").mean()


def test_the_readme_tells_the_means_over_slices_nobody_had_seen():
    cancer, kidneys = text("README.md").split("Two of cell types: ")[1].split("([all")[0].split(";")
    alone = {name: run for name, run in NAMES.items() if run != "leiden"}  # its forms are below
    for slices, values, number in ((CANCER, said(cancer), 4), (KIDNEYS, said(kidneys, alone), 3)):
        assert len(values) == number
        for run, value in values.items():
            assert value == pytest.approx(blind(slices)[run], abs=0.005001), run
    forms = blind(KIDNEYS)[["leiden", "leiden_pca", "scimap_style", "phenograph"]]
    assert f"forms of Leiden {forms.min():.2f} to {forms.max():.2f}".replace("0.", ".") in kidneys


def test_the_page_tells_the_means_over_seen_and_unseen_slices_of_one_cancer():
    sentence = text("comparison").split("two seen and two not, ")[1].split(": its lead")[0]
    values = said(sentence)
    assert len(values) == 4
    table = pd.read_csv(ROOT / "tests/comparison/first_labels.tsv", sep="\t")
    table = table[(table["score"] == "ARI") & table["slice"].str.contains("upmc_hnscc")]
    seen = table.groupby(["slice", "labels"])["value"].mean().unstack()
    assert len(seen) == 2
    seen = seen.rename(columns={"vote": "consensus"}).mean()
    for run, value in values.items():
        mean = (seen[run] + blind(CANCER)[run]) / 2
        assert value == pytest.approx(mean, abs=0.0005001), run


def test_the_readme_tells_the_means_over_the_slices_the_vote_was_chosen_on():
    table = pd.read_csv(ROOT / "tests/comparison/first_labels.tsv", sep="\t")
    table = table[table["score"] == "ARI"]
    means = table.groupby(["labels", "seed"])["value"].mean().groupby("labels").mean()
    sentence = text("README.md").split("Combined by vote they have ")[1].split("([")[0]
    values = said(sentence, {"a mean ARI of": "vote", "Leiden": "leiden", "Ward": "ward",
                             "KMeans": "kmeans"})  # fmt: skip
    assert len(values) == 4
    for labels, value in values.items():
        assert value == pytest.approx(means[labels], abs=0.0005001), labels


def small_runs():
    """Runs of the small comparison on slices labelled by types, and on those by regions."""
    runs = pd.read_csv(ROOT / "tests/comparison/small/runs.tsv", sep="\t")
    kind = runs["dataset"].isin(["keren_p36", "upmc_001", "schurch_009A", "phenoptr_lung"])
    return runs[kind], runs[~kind]


def mean_ari():
    """The same as mean ARI by run."""
    return [part.groupby("run")["ARI"].mean() for part in small_runs()]


def printed(values):
    return [f"{value:.2f}".replace("0.", ".") for value in values]


def test_the_page_tells_times_coherence_and_means_of_the_small_comparison():
    types, _ = small_runs()
    page = text("comparison")
    seconds = types.groupby(["run", "dataset"])["seconds"].mean()
    ratios = seconds["spclust"] / seconds["leiden"]
    spread = [(f"{ratios.min():.0f} to {ratios.max():.0f} times its time", ratios)]
    for run, words in (("spclust", "({} s on one thread"), ("consensus", "the vote {} s)")):
        of_run = seconds[run]
        spread.append((words.format(f"{of_run.min():.0f} to {of_run.max():.0f}"), of_run))
    assert not [words for words, _ in spread if words not in page]
    coherence = types.groupby("run")["spatial_coherence"].mean()
    shown = ["truth", "banksy", "spagcn", "cellcharter", "spatialleiden", "spatialleiden_knn10",
             "leiden", "spclust", "consensus"]  # fmt: skip
    values = printed(coherence[shown])
    assert "({} beyond chance): {}, {}, {}, {} and {}. So".format(*values[:6]) in page
    assert "Leiden's have {}, spClust's {}, the vote's {}.".format(*values[6:]) in page
    ari = types.groupby("run")["ARI"].mean()
    told = printed(ari[["scprotein", "scdc", "spclust_vote", "consensus"]])
    assert "(ARI {}, {} and {}, the vote {})".format(*told) in page


def test_the_pages_tell_how_sure_it_is_that_methods_differ():
    table = pd.read_csv(ROOT / "tests/comparison/small/friedman.tsv", sep="\t")
    p = table.set_index(["labels", "group", "metric"])["p_f"].sort_index()
    assert p["cell types"].max() < 1e-5
    own, alike = p["regions", "own"].drop("macro-F1"), p["regions", "improved"]
    own, alike = (f"p {q.min():.2f} to {q.max():.2f}".replace("0.", ".")
                  for q in (own, alike))  # fmt: skip
    told = f"macro-F1 (p {p['regions', 'own', 'macro-F1']:.3f}) and by no other score ({own}"
    told = told.replace("0.", ".")
    assert f"{told}, prepared alike {alike.removeprefix('p ')})" in text("comparison")
    assert f"{told})" in text("README.md")


def test_the_page_tells_what_the_printed_equations_make_of_spclust():
    values = [of[run] for run in ("spclust_printed", "spclust") for of in mean_ari()]
    of_slices = pd.concat(small_runs()).groupby(["dataset", "run"])["ARI"].mean().unstack()
    more = of_slices.query("spclust_printed > spclust").index.tolist()
    assert more == ["hln_A1_adt"]
    values += of_slices.loc[more[0], ["spclust_printed", "spclust"]].tolist()
    told = "has {} on cell types and {} on regions, where its defaults have {} and {}; it is above "
    told += "them on the lymph node alone ({} for {})"
    assert told.format(*printed(values)) in text("comparison")


def test_the_page_tells_what_the_graph_costs_stdgcc():
    types, regions = mean_ari()
    coherence = small_runs()[0].groupby("run")["spatial_coherence"].mean()["stdgcc"]
    values = [types["stdgcc"], coherence, regions["stdgcc"]]
    values += [of[run] for run in ("stdgcc_lambda1", "kmeans") for of in (types, regions)]
    told = "(ARI {}, coherence {}) and is no better than others on regions ({}). With the spClust "
    told += "paper's, which removes the graph, it has {} and {}, less than KMeans ({} and {})"
    assert told.format(*printed(values)) in text("comparison")


def test_the_page_tells_what_each_method_makes_of_two_preparations():
    types, regions = mean_ari()
    paragraph = (
        text("comparison").split("is the same for all: ")[1].split("Ward, FlowSOM and Leiden on")[0]
    )
    names = {"the vote": "consensus", "taught by it": "spclust_vote", "Ward": "ward",
             "KMeans": "kmeans", "scDeepCluster": "scdc", "FlowSOM": "flowsom",
             "scPROTEIN": "scprotein", "PhenoGraph": "phenograph", "components": "leiden_pca",
             "(?<!Spatial)Leiden": "leiden", "SpaGCN": "spagcn", "spClust": "spclust",
             "BANKSY": "banksy", "SCIMAP-style": "scimap_style", "CellCharter": "cellcharter",
             "SpatialLeiden": "spatialleiden"}  # fmt: skip
    for name, run in names.items():
        values = re.search(rf"\b{name}(?: has)? (\.\d+) and (\.\d+)", paragraph)
        assert values, name
        for value, mean in zip(values.groups(), (types[run], types[f"{run}_i"])):
            assert float(value) == pytest.approx(mean, abs=0.005001), run
    own = printed(types[["spagcn_logs", "spagcn"]])
    assert "`spagcn_logs`, {} for {} on".format(*own) in text("comparison")
    for run in ("spatialleiden_tutorial", "spatialleiden_knn10"):
        said_of_both = f"{types[run]:.2f}".removeprefix("0")
        assert f"(`spatialleiden_tutorial`, {said_of_both}, as on ten" in text("comparison")
    moved = [regions[f"{run}_i"] - regions[run] for run in names.values()]
    assert max(map(abs, moved)) < 0.02


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_the_table_of_a_study_is_made_of_the_values_beside_it(folder):
    names = ("config/config.yaml", f"config/studies/{folder.name}.yaml", "config/datasets.yaml")
    shipped, own, registry = (yaml.safe_load((ROOT / name).read_text()) for name in names)
    facts = study_plan.facts(settings.resolve(shipped | own, registry), True, folder)
    assert facts["other_settings"] == []
    results = comparison.read(facts["results"], kept=comparison_values.read(facts["kept"]))
    table = study.tabulate(results.scores, facts)
    there = pd.read_csv(folder / "table.tsv", sep="\t", dtype={"label": str})
    pd.testing.assert_frame_equal(reporting.rounded(table), there, check_dtype=False)
    assert study.page(table, facts) == (folder / "table.md").read_text()
    assert comparison_settings.page(facts) == (folder / "settings.md").read_text()


# what the page says of the paper's studies: names in its sentences, the first value of each its ARI
SAID = {
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
    folder = ROOT / "tests/comparison/studies" / name
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


def test_the_readme_tells_what_the_printed_equations_make_of_the_kidney():
    table = pd.read_csv(ROOT / "tests/comparison/studies/all_printed/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].set_index("run")["mean"]
    told = "the latter have ARI {}, the defaults {}).".format(
        *printed(ari[["all_printed", "spclust"]])
    )
    assert told in text("README.md")


def test_the_page_tells_how_little_temperature_and_neighbours_decide():
    table = pd.read_csv(ROOT / "tests/comparison/studies/hyperparameters/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].set_index("label")
    tau, k = (of_part for _, of_part in ari.groupby("part"))
    low, high = tau["sd"].loc[0.1:0.3], tau["sd"].loc[0.4:]
    values = [tau["mean"].max() - tau["mean"].min(), low.min(), low.max(), high.min(), high.max(),
              k["mean"].max() - k["mean"].min()]  # fmt: skip
    told = [f"{value:.3f}".removeprefix("0") for value in values]
    sentences = ("temperatures the mean ARI stays within {0}:", "(sd {1} to {2} from 0.1 to 0.3,",
                 ", {3} to {4} above)", "from 5 to 30 it stays within {5}:")  # fmt: skip
    paragraph = text("comparison").split("[hyperparameters]")[1].split("- [")[0]
    assert not [s for s in sentences if s.format(*told) not in paragraph]
    assert k["mean"].idxmin() == 5 and tau["sd"].idxmax() == 0.07


def test_the_page_tells_spatialleiden_by_the_weight_of_places():
    table = pd.read_csv(ROOT / "tests/comparison/studies/spatialleiden_ratio/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].set_index(["dataset", "part", "label"])["mean"]
    ari = ari.sort_index().round(2)
    kidney, simulated = ({part: ari[dataset, part] for part in (0, 1)}
                         for dataset in ("dkd_codex_000", "sim_spamosaic"))  # fmt: skip
    assert {*kidney[0].loc[:1.0], *kidney[1].loc[:0.6]} == {0.86}
    assert kidney[0].loc[1.4] < 0.75 and kidney[1].loc[1.0] < 0.75
    assert {simulated[part].loc[0.2] for part in (0, 1)} == {0.73}
    assert simulated[1].loc[0.6] == simulated[0].loc[3.6] == 0.96
    assert simulated[1].loc[0.8:].min() >= 0.99
    assert {*simulated[0].loc[1.4:2.5]} == {0.88} and simulated[0].loc[1.0] < 0.75
    values = [kidney[part].loc[ratio] for ratio in (1.8, 3.6) for part in (0, 1)]
    values += [of(ari[dataset]) for dataset in ("hln_A1_adt", "schurch_regions")
               for of in (min, max)]  # fmt: skip
    told = ("({} and {} at 1.8, {} and {} at 3.6)", "Lymph node ({} to {})",
            "neighbourhoods ({} to {})")  # fmt: skip
    values = printed(values)
    paragraph = text("comparison").split("[spatialleiden_ratio]")[1].split("- [")[0]
    for sentence, of_it in zip(told, (values[:4], values[4:6], values[6:])):
        assert sentence.format(*of_it) in paragraph


def test_the_page_tells_what_the_study_of_several_slices_found():
    table = pd.read_csv(ROOT / "tests/comparison/studies/multislice/table.tsv", sep="\t")
    ari = table[table["metric"] == "ARI"].groupby(["dataset", "run"])["mean"].first()
    names = {"Leiden": "leiden", "KMeans": "kmeans", "spClust": "spclust", "BANKSY": "banksy",
             "stDGCC": "stdgcc", "Spotscape": "spotscape", "STAGATE": "stagate",
             "GraphST": "graphst", "SpatialLeiden": "spatialleiden"}  # fmt: skip
    paragraph = text("comparison").split("[multislice]")[1].split("None of these methods'")[0]
    types, layers = paragraph.split("By layers the order")
    cohort, alone = types.split("on MERFISH")
    layers = layers.split("Spotscape's cohort")[0]
    for dataset, part, number in (("starmap", cohort, 3), ("merfish_mpoa", alone, 3),
                                  ("starmap_regions", layers, 8)):  # fmt: skip
        values = said(part, {rf"(?<!Spatial)\b{name}": run for name, run in names.items()})
        assert len(values) >= number, values
        for run, value in values.items():
            assert value == pytest.approx(ari[dataset, run], abs=0.005001), (dataset, run)
    four = ["spotscape", "spotscape_literal", "stagate", "graphst", "stdgcc"]
    for dataset, part in (("starmap", cohort), ("merfish_mpoa", alone)):
        of_them = ari[dataset][four]
        assert f"{of_them.min():.2f} to {of_them.max():.2f}".replace("0.", ".") in part


def of_small(tmp_path, change):
    """The folder of a comparison whose values are the small one's but for a change."""
    folder = tmp_path / "comparison"
    shutil.copytree(ROOT / "tests/comparison/small", folder)
    (folder / "figures").mkdir()
    for figure in folder.glob("*.png"):
        figure.rename(folder / "figures" / figure.name)
    runs = pd.read_csv(folder / "runs.tsv", sep="\t", dtype=str)
    change(runs).to_csv(folder / "runs.tsv", sep="\t", index=False)
    return folder


def test_tables_are_taken_over_whole(publish, tmp_path):
    folder = of_small(tmp_path, lambda runs: runs.assign(ARI="0.5"))
    publish.copy(folder)
    small, blind = publish.STUDIES
    assert set(publish.read("runs", small)["ARI"]) == {0.5}
    assert {path.name for path in small.iterdir()} >= {"scores.md", "costs.png"}
    assert set(publish.read("runs", blind)["ARI"]) != {0.5}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda runs: runs.iloc[1:], "has fewer runs than"),
        (lambda runs: runs.assign(run="mine"), "no comparison which is kept here has"),
        (lambda runs: runs.assign(dataset="mine"), "no comparison which is kept here has"),
    ],
    ids=["fewer runs", "other runs", "other slices"],
)
def test_tables_of_other_runs_do_not_replace_those_that_stand(publish, tmp_path, change, told):
    folder = of_small(tmp_path, change)
    there = {path: path.read_bytes() for path in (tmp_path / "pages").rglob("*.tsv")}
    with pytest.raises(SystemExit, match=told):
        publish.copy(folder)
    assert {path: path.read_bytes() for path in (tmp_path / "pages").rglob("*.tsv")} == there


def test_a_folder_without_tables_is_no_comparison(publish, tmp_path):
    with pytest.raises(SystemExit, match="holds no comparison"):
        publish.copy(tmp_path)
