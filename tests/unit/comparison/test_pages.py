"""Sentences of the pages that are written by hand say what the kept tables say."""

import re

import pandas as pd
import pytest
from pages import NAMES, lines, printed, said, text
from places import MEASURED
from workflow import publish_script

from spclust.comparison.evidence import can_be_found

CANCER, KIDNEYS = ["upmc_hnscc_reg004", "upmc_hnscc_reg009"], ["dkd_005", "dkd_011"]


def blind(slices):
    """Mean ARI by run over slices nobody had seen."""
    table = pd.read_csv(MEASURED / "comparison/blind/runs.tsv", sep="\t")
    scores = table[table["dataset"].isin(slices)].groupby(["dataset", "run"])["ARI"].mean()
    return scores.groupby("run").mean()


def test_the_page_tells_the_means_over_slices_nobody_had_seen():
    cancer, kidneys = (
        text("comparison").split("Two of cell types: ")[1].split("([all")[0].split(";")
    )
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
    table = pd.read_csv(MEASURED / "comparison/first_labels.tsv", sep="\t")
    table = table[(table["score"] == "ARI") & table["slice"].str.contains("upmc_hnscc")]
    seen = table.groupby(["slice", "labels"])["value"].mean().unstack()
    assert len(seen) == 2
    seen = seen.rename(columns={"vote": "consensus"}).mean()
    for run, value in values.items():
        mean = (seen[run] + blind(CANCER)[run]) / 2
        assert value == pytest.approx(mean, abs=0.0005001), run


def test_the_page_tells_the_means_over_the_slices_the_vote_was_chosen_on():
    table = pd.read_csv(MEASURED / "comparison/first_labels.tsv", sep="\t")
    table = table[table["score"] == "ARI"]
    means = table.groupby(["labels", "seed"])["value"].mean().groupby("labels").mean()
    sentence = text("comparison").split("Combined by vote, ")[1].split("([")[0]
    values = said(
        sentence, {"a mean ARI of": "vote", "Leiden": "leiden", "Ward": "ward", "KMeans": "kmeans"}
    )
    assert len(values) == 4
    for labels, value in values.items():
        assert value == pytest.approx(means[labels], abs=0.0005001), labels


def small_runs():
    """Runs of the small comparison on slices labelled by types, and on those by regions."""
    runs = pd.read_csv(MEASURED / "comparison/small/runs.tsv", sep="\t")
    kind = runs["dataset"].isin(["keren_p36", "upmc_001", "schurch_009A", "phenoptr_lung"])
    return runs[kind], runs[~kind]


def mean_ari():
    """The same as mean ARI by run."""
    return [part.groupby("run")["ARI"].mean() for part in small_runs()]


@pytest.fixture(scope="module")
def fourteen():
    """ARI by slice and run of the full comparison; of slices of cell types the mean and the spread
    over seeds, and those that the small comparison lacks."""
    module = publish_script()
    about = pd.read_csv(module.FULL / "scores.tsv", sep="\t").set_index("dataset")["labels"]
    types = sorted(set(about[about == "cell types"].index))
    of_seeds = module.read("runs", module.FULL).groupby(["dataset", "run"])["ARI"]
    ari = of_seeds.mean().unstack("run")
    more = sorted({*types} - {*small_runs()[0]["dataset"]})
    assert len(types) == 9 and len(more) == 5
    return {
        "ari": ari,
        "nine": ari.loc[types],
        "five": ari.loc[more],
        "spread": of_seeds.std().unstack("run").loc[types],
    }


UNTRAINED = [
    "phenograph",
    "leiden",
    "kmeans",
    "ward",
    "banksy",
    "flowsom",
    "scimap_style",
    "leiden_pca",
    "cellcharter",
]


def test_the_page_tells_what_five_slices_more_show_of_cell_types(fourteen):
    page, nine, five = text("comparison"), fourteen["nine"], fourteen["five"]
    names = {
        "the vote has a mean ARI of": "consensus",
        "spClust taught by it": "spclust_vote",
        "scPROTEIN": "scprotein",
        "PhenoGraph": "phenograph",
        "scDeepCluster": "scdc",
        "Leiden": "leiden",
        "KMeans": "kmeans",
        "BANKSY": "banksy",
        "Ward": "ward",
        "spClust": "spclust",
        "SCIMAP-style": "scimap_style",
        "SpaGCN": "spagcn",
    }
    means = nine.mean()[list(names.values())]
    assert ", ".join(map(" ".join, zip(names, printed(means)))) + ". Of these" in page
    assert nine.mean().drop("truth").idxmax() == "consensus"
    four = nine.drop(five.index).mean()[means.index]
    lost = (four - means).sort_values(ascending=False)
    assert set(lost.index[:3]) == {"scdc", "kmeans", "scimap_style"}
    told = "lose most ({}, {} and {} on the four), and the first falls behind spClust"
    assert told.format(*printed(four[["scimap_style", "scdc", "kmeans"]])) in page
    for name, run in (("the vote", "consensus"), ("Leiden", "leiden")):
        below = nine[run] - nine["spclust"]
        assert below.min() > 0
        assert "below {} (by {} to {})".format(name, *printed([below.min(), below.max()])) in page
    others = five.mean()[UNTRAINED]
    assert others.idxmax() == "phenograph"
    told = printed([five["consensus"].mean(), others.max()])
    assert "the vote has {} and PhenoGraph, the next that trains nothing, {};".format(*told) in page
    spread = fourteen["spread"]["spclust"].sort_values()
    assert set(spread.index[-2:]) == {"keren_p05", "keren_p13"}
    told = [
        of["spclust"][patient]
        for patient in ("keren_p05", "keren_p13")
        for of in (nine, fourteen["spread"])
    ]
    assert "({} ± {}, {} ± {})".format(*printed(told)) in page


def test_the_readme_tells_how_often_the_vote_is_best_and_where_it_leads_on_none(fourteen):
    rivals = fourteen["nine"].drop(columns=["truth", "random"])
    own = rivals[[run for run in rivals.columns if not run.endswith("_i")]]
    ranks = own.rank(axis=1, ascending=False)["consensus"]
    assert ranks.max() == 3 and (ranks == 1).sum() == 5
    assert "the best of all methods on five and third at worst" in text("README")
    new = pd.DataFrame({name: blind([name]) for name in (*CANCER, *KIDNEYS)}).drop("truth")
    assert "consensus" not in set(new.idxmax()) and "leads on none" in text("README")
    chosen_on = pd.read_csv(MEASURED / "comparison/first_labels.tsv", sep="\t")["slice"].nunique()
    assert chosen_on == 12 and "twelve of the first fourteen slices" in text("README")
    assert len(fourteen["ari"]) == 14
    # what else README and the comparison's page say of these tables
    assert set(new.idxmax()) == {"ward", "kmeans", "banksy"}
    regions = fourteen["ari"].drop(fourteen["nine"].index).drop(columns="truth")
    assert regions.idxmax(axis=1).nunique() >= len(regions) - 1


def test_the_page_tells_what_a_second_kidney_shows(fourteen):
    ari = fourteen["ari"]
    told = printed(ari.loc["dkd_codex_010", ["banksy", "leiden_pca", "consensus", "spclust"]])
    told += printed(ari["spatialleiden"][["dkd_codex_010", "dkd_codex_000"]])
    sentence = (
        "BANKSY {}, Leiden on components {}, the vote {}, spClust {}; but SpatialLeiden has {} "
    )
    assert (sentence + "for {}.").format(*told) in text("comparison")


def test_the_page_tells_what_the_printed_equations_have_on_more_slices(fourteen):
    ari, types = fourteen["ari"], fourteen["nine"]
    values = [
        of[run].mean()
        for run in ("spclust_printed", "spclust")
        for of in (types, ari.drop(types.index))
    ]
    told = "has {} on the nine and {} on five of regions, where its defaults have {} and {}."
    assert told.format(*printed(values)) in text("comparison")
    above = ari["spclust_printed"] > ari["spclust"]
    assert set(ari.index[above]) == {"hln_A1_adt", "scimap_lymphoma"}
    pairs = ari.loc[["hln_A1_adt", "scimap_lymphoma"], ["spclust_printed", "spclust"]]
    told = "on two slices, the lymph node ({} for {}) and scimap's lymphoma ({} for {})."
    assert told.format(*printed(pairs.stack())) in text("comparison")


def test_the_page_tells_what_stdgcc_has_on_more_slices(fourteen):
    ari = fourteen["ari"]
    types, regions = fourteen["nine"].mean(), ari.drop(fourteen["nine"].index).mean()
    runs = ["stdgcc", "stdgcc_lambda1", "stdgcc_weighted"]
    told = (
        "has {} on the nine and {} on five of regions, with the spClust paper's {} and {}, with a "
    )
    told += "reconstruction weighted for few proteins {} and {}"
    values = [of[run] for run in runs for of in (types, regions)]
    assert told.format(*printed(values)) in text("comparison")
    best = [ari.loc["keren_p05", run] for run in ("stdgcc_lambda1", "consensus")]
    assert "Keren's p05 ({}, the vote {})".format(*printed(best)) in text("comparison")
    of_types = fourteen["nine"][[*runs, "stdgcc_i"]].stack()
    assert of_types.idxmax() == ("keren_p05", "stdgcc_lambda1")


def test_the_page_tells_what_all_make_of_nine_slices_prepared_alike(fourteen):
    nine = fourteen["nine"].mean()
    names = {
        "The vote has": "consensus_i",
        "spClust taught by it": "spclust_vote_i",
        "KMeans": "kmeans_i",
        "FlowSOM": "flowsom_i",
        "scDeepCluster": "scdc_i",
        "Ward": "ward_i",
        "scPROTEIN": "scprotein_i",
        "Leiden on components": "leiden_pca_i",
        "Leiden": "leiden_i",
        "PhenoGraph": "phenograph_i",
        "BANKSY": "banksy_i",
        "spClust": "spclust_i",
        "SpaGCN": "spagcn_i",
        "SCIMAP-style": "scimap_style_i",
        "SpatialLeiden": "spatialleiden_i",
        "CellCharter": "cellcharter_i",
        "stDGCC": "stdgcc_i",
    }
    means = nine[[run for run in nine.index if run.endswith("_i")]].sort_values(ascending=False)
    assert list(means.index) == list(names.values())
    assert ", ".join(map(" ".join, zip(names, printed(means)))) + "." in text("comparison")
    untrained = nine[[f"{run}_i" for run in UNTRAINED]]
    leads = [nine["consensus_i"] - untrained.max(), nine["consensus"] - nine[UNTRAINED].max()]
    told = "lead over others that train nothing is {} where on their own preparations it is {}"
    assert told.format(*printed(leads)) in text("comparison")


@pytest.mark.parametrize("marker", ["parts", "full parts"])
def test_all_parts_have_run_as_the_page_tells(marker):
    assert "all have run here" in text("how to compare")
    table = lines("comparison").split(f"<!-- {marker}, by")[1].split("<!-- end")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == 10 and all(row[3].startswith("all ") for row in rows)


def test_no_pair_of_nine_slices_can_be_found_among_so_many_rivals():
    module = publish_script()
    pairs = module.read("differences", module.FULL)
    pairs = pairs[pairs["labels"] == "cell types"]
    rivals = {group: set(of["rivals"]) for group, of in pairs.groupby("group")}
    assert rivals == {"own": {23}, "improved": {16}}
    assert not can_be_found(9, 23) and not can_be_found(9, 16)
    assert pairs["p_holm"].min() > 0.05


def test_the_page_tells_how_sure_it_is_that_methods_differ_on_five_slices_of_regions():
    module = publish_script()
    table = module.read("friedman", module.FULL)
    p = table.set_index(["labels", "group", "metric"])["p_f"].sort_index()
    assert p["cell types"].max() < 1e-5
    told = "by each score (macro-F1 p < 10⁻⁴, ACC {}, ARI {}, NMI {}), but two of the five"
    assert p["regions", "own"].max() < 0.05 and p["regions", "own", "macro-F1"] < 1e-4
    values = [f"{p['regions', 'own', score]:.3f}"[1:] for score in ("ACC", "ARI", "NMI")]
    assert told.format(*values) in text("comparison")


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
    shown = [
        "truth",
        "banksy",
        "spagcn",
        "cellcharter",
        "spatialleiden",
        "spatialleiden_knn10",
        "leiden",
        "spclust",
        "consensus",
    ]
    values = printed(coherence[shown])
    assert "({} beyond chance): {}, {}, {}, {} and {}. So".format(*values[:6]) in page
    assert "Leiden's have {}, spClust's {}, the vote's {}.".format(*values[6:]) in page
    ari = types.groupby("run")["ARI"].mean()
    told = printed(ari[["scprotein", "scdc", "spclust_vote", "consensus"]])
    assert "(ARI {}, {} and {}, the vote {})".format(*told) in page


def test_the_pages_tell_how_sure_it_is_that_methods_differ():
    table = pd.read_csv(MEASURED / "comparison/small/friedman.tsv", sep="\t")
    p = table.set_index(["labels", "group", "metric"])["p_f"].sort_index()
    assert p["cell types"].max() < 1e-5
    own, alike = p["regions", "own"].drop("macro-F1"), p["regions", "improved"]
    own, alike = (f"p {q.min():.2f} to {q.max():.2f}".replace("0.", ".") for q in (own, alike))
    told = f"macro-F1 (p {p['regions', 'own', 'macro-F1']:.3f}) and by no other score ({own}"
    told = told.replace("0.", ".")
    assert f"{told}, prepared alike {alike.removeprefix('p ')})" in text("comparison")
    assert f"{told}), the best" in text("comparison")


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
    values = [of["stdgcc_weighted"] for of in (types, regions)]
    of_slices = pd.concat(small_runs()).groupby(["dataset", "run"])["ARI"].mean()["dkd_codex_000"]
    values += [of_slices[run] for run in ("stdgcc_weighted", "stdgcc")]
    told = "does not save it: {} and {}, and on the kidney {} for {}"
    assert told.format(*printed(values)) in text("comparison")


def test_the_page_tells_what_each_method_makes_of_two_preparations():
    types, regions = mean_ari()
    paragraph = (
        text("comparison").split("is the same for all: ")[1].split("Ward, FlowSOM and Leiden on")[0]
    )
    names = {
        "the vote": "consensus",
        "taught by it": "spclust_vote",
        "Ward": "ward",
        "KMeans": "kmeans",
        "scDeepCluster": "scdc",
        "FlowSOM": "flowsom",
        "scPROTEIN": "scprotein",
        "PhenoGraph": "phenograph",
        "components": "leiden_pca",
        "(?<!Spatial)Leiden": "leiden",
        "SpaGCN": "spagcn",
        "spClust": "spclust",
        "BANKSY": "banksy",
        "SCIMAP-style": "scimap_style",
        "CellCharter": "cellcharter",
        "SpatialLeiden": "spatialleiden",
        "stDGCC": "stdgcc",
    }
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
    moved = {run: regions[f"{run}_i"] - regions[run] for run in names.values()}
    assert [run for run, by in moved.items() if abs(by) >= 0.02] == ["stdgcc"]
    told = "but stDGCC's, from {} to {}".format(*printed(regions[["stdgcc", "stdgcc_i"]]))
    assert told in text("comparison")
