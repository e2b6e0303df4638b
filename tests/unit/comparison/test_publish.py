"""The script that takes tables over into the pages: whole, and none by those of other runs."""

import shutil

import pandas as pd
import pytest
from places import MEASURED
from workflow import publish_script


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


def like(kept, tmp_path, change):
    """The folder of a comparison whose values are those of a kept one but for a change."""
    folder = tmp_path / "comparison"
    shutil.copytree(MEASURED / "comparison" / kept, folder)
    (folder / "figures").mkdir()
    for figure in folder.glob("*.png"):
        figure.rename(folder / "figures" / figure.name)
    runs = pd.read_csv(folder / "runs.tsv", sep="\t", dtype=str)
    change(runs).to_csv(folder / "runs.tsv", sep="\t", index=False)
    return folder


@pytest.mark.parametrize("kept", ["small", "blind", "full"])
def test_tables_are_taken_over_whole_to_where_their_slices_belong(publish, tmp_path, kept):
    publish.copy(like(kept, tmp_path, lambda runs: runs.assign(ARI="0.5")))
    changed = [to for to in publish.STUDIES if set(publish.read("runs", to)["ARI"]) == {0.5}]
    assert [to.name for to in changed] == [kept]
    assert {path.name for path in changed[0].iterdir()} >= {"scores.md", "costs.png"}


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
    folder = like("small", tmp_path, change)
    there = {path: path.read_bytes() for path in (tmp_path / "pages").rglob("*.tsv")}
    with pytest.raises(SystemExit, match=told):
        publish.copy(folder)
    assert {path: path.read_bytes() for path in (tmp_path / "pages").rglob("*.tsv")} == there


def test_a_folder_without_tables_is_no_comparison(publish, tmp_path):
    with pytest.raises(SystemExit, match="holds no comparison"):
        publish.copy(tmp_path)


def test_the_mean_of_more_slices_is_shown_beside_and_not_of_what_lacks_one(tmp_path):
    publish = publish_script()
    scores = publish.read("scores", publish.FULL)
    lacking = (scores["run"] == "ward") & (scores["dataset"] == "keren_p05")
    scores.loc[lacking, ["mean", "sd"]] = float("nan")
    scores.to_csv(tmp_path / "scores.tsv", sep="\t", index=False)
    runs = publish.read("runs", publish.FULL)
    of_types = runs["dataset"].isin(scores.loc[scores["labels"] == "cell types", "dataset"])
    ari = runs[of_types].groupby(["run", "dataset"])["ARI"].mean().groupby("run").mean()
    lines = publish.table("cell types", wider=tmp_path).splitlines()
    assert lines[0].endswith("| average rank | mean of 9 slices |")
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    last = {row[1]: row[-2] for row in cells}
    assert last["ward"] == ""
    for run in ("leiden", "consensus"):
        assert last[run] == f"{ari[run]:.3f}"
