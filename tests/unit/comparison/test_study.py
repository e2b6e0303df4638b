"""Studies: that all of config/studies can be run, and their tables and figures from made scores."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from configurations import checked
from matplotlib.container import BarContainer, ErrorbarContainer

from spclust.comparison import plan as comparison_plan
from spclust.comparison import study, study_plan
from spclust.comparison import study_figure as figures
from spclust.data import scores as reporting
from spclust.errors import UserError
from spclust.plan import datasets
from spclust.plots import style

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = yaml.safe_load((ROOT / "config/config.yaml").read_text())
STUDIES = sorted((ROOT / "config/studies").glob("*.yaml"))
STUDIES = [path for path in STUDIES if "\nstudy:" in path.read_text()]
# of the spClust paper
FILES = [path for path in STUDIES if "\n  paper:\n    dkd_000:" in path.read_text()]
DATASET = "dkd_000"


@pytest.fixture
def all_slices_here(monkeypatch):
    """Plans as where the files of all slices are."""
    monkeypatch.setattr(comparison_plan, "absent_file", lambda plan, dataset: None)


def planned(path, **changes):
    return checked(SHIPPED | yaml.safe_load(path.read_text()) | changes)


def named(name):
    return ROOT / f"config/studies/{name}.yaml"


def values(plan, name, dataset=DATASET):
    """Everything that a run is made with, by stage and setting."""
    run = next(run for d, run, _ in plan.results if (d, run.name) == (dataset, name))
    found = {
        (stage, key): value
        for stage, setting in run.chosen.items()
        for key, value in plan.cfg(stage, setting).items()
    }
    return found | {("method", key): v for key, v in plan.cfg("method", run.method).items()}


def changed(plan, name, than="spclust"):
    """Settings in which a run differs from another."""
    one, other = values(plan, name), values(plan, than)
    return {key[1]: value for key, value in one.items() if other.get(key) != value}


def test_the_papers_studies_are_there():
    assert {path.stem for path in FILES} == {
        "ablation_csmote",
        "plug_and_play",
        "ablation_views",
        "ablation_losses",
        "initial_labels",
        "update_strategy",
        "hyperparameters",
        "all_printed",
    }


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_plans_and_says_how_it_is_run(path, all_slices_here):
    plan, text = planned(path), path.read_text()
    assert plan.config["study"]["name"] == path.stem
    command = rf"snakemake study --cores 2( --keep-going)? --configfile config/studies/{path.name}"
    assert re.search(command, text)
    assert "Estimated: " in text or "Measured: " in text
    facts, files = study_plan.facts(plan), comparison_plan.FILES
    made = {folder for *_, folder in facts["results"]}
    assert len(facts["asked"]) == len(facts["results"]) > 0 and set(facts["asked"]) == made
    assert len(comparison_plan.files(facts)["runs"]) == len(facts["asked"]) * len(files)
    assert plan.config["kept"] == "tests/measured/comparison"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_study_of_the_paper_has_its_numbers_beside_rows_that_differ(path):
    plan = planned(path)
    assert {seed for *_, seed in plan.results} == {42, 43, 44} and list(plan.datasets) == [DATASET]
    facts = study_plan.facts(plan)
    for *_, rows in facts["parts"]:
        runs = [run for run, _ in rows]
        # no two rows of a panel are one and the same run
        made = {r.folder(d, 42) for d, r, s in plan.results if r.name in runs and s == 42}
        assert len(made) == len(rows)
    of_paper = [row for row in facts["paper"] if row[0] == DATASET]
    assert of_paper and all(-1 <= mean <= 1 for *_, mean, _ in of_paper)


def test_the_rows_of_the_ablations_differ_in_what_they_say():
    csmote = planned(named("ablation_csmote"))
    found = {name: changed(csmote, name) for name in ("same_lambda", "expression_only", "none")}
    assert found == {name: {"variant": name} for name in found}
    losses = planned(named("ablation_losses"))
    for term in ("reconstruction", "contrast", "modularity", "alignment"):
        assert changed(losses, f"no_{term}") == {f"weight_{term}": 0.0}
    views, dropped = planned(named("ablation_views")), {"drop_edges": 0.2, "drop_features": 0.2}
    for name in ("spatial", "expression", "mixed"):
        assert changed(views, name) == dropped | {"views": name}
    assert changed(views, "augmented") == dropped


def test_methods_of_the_second_figure_see_synthetic_cells_and_so_do_their_graphs():
    plan = planned(named("plug_and_play"))
    folders = {run.name: run.folder("d", 1) for _, run, _ in plan.results}
    above = "results/d/preprocess-default/seed-1"
    balanced = f"{above}/pseudolabels-default/oversample-default"
    for name, rest in (("kmeans", ""), ("ward", ""), ("leiden", "graphs-leiden/")):
        assert folders[name] == f"{above}/{rest}method-{name}"
        # the stage graphs takes the nearest cells above it
        assert folders[f"{name}_balanced"] == f"{balanced}/{rest}method-{name}"


def test_hyperparameters_are_those_of_the_appendix_one_at_a_time():
    plan = planned(named("hyperparameters"))
    taus, ks = [0.07, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], [5, 10, 15, 20, 25, 30]
    (*_, of_tau), (*_, of_k) = study_plan.facts(plan)["parts"]
    assert [label for _, label in of_tau] == taus and [label for _, label in of_k] == ks
    for run, tau in of_tau:
        own = {} if tau == 0.5 else {"temperature": tau}
        assert changed(plan, run, than="tau_0.5") == own
    for run, k in of_k:
        own = {} if k == 15 else {"n_neighbors": k, "spatial_n_neighbors": k}
        assert changed(plan, run, than="k15") == own
    assert len({run.folder("d", 1) for _, run, _ in plan.results}) == 16


def test_all_printed_is_every_printed_reading_at_once():
    plan = planned(named("all_printed"))
    (*_, rows), together = study_plan.facts(plan)["parts"][0], {}
    for run, _ in rows[1:-1]:
        assert changed(plan, run)
        together |= changed(plan, run)
    assert changed(plan, rows[-1][0]) == together and len(together) == 10


def test_first_labels_of_both_tables_of_the_paper():
    slices = ["dkd_000", "breast_6", "melanoma_119"]
    plan = planned(named("initial_labels"), datasets=slices)
    first, trained = (rows for *_, rows in study_plan.facts(plan)["parts"])
    assert [label for _, label in first] == [label for _, label in trained] and len(first) == 8
    paper = study_plan.facts(plan)["paper"]
    assert len(paper) == 3 * 2 * 8 * 4
    for dataset in slices:
        for (initial, _), (run, _) in zip(first, trained, strict=True):
            one, other = (values(plan, name, dataset) for name in (initial, run))
            for key in one:
                assert key[0] in ("oversample", "method") or one[key] == other[key], key
        given = {key: mean for of, *key, mean, _ in paper if of == dataset for key in [tuple(key)]}
        # no clustering is better than the truth
        assert all(given["first_truth", score] == 1 for score in study_plan.SCORES)
    assert ["dkd_000", "from_random", "ARI", 0.499, None] in paper


def test_scores_are_known_by_the_names_that_tables_have_for_them():
    schema = datasets.load_schema("config")["$defs"]
    titles = [m.title for name, m in reporting.METRICS.items() if name != "seed_agreement"]
    assert schema["score"]["enum"] == titles == list(schema["published"]["properties"])
    assert list(study_plan.SCORES) == list(reporting.titles(reporting.METRICS).values())


def test_a_score_that_the_table_has_not_is_refused():
    path = named("multimodal")
    of_paper = yaml.safe_load(path.read_text())["study"]
    assert len(study_plan.facts(planned(path))["paper"]) == 2 * 4 * 8
    with pytest.raises(UserError, match=r"sim_spamosaic\.crct: MI is none .* add it"):
        planned(path, study=of_paper | {"scores": ["ARI"]})
    with pytest.raises(UserError, match=r"study\.score: ARI is none .* add it to study\.scores"):
        planned(path, study=of_paper | {"scores": ["MI", "NMI"]})


FACTS = {
    "title": "Made",
    "scores": ["ACC", "ARI", "NMI", "macro-F1"],
    "notes": ["a note"],
    "parts": [
        ["bars", "what", [["a", "first"], ["b", "second"]]],
        ["lines", "k", [["k5", 5], ["k10", 10]]],
    ],
    "results": [["d", run, seed, "there"] for run in ("a", "b", "k5", "k10") for seed in (1, 2)],
    "paper": [
        ["d", "b", "ARI", 0.5, 0.25],
        ["d", "k5", "NMI", 0.75, None],
        ["e", "a", "ARI", 1, 0],
    ],
    "absent": {},
    "other_settings": [],
}


def scores(results):
    """Scores of runs, of both seeds 0.1 more and less than a number of the run."""
    rows = []
    for dataset, run, seed, _ in results:
        value = {"a": 0.2, "b": 0.4, "k5": 0.5, "k10": 0.7}[run] + (0.1 if seed == 1 else -0.1)
        rows += [(dataset, run, seed, metric, value) for metric in [*FACTS["scores"], "rare-F1"]]
    return pd.DataFrame(rows, columns=["dataset", "run", "seed", "metric", "value"])


@pytest.fixture(scope="module")
def table():
    return study.tabulate(scores(FACTS["results"]), FACTS)


def test_the_table_holds_means_over_seeds_beside_the_papers_numbers(table):
    rows = table.set_index(["part", "label", "metric"])
    assert len(rows) == 4 * 4 and set(table["metric"]) == {"ACC", "ARI", "NMI", "macro-F1"}
    second = rows.loc[(0, "second", "ARI")]
    assert second["mean"] == pytest.approx(0.4) and second["sd"] == pytest.approx(0.2 / np.sqrt(2))
    assert (second["seeds"], second["paper"], second["paper_sd"]) == (2, 0.5, 0.25)
    alone = rows.loc[(1, "5", "NMI")]
    assert alone["paper"] == 0.75 and np.isnan(alone["paper_sd"])
    # of a slice that is not run there is nothing
    assert table["paper"].notna().sum() == 2


def test_a_score_without_a_value_has_no_row_and_its_column_keeps_its_place(table):
    made = scores(FACTS["results"])
    made.loc[(made["metric"] == "ACC") & made["run"].isin(["a", "b"]), "value"] = np.nan
    found = study.tabulate(made, FACTS)
    assert len(found) == len(table) - 2 and found["mean"].notna().all()
    heads = [line for line in study.page(found, FACTS).splitlines() if line.startswith("| part")]
    assert heads == [line for line in study.page(table, FACTS).splitlines() if "| part" in line]


def test_a_study_whose_scores_nobody_has_is_refused_with_the_remedy():
    nothing = scores(FACTS["results"]).assign(value=np.nan)
    with pytest.raises(UserError, match=r"study.scores: no run has ACC or ARI.*label:.*modularity"):
        study.tabulate(nothing, FACTS | {"paper": []})
    made = scores(FACTS["results"])
    made = made[made["metric"] != "ARI"]
    with pytest.raises(UserError, match=r"study.score: no run has ARI, as where"):
        study.tabulate(made, FACTS | {"score": "ARI", "paper": []})


def test_the_page_tells_of_slices_whose_file_is_not_here(table):
    page = study.page(table, FACTS | {"absent": {"e": "by_hand/e.csv"}, "other_settings": ["x: 1"]})
    told = "- No data for e: there is no by_hand/e.csv.\n- Left out, of other settings: x: 1."
    assert f"{told}\n- a note" in page


def test_the_table_has_the_scores_that_are_asked_for_in_their_order():
    made = scores(FACTS["results"])
    found = study.tabulate(made, FACTS | {"scores": ["rare-F1", "ARI"]})
    assert list(found["metric"].unique()) == ["rare-F1", "ARI"]
    assert found["paper"].notna().sum() == 1


def test_the_page_keeps_the_order_of_the_rows_and_the_papers_numbers_apart(table):
    lines = study.page(table, FACTS).splitlines()
    assert lines[0] == "# Made" and "On d; mean ± standard deviation over the seeds 1, 2." in lines
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")
    ]
    assert head == ["part", "what / k", "ACC", "ARI", "ARI, paper", "NMI", "NMI, paper", "macro-F1"]
    assert [row[:2] for row in rows] == [
        ["bars", "first"],
        ["bars", "second"],
        ["lines", "5"],
        ["lines", "10"],
    ]
    assert rows[1][3:5] == ["0.400 ± 0.141", "0.500 ± 0.250"] and rows[0][4] == ""
    assert rows[2][6] == "0.750" and lines[-1] == "- a note"


def test_of_a_study_that_is_not_finished_the_page_says_what_is_there():
    there = [
        row if row[1:3] not in (["b", 2], ["k10", 1], ["k10", 2]) else [*row[:3], None]
        for row in FACTS["results"]
    ]
    found = study.tabulate(scores([row for row in there if row[-1]]), FACTS)
    page = study.page(found, FACTS | {"results": there})
    assert "over the seeds 1, 2. So far 5 of 8 runs are there." in page
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in page.splitlines()
        if line.startswith("|")
    ]
    assert head[-1] == "seeds" and [(row[1], row[-1]) for row in rows] == [
        ("first", "2"),
        ("second", "1"),
        ("5", "2"),
    ]
    assert "seeds |" not in study.page(study.tabulate(scores(FACTS["results"]), FACTS), FACTS)


def test_texts_are_bars_and_numbers_are_places_on_an_axis(table, tmp_path, monkeypatch):
    bars, lines = figures.figure(table, FACTS).axes
    drawn = [c for c in bars.containers if isinstance(c, BarContainer)]
    assert [[bar.get_height() for bar in c] for c in drawn] == [
        pytest.approx([0.2] * 4),
        pytest.approx([0.4] * 4),
    ]
    joined = [c for c in lines.containers if isinstance(c, ErrorbarContainer)]
    assert len(joined) == 4 and lines.get_xlabel() == "k"
    for c in joined:
        np.testing.assert_allclose(c.lines[0].get_xydata(), [[5, 0.5], [10, 0.7]])
    diamonds = [
        line.get_ydata() for ax in (bars, lines) for line in ax.lines if line.get_marker() == "D"
    ]
    assert np.nansum(np.concatenate(diamonds)) == pytest.approx(1.25)
    monkeypatch.setattr(style, "DPI", 60)
    dollars = {"title": "price $x_{ of $ and", "parts": FACTS["parts"]}
    figures.draw(tmp_path / "figures", table, FACTS | dollars)
    assert {p.name for p in (tmp_path / "figures").iterdir()} == {"study.png"}


def test_of_one_score_there_is_a_line_or_a_bar_for_each_slice(table):
    two = pd.concat([table, table.assign(dataset="e", mean=table["mean"] / 2)], ignore_index=True)
    bars, lines = figures.figure(two, FACTS | {"score": "ARI"}).axes
    drawn = [c for c in bars.containers if isinstance(c, BarContainer)]
    assert [[bar.get_height() for bar in c] for c in drawn] == [
        pytest.approx([0.2, 0.1]),
        pytest.approx([0.4, 0.2]),
    ]
    assert [tick.get_text() for tick in bars.get_xticklabels()] == ["d", "e"]
    joined = [c.lines[0] for c in lines.containers if isinstance(c, ErrorbarContainer)]
    for line, factor in zip(joined, (1, 0.5), strict=True):
        np.testing.assert_allclose(line.get_xydata(), [[5, 0.5 * factor], [10, 0.7 * factor]])
    assert joined[0].get_color() != joined[1].get_color() and bars.get_ylabel() == "ARI"


def test_rows_that_are_kept_to_some_slices_leave_the_place_of_the_others_empty(table):
    second = table.assign(dataset="e", mean=table["mean"] / 2)
    two = pd.concat([table[table["part"] == 1], second], ignore_index=True)
    texts = FACTS | {"parts": [FACTS["parts"][0], ["more", "what", [["k5", "5"], ["k10", "10"]]]]}
    one, other = figures.figure(two, texts | {"score": "ARI"}).axes
    for ax in (one, other):
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["d", "e"]
        assert ax.get_xlim() == (-0.5, 1.5)
    heights = [bar.get_height() for bar in one.containers[1]]
    assert np.isnan(heights[0]) and heights[1] == pytest.approx(0.1)
    # with all scores a panel is of one slice: it has none of them
    panels = {ax.get_title(): ax.axison for ax in figures.figure(two, texts).axes}
    assert panels == {"": False, "more · d": True, "bars · e": True, "more · e": True}
    page = study.page(two, FACTS)
    assert "| d | lines |" in page and "| e | bars |" in page and "| d | bars |" not in page


def test_the_weight_of_the_spatial_layer_is_a_curve_for_each_slice():
    plan = planned(named("spatialleiden_ratio"))
    facts = study_plan.facts(plan)
    assert facts["score"] == "ARI" and len(facts["results"]) == len(plan.results)
    for _, _, rows in facts["parts"]:
        for run, ratio in rows:
            assert values(plan, run, "sim_spamosaic")["method", "layer_ratio"] == ratio


def test_several_slices_have_a_row_of_panels_each(table):
    two = pd.concat([table, table.assign(dataset="e")], ignore_index=True)
    facts = FACTS | {"parts": FACTS["parts"][:1]}
    titles = [ax.get_title() for ax in figures.figure(two[two["part"] == 0], facts).axes]
    assert titles == ["bars · d", "bars · e"]
    assert "dataset" in study.page(two, FACTS)


def test_names_of_slices_break_where_they_would_run_into_each_other():
    names = ["starmap_BZ5", "starmap_regions_BZ5"]
    assert figures.fitting(names, 50) == names
    assert figures.fitting(names, 40) == ["starmap_\nBZ5", "starmap_\nregions_\nBZ5"]
