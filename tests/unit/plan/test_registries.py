"""Files that define further datasets by name: taken by name, refused with the file and a remedy."""

import pytest
from configurations import resolve

from spclust.errors import UserError
from spclust.plan import datasets


def registry(folder, text, name="mine.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_dataset_is_known_by_name_wherever_it_is_defined(tmp_path, monkeypatch):
    registry(tmp_path, "mine: {path: cells.csv, n_clusters: 4}")
    monkeypatch.chdir(tmp_path)
    plan = resolve("registries: [mine.yaml]\ndatasets: [mine, demo]")
    assert plan.datasets["mine"]["n_clusters"] == 4 and list(plan.datasets) == ["mine", "demo"]
    # of runs and transfers, too, and as a slice of a cohort
    resolve(
        "registries: [mine.yaml]\ndatasets: [demo, {name: both, slices: [demo, mine]}]\n"
        "runs: [{name: leiden}, {name: ward, datasets: [mine]}]"
    )
    with pytest.raises(UserError, match="'mine' is not known"):
        resolve("datasets: [mine]")


def test_what_stands_where_snakemake_runs_comes_before_the_projects(tmp_path, monkeypatch):
    (tmp_path / "tests/measured").mkdir(parents=True)
    registry(tmp_path / "tests/measured", "keren_p36: {path: mine.csv}", "datasets.yaml")
    asked = "registries: [tests/measured/datasets.yaml]\ndatasets: [keren_p36]"
    assert resolve(asked).datasets["keren_p36"]["path"].endswith("p36.h5ad")
    monkeypatch.chdir(tmp_path)
    assert resolve(asked).datasets["keren_p36"]["path"] == "mine.csv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {path: x.csv}\n b: 1", "cannot be read as YAML in line 2: .*; correct it there"),
        ("a: [", "cannot be read as YAML in line 1: .*; correct it there"),
        ("a: \x07", "cannot be read as YAML: .*; correct it there"),
        ("[a, b]", "allowed is a mapping"),
        ("a: cells.csv", "a: found .cells.csv., allowed is a mapping"),
        ("a/b: {path: x.csv}", "'a/b'"),
        ("7: {path: x.csv}", "7"),
        ("demo: {path: x.csv}", "'demo' is taken by config/datasets.yaml; rename it, .* my_demo:"),
        ("a: {path: x.csv, lable: type}", "a: unknown key .lable.; write  label: type"),
    ],
)
def test_a_faulty_registry_is_refused_with_its_name_and_a_remedy(tmp_path, text, said):
    path = registry(tmp_path, text)
    with pytest.raises(UserError, match=f"(?s){path}.*{said}") as error:
        resolve(f"registries: ['{path}']\ndatasets: [a]")
    assert len(str(error.value).splitlines()) <= 2


def test_a_name_that_two_registries_define_is_refused(tmp_path):
    paths = [registry(tmp_path, "a: {path: x.csv}", name) for name in ("one.yaml", "two.yaml")]
    with pytest.raises(UserError, match="two.yaml: the name 'a' is taken by .*one.yaml; rename"):
        datasets.registry({"registries": list(map(str, paths))})


@pytest.mark.parametrize("path", ["gone.yaml", "config", "x" * 300, "a{b}.yaml"])
def test_a_registry_that_is_not_there_is_refused_with_a_remedy(path):
    with pytest.raises(UserError, match="registries: .*registries: \\["):
        resolve(f"registries: ['{path}']")
