"""The configuration: what is refused and with which words, what is inherited, what is hashed."""

import copy

import pytest
import yaml

from spclust import reference, settings
from spclust.errors import UserError

SHIPPED = yaml.safe_load((settings.CONFIG_FOLDER / "config.yaml").read_text())
REGISTRY = yaml.safe_load((settings.CONFIG_FOLDER / "datasets.yaml").read_text())
STUDIES = sorted((settings.CONFIG_FOLDER / "studies").glob("*.yaml"))


def merged(base, changes):
    """As Snakemake lays one configuration over another."""
    out = copy.deepcopy(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def resolve(text=""):
    return settings.resolve(merged(SHIPPED, yaml.safe_load(text) or {}), REGISTRY)


def test_the_shipped_configuration_runs_the_demo():
    plan = resolve()
    assert list(plan.datasets) == ["demo"]
    assert {run.method for _, run, _ in plan.results} >= {"spclust", "leiden", "kmeans", "random"}


def test_every_registered_dataset_is_valid():
    resolve("datasets: [" + ", ".join(REGISTRY) + "]")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_is_valid(path):
    assert len({run.name for _, run, _ in resolve(path.read_text()).results}) >= 1


def test_the_papers_table_has_a_row_of_table_b2_for_each_of_its_slices():
    plan = resolve((settings.CONFIG_FOLDER / "studies/paper_table1.yaml").read_text())
    rows = [
        (d, run.method) for d, run, seed in plan.results if run.name == "spclust" and seed == 42
    ]
    assert len(rows) == 9 and all(dataset == method.lower() for dataset, method in rows)
    others = {(d, run.name) for d, run, _ in plan.results}
    names = {run.name for _, run, _ in plan.results}
    assert len(others) == 9 * len(names) and {"leiden", "scdc", "truth"} <= names


def test_runs_on_different_slices_may_share_a_name():
    plan = resolve(
        "datasets: [demo, dkd_000]\nmethods: {hot: {recipe: spclust, temperature: 1.0}}\n"
        "runs: [{name: a, datasets: [demo]}, {name: a, method: hot, datasets: [dkd_000]}]"
    )
    assert {(d, run.method) for d, run, _ in plan.results} == {
        ("demo", "spclust"),
        ("dkd_000", "hot"),
    }
    for other in ("datasets: [demo, dkd_000]", "method: hot"):
        with pytest.raises(UserError, match=r"runs\[1\] \(a\): the name is taken"):
            resolve(
                "methods: {hot: {recipe: spclust}}\n"
                f"runs: [{{name: a, datasets: [demo]}}, {{name: a, {other}}}]"
            )


def test_the_origin_of_labels_changes_nothing_that_is_imported():
    plain = {"path": "cells.csv", "label": "type"}
    assert settings.import_cfg(plain | {"label_origin": "hand"}) == settings.import_cfg(plain)


def test_a_slice_of_ones_own_takes_a_name_and_a_path():
    plan = resolve("datasets:\n  - name: mine\n    path: cells.csv")
    assert list(plan.datasets) == ["mine"]
    assert plan.datasets["mine"]["n_clusters"] == "auto"


def test_settings_inherit_from_default_and_methods_from_their_recipe():
    plan = resolve(
        "graphs: {k20: {n_neighbors: 20}}\n"
        "methods: {cold: {recipe: spclust, temperature: 0.1}}\n"
        "runs: [{name: a, graphs: k20, method: cold}]"
    )
    assert plan.cfg("graphs", "k20") == SHIPPED["graphs"]["default"] | {"n_neighbors": 20}
    assert plan.cfg("methods", "cold")["epochs"] == SHIPPED["methods"]["spclust"]["epochs"]
    assert list(plan.cfg("methods", "cold")) == sorted(plan.cfg("methods", "cold"))


def test_folders_tell_the_lineage_and_share_what_is_shared():
    plan = resolve(
        "graphs: {k20: {n_neighbors: 20}}\n"
        "runs: [{name: a}, {name: b, graphs: k20}, {name: c, method: leiden},\n"
        "       {name: d, method: leiden, oversample: default}]"
    )
    folders = {run.name: run.folder("demo", 42) for _, run, _ in plan.results}
    start = "results/demo/prep-default/seed-42"
    assert folders["a"] == f"{start}/labels-default/aug-default/graph-default/method-spclust"
    assert folders["b"] == f"{start}/labels-default/aug-default/graph-k20/method-spclust"
    assert folders["c"] == f"{start}/method-leiden"
    assert folders["d"] == f"{start}/labels-default/aug-default/method-leiden"


def test_a_run_can_be_kept_to_some_slices():
    plan = resolve(
        "datasets: [demo, {name: mine, path: a.csv}]\n"
        "runs: [{name: a, datasets: [mine]}, {name: b}]\nseeds: [1, 2]"
    )
    assert [(d, r.name) for d, r, s in plan.results if s == 1] == [
        ("demo", "b"), ("mine", "a"), ("mine", "b"),
    ]  # fmt: skip


FAULTS = {
    "unknown top-level key": (
        "sedes: [1]",
        r"top level: unknown key 'sedes'; write  seeds: \[1\] \(allowed: datasets",
    ),
    "unknown setting key": (
        "graphs: {default: {neighbors: 3}}",
        r"graphs\.default: unknown key 'neighbors'; write  n_neighbors: 3",
    ),
    "unknown method key": (
        "methods: {spclust: {epoch: 3}}",
        r"methods\.spclust: unknown key 'epoch'; write  epochs: 3",
    ),
    "1e-3 is text": (
        "methods: {spclust: {lr: 1e-3}}",
        r"methods\.spclust\.lr: found the text '1e-3' where a number .*write  lr: 0\.001",
    ),
    "quoted number": (
        "graphs: {default: {n_neighbors: '33'}}",
        r"graphs\.default\.n_neighbors: found the text '33'.*write  n_neighbors: 33",
    ),
    "wrong word": (
        "oversample: {default: {variant: smote}}",
        r"oversample\.default\.variant: found 'smote', allowed is one of constrained",
    ),
    "out of range": (
        "methods: {spclust: {temperature: 0}}",
        r"methods\.spclust\.temperature: found 0, allowed is a number > 0",
    ),
    "unknown dataset": ("datasets: [demoo]", r"'demoo' is not known; did you mean 'demo'"),
    "dataset without name": ("datasets: [{path: a.csv}]", r"datasets\[0\]: a dataset needs a name"),
    "dataset without source": (
        "datasets: [{name: a}]",
        r"datasets\[0\] \(a\): exactly one of path, files and simulate .* found none",
    ),
    "dataset key": (
        "datasets: [{name: a, path: a.csv, lable: x}]",
        r"datasets\[0\]: unknown key 'lable'; write  label: x",
    ),
    "two slices of one name": (
        "datasets: [{name: a, path: a.csv}, {name: a, path: b.csv}]",
        r"datasets\[1\]: the name 'a' is taken",
    ),
    "two runs of one name": ("runs: [{name: a}, {name: a}]", r"runs\[1\] \(a\): the name is taken"),
    "unknown method": (
        "runs: [{name: a, method: laiden}]",
        r"runs\[0\] \(a\)\.method: 'laiden' is not known; did you mean 'leiden'",
    ),
    "unknown named setting": (
        "runs: [{name: a, graphs: k20}]",
        r"runs\[0\] \(a\)\.graphs: 'k20' is not known",
    ),
    "unknown recipe": (
        "methods: {a: {recipe: spclus}}",
        r"methods\.a\.recipe: 'spclus' is not known; did you mean 'spclust'",
    ),
    "no seeds": ("seeds: []", r"seeds: found \[\], allowed is a list of length >= 1"),
    "seed twice": ("seeds: [1, 1]", r"seeds: found \[1, 1\], allowed is a list .*without repeats"),
    "no clusters": ("n_clusters: 0", r"n_clusters: found 0, allowed is a whole number >= 1 or"),
    "name with a slash": ("runs: [{name: a/b}]", r"runs\[0\]\.name: found 'a/b', allowed is"),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_configuration_is_refused_with_the_remedy(text, message):
    with pytest.raises(UserError, match=message):
        resolve(text)


def test_several_faults_are_told_at_once():
    with pytest.raises(UserError) as caught:
        resolve("seeds: [x]\nmethods: {spclust: {lr: 1e-3, epochs: 0}}\ngraphs: {default: {k: 1}}")
    assert "seeds" in str(caught.value) and "graphs.default" in str(caught.value)


def test_config_readme_is_in_step_with_the_schemas():
    written = (settings.CONFIG_FOLDER / "README.md").read_text()
    assert written == reference.render(), "run `make docs`"


def test_every_key_of_the_shipped_configuration_is_documented():
    written = (settings.CONFIG_FOLDER / "README.md").read_text()
    for stage in (*settings.STAGES, "evaluation"):
        values = SHIPPED[stage].get("default", SHIPPED[stage])
        assert all(f"| `{key}` |" in written for key in values)


def test_defaults_hold_every_key_of_a_stage():
    definitions = settings.load_schema("config")["$defs"]
    for stage in settings.STAGES:
        assert set(SHIPPED[stage]["default"]) == set(definitions[stage]["properties"])
    for recipe, definition in definitions["recipes"].items():
        assert set(SHIPPED["methods"][recipe]) - {"recipe"} == set(definition["properties"])


def test_only_recipes_that_compute_there_reserve_a_gpu():
    plan = resolve()
    reserving = {name for name in plan.recipes if plan.on_gpu(name)}
    assert reserving == {"spclust", "scdc", "stdgcc", "scprotein"}
    assert plan.trains("spagcn") and not plan.trains("leiden")
