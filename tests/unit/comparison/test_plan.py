"""Which runs of a configuration are compared, asked for, and kept."""

import os
import time
from pathlib import Path

import compared
import pytest
import yaml
from configurations import checked
from workflow import ROOT

from spclust.comparison import plan as comparison_plan
from spclust.comparison import results as comparison
from spclust.errors import UserError


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def plan_of(datasets, runs=("leiden", "truth"), seeds=(1, 2), **others):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    runs = [{"name": run} if isinstance(run, str) else run for run in runs]
    config |= {"datasets": datasets, "seeds": list(seeds), "runs": runs}
    return checked(config | others)


def finish(plan, dataset, run, seed, score=0.5):
    found = next(r for _, r, _ in plan.results if r.name == run)
    return compared.finish(plan, dataset, found, seed, score)


SIMULATED = {"name": "one", "simulate": {}, "label_origin": "a simulation"}
GONE = {"name": "gone", "path": "by_hand/gone.h5ad"}


def test_every_run_is_planned_but_those_of_a_slice_that_is_not_here(in_tmp):
    plan = plan_of([SIMULATED, GONE])
    facts = comparison_plan.facts(plan)
    assert facts["absent"] == {"gone": "by_hand/gone.h5ad"}
    assert facts["controls"] == ["truth"] and facts["groups"] == {"leiden": "own"}
    assert facts["about"]["one"] == {"label_origin": "a simulation", "label_kind": "types"}
    assert {row[0] for row in facts["made_with"]} == {"leiden", "truth"}
    planned = {(dataset, run, seed): folder for dataset, run, seed, folder in facts["results"]}
    assert len(planned) == 8 and [k for k, v in planned.items() if v is None] == [
        ("gone", run, seed) for run in ("leiden", "truth") for seed in (1, 2)
    ]
    assert planned["one", "leiden", 2].endswith("seed-2/graphs-leiden/method-leiden")
    files = comparison_plan.files(facts)["runs"]
    assert len(files) == 4 * 3 and files[0] == planned["one", "leiden", 1] + "/metrics"

    Path("by_hand").mkdir()
    Path("by_hand/gone.h5ad").touch()
    assert len(comparison_plan.files(comparison_plan.facts(plan))["runs"]) == 8 * 3


def test_the_reference_is_the_one_named_and_of_its_recipe_in_other_groups(in_tmp):
    more = [
        {"name": "leiden_p", "method": "leiden", "group": "panel"},
        {"name": "kmeans_p", "method": "kmeans", "group": "panel"},
        {"name": "ward_2", "method": "ward", "group": "other"},
    ]
    runs = [{"name": name} for name in ("random", "kmeans", "leiden")] + more

    def found(**others):
        config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
        config |= {"datasets": [SIMULATED], "runs": runs} | others
        return comparison_plan.facts(checked(config))["references"]

    assert found() == {"own": "kmeans", "panel": "kmeans_p"}
    named = {"comparison": {"reference": "leiden"}}
    assert found(**named) == {"own": "leiden", "panel": "leiden_p"}
    with pytest.raises(UserError, match="comparison.reference.*kmeans"):
        found(comparison={"reference": "random"})


def test_a_cohort_lacks_the_file_of_its_slice(in_tmp):
    plan = plan_of([{"name": "both", "slices": [SIMULATED, GONE]}])
    assert comparison_plan.facts(plan)["absent"] == {"both": "by_hand/gone.h5ad"}
    assert comparison_plan.files(comparison_plan.facts(plan))["runs"] == []


def test_so_far_are_the_runs_that_have_left_all_their_files(in_tmp):
    plan = plan_of([SIMULATED])
    assert comparison_plan.facts(plan, finished=True)["newest"] == 0
    first = finish(plan, "one", "leiden", 1)
    half = finish(plan, "one", "leiden", 2)
    (half / "cost.json").unlink()
    facts = comparison_plan.facts(plan, finished=True)
    assert [folder for *_, folder in facts["results"] if folder] == [str(first)]
    results = comparison.read(facts["results"], facts["controls"])
    assert len(results.costs) == 1 and len(results.planned) == 4
    # a run that was made again makes the tables stale
    before = facts["newest"]
    os.utime(first / "metrics/metrics.tsv", ns=(before + 10**9,) * 2)
    assert comparison_plan.facts(plan, finished=True)["newest"] == before + 10**9


def test_runs_that_lie_there_from_other_settings_are_not_shown(in_tmp):
    for seed in (1, 2):
        finish(plan_of([SIMULATED]), "one", "leiden", seed)
    there = comparison_plan.facts(plan_of([SIMULATED]), finished=True)
    assert sum(folder is not None for *_, folder in there["results"]) == 2
    changed = plan_of([SIMULATED], graphs={"leiden": {"n_neighbors": 7}})
    facts = comparison_plan.facts(changed, finished=True)
    assert not any(folder for *_, folder in facts["results"]) and facts["newest"] == 0
    assert facts["other_settings"] == ["graphs.leiden.n_neighbors: was 15, is 7"]
    # where they are asked for, Snakemake makes them again
    assert len(comparison_plan.facts(changed)["asked"]) == 4


@pytest.mark.parametrize("text", ["", "[1]", '{"graphs": {"leiden": null}}'])
def test_a_finished_run_whose_settings_are_broken_is_told(in_tmp, text):
    plan = plan_of([SIMULATED])
    file = finish(plan, "one", "leiden", 1) / "settings.json"
    file.write_text(text)
    with pytest.raises(UserError, match=rf"{file} is broken \(\w+: .*\); remove it"):
        comparison_plan.facts(plan, finished=True)
    file.unlink()
    assert not any(folder for *_, folder in comparison_plan.facts(plan, True)["results"])


def test_what_is_taught_by_the_labels_bounds_the_tables(in_tmp):
    runs = [
        {"name": "leiden"},
        {"name": "cheat", "method": "first_labels", "pseudolabels": "true"},
        {"name": "taught", "method": "spclust", "pseudolabels": "true"},
        {"name": "heir", "method": "spclust", "pseudolabels": "heir"},
        {"name": "fair", "method": "spclust", "pseudolabels": "fair"},
    ]
    first = {
        "true": {"method": "truth"},
        "heir": {"method": "run", "run": "cheat"},
        "fair": {"method": "run", "run": "leiden"},
    }
    facts = comparison_plan.facts(plan_of([SIMULATED], runs=runs, pseudolabels=first))
    assert facts["controls"] == ["cheat", "heir", "taught"]
    assert set(facts["groups"]) == {"leiden", "fair"}


def test_many_runs_are_planned_at_once(in_tmp):
    plan = plan_of([{"name": f"s{i}", "simulate": {}} for i in range(100)], seeds=(1, 2, 3))
    for dataset in plan.datasets:
        finish(plan, dataset, "leiden", 1)
    started = time.process_time()
    facts = comparison_plan.facts(plan, finished=True)
    assert sum(folder is not None for *_, folder in facts["results"]) == 100
    assert comparison_plan.files(facts)["runs"] == [] and facts["newest"] > 0
    assert time.process_time() - started < 2
