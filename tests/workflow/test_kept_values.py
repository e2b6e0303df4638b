"""The kept values of the small comparison are those of the code as it is: quick methods, again."""

import pandas as pd
import pytest
import yaml
from workflow import ROOT, Project

from spclust.data.scores import METRICS

SMALL = yaml.safe_load((ROOT / "config/studies/comparison_small.yaml").read_text())
# the vote, one by a graph, two without, and one that sees space
METHODS = ["consensus", "leiden", "kmeans", "ward", "cellcharter"]

pytestmark = pytest.mark.slow


def test_quick_methods_score_what_is_kept_of_them(tmp_path, real_data):
    runs = pd.read_csv(ROOT / "tests/measured/comparison/small/runs.tsv", sep="\t")
    kept = runs.query("dataset == 'schurch_009A' and seed == 42").set_index("run").loc[METHODS]
    project = Project(tmp_path / "spclust", SMALL | {"kept": None})
    (project.folder / "resources").mkdir()
    (project.folder / "resources/by_hand").symlink_to(real_data)
    done = project.snakemake(*(f"{folder}/metrics" for folder in kept["folder"]))
    assert done.code == 0, done.text
    for run, row in kept.iterrows():
        table = pd.read_csv(project.folder / row["folder"] / "metrics/metrics.tsv", sep="\t")
        found = table.set_index("metric")["value"]
        names = [name for name in METRICS if name in kept and pd.notna(row[name])]
        assert len(names) > 10
        # other processors round otherwise, which moves a few cells
        then, now = row[names].astype(float), found[names]
        assert now.to_dict() == pytest.approx(then.to_dict(), abs=0.02), run
