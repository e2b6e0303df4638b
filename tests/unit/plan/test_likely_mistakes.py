"""What is told before anything runs: files that are not here, settings without a run."""

from dataclasses import replace

import pytest
from configurations import STUDIES, resolve

from spclust.plan import settings
from spclust.plan.likely_mistakes import oversights, unused_settings


def test_a_file_that_is_not_here_is_told_with_its_dataset_also_in_a_cohort(tmp_path):
    (tmp_path / "here.csv").touch()
    text = (
        "datasets: [{name: a, path: %(at)s/here.csv}, {name: b, path: %(at)s/b.csv}, "
        "{name: c, slices: [a, {name: d, path: %(at)s/d.csv}]}]"
    )
    told = oversights(resolve(text % {"at": tmp_path}))
    assert [line.split("; ")[0] for line in told] == [
        f"dataset b: there is no {tmp_path}/b.csv",
        f"dataset c: there is no {tmp_path}/d.csv",
    ]


def test_a_sheet_of_a_slice_is_told_where_the_cohort_has_none(tmp_path):
    (tmp_path / "s.csv").write_text("image,age\na,51\n")
    text = "datasets: [{name: c, slices: [demo, {name: a, simulate: {}, samples: %s/s.csv}]%s}]"
    (line,) = oversights(resolve(text % (tmp_path, "")))
    assert line.startswith("dataset c: the sheet of samples of a slice says nothing of the cohort")
    assert line.endswith(f"  samples: {tmp_path}/s.csv")
    assert not oversights(resolve(text % (tmp_path, f", samples: {tmp_path}/s.csv")))


def test_a_setting_that_no_run_goes_through_is_known():
    text = (
        "graphs: {k20: {n_neighbors: 20}, k30: {n_neighbors: 30}, default: {n_neighbors: 10}}\n"
        "preprocess: {mine: {}, theirs: {}}\n"
        "method: {spclust: {}, cold: {recipe: spclust}, ward: {}, warm: {recipe: leiden}, "
        "later: {recipe: kmeans}, kmeans: {}}\n"
        "runs: [{name: k20, method: cold, graphs: k20}, "
        "{name: later, preprocess: theirs, datasets: [dkd_000]}]"
    )
    plan = resolve(text)
    assert unused_settings(plan) == [
        ("preprocess", "mine"),
        ("graphs", "k30"),
        ("method", "ward"),
        ("method", "warm"),
    ]
    assert oversights(plan)[1] == (
        "graphs.k30: no run goes through this setting; write  graphs: k30  in an entry of  runs:"
    )


def test_a_setting_whose_default_is_not_noted_yet_is_told():
    cards = settings.cards.load()
    plan = resolve("")
    card = replace(cards["leiden"], settings={"new": {"default": 1}})
    assert not oversights(plan)
    (line,) = oversights(replace(plan, cards=cards | {"leiden": card}))
    assert line.startswith("method.leiden: the setting new is new; run  make docs")


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_no_shipped_study_has_a_setting_that_nothing_goes_through(file):
    assert not unused_settings(resolve(file.read_text()))
