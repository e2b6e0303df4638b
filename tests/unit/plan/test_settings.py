"""The configuration: what is refused and with which words, what is inherited, what is hashed."""

import pytest
from configurations import MEASURED, SHIPPED, STUDIES, merged, resolve

from spclust.errors import UserError
from spclust.plan import datasets, settings
from spclust.plan.stages import STAGES


def test_the_shipped_configuration_runs_the_demo():
    plan = resolve()
    assert list(plan.datasets) == ["demo"]
    assert {run.method for _, run, _ in plan.results} >= {"spclust_vote", "leiden", "kmeans"}


def test_every_registered_dataset_is_valid():
    known = datasets.registry({"registries": [MEASURED]})
    shipped = [name for name, (file, _) in known.items() if file != MEASURED]
    assert len(shipped) > 10 and len(known) - len(shipped) > 20
    # what is shipped can be made or downloaded by everybody, whole
    for name in shipped:
        files = known[name][1].get("files", ())
        assert files or "simulate" in known[name][1], name
        assert all({"url", "sha256"} <= set(file) for file in files), name
    resolve(f"registries: [{MEASURED}]\ndatasets: [{', '.join(known)}]")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_is_valid(path):
    assert len({run.name for _, run, _ in resolve(path.read_text()).results}) >= 1


def test_the_papers_table_has_a_row_of_table_b2_for_each_of_its_slices():
    plan = resolve((datasets.CONFIG_FOLDER / "studies/paper_table1.yaml").read_text())
    rows = [
        (d, run.method) for d, run, seed in plan.results if run.name == "spclust" and seed == 42
    ]
    assert len(rows) == 9 and all(dataset == method.lower() for dataset, method in rows)
    others = {(d, run.name) for d, run, _ in plan.results}
    names = {run.name for _, run, _ in plan.results}
    assert len(others) == 9 * len(names) and {"leiden", "scdc", "truth"} <= names


def test_runs_on_different_slices_may_share_a_name():
    plan = resolve(
        "datasets: [demo, dkd_000]\nmethod: {hot: {recipe: spclust, temperature: 1.0}}\nruns:\n"
        "- {name: a, method: spclust, datasets: [demo]}\n"
        "- {name: a, method: hot, datasets: [dkd_000]}"
    )
    assert {(d, run.method) for d, run, _ in plan.results} == {
        ("demo", "spclust"),
        ("dkd_000", "hot"),
    }
    for other in ("datasets: [demo, dkd_000]", "method: hot"):
        with pytest.raises(UserError, match=r"runs\[1\] \(a\): the name is taken"):
            resolve(
                "method: {a: {recipe: spclust}, hot: {recipe: spclust}}\n"
                f"runs: [{{name: a, datasets: [demo]}}, {{name: a, {other}}}]"
            )


def test_the_origin_of_labels_changes_nothing_that_is_imported():
    plain = {"path": "cells.csv", "label": "type"}
    assert datasets.import_cfg(plain | {"label_origin": "hand"}) == datasets.import_cfg(plain)


def test_a_slice_of_ones_own_takes_a_name_and_a_path():
    plan = resolve("datasets:\n  - name: mine\n    path: cells.csv")
    assert list(plan.datasets) == ["mine"]
    assert plan.datasets["mine"]["n_clusters"] == "auto"


def test_settings_inherit_from_default_and_methods_from_their_recipe():
    plan = resolve(
        "graphs: {k20: {n_neighbors: 20}}\n"
        "method: {cold: {recipe: spclust, temperature: 0.1}}\n"
        "runs: [{name: a, graphs: k20, method: cold}]"
    )
    assert plan.cfg("graphs", "k20") == STAGES["graphs"].defaults | {"n_neighbors": 20}
    assert plan.cfg("method", "cold")["epochs"] == plan.cards["spclust"].defaults["epochs"]
    assert plan.cfg("method", "cold")["temperature"] == 0.1
    assert list(plan.cfg("method", "cold")) == sorted(plan.cfg("method", "cold"))


def test_folders_tell_the_lineage_and_share_what_is_shared():
    plan = resolve(
        "graphs: {k20: {n_neighbors: 20}}\n"
        "runs: [{name: spclust}, {name: b, method: spclust, graphs: k20}, {name: leiden},\n"
        "       {name: ward}, {name: d, method: ward, oversample: default}]"
    )
    folders = {run.name: run.folder("demo", 42) for _, run, _ in plan.results}
    start = "results/demo/preprocess-default/seed-42"
    balanced = f"{start}/pseudolabels-default/oversample-default"
    assert folders["spclust"] == f"{balanced}/graphs-default/method-spclust"
    assert folders["b"] == f"{balanced}/graphs-k20/method-spclust"
    # its graph is the one that Leiden's card wants
    assert folders["leiden"] == f"{start}/graphs-leiden/method-leiden"
    assert folders["ward"] == f"{start}/method-ward"
    assert folders["d"] == f"{balanced}/method-ward"


def test_values_that_are_transformed_already_stay_so_whatever_a_card_wants():
    def normalisations(**preprocess):
        plan = settings.resolve(merged(SHIPPED, {"preprocess": preprocess}))
        return [
            plan.cfg("preprocess", name)["normalisation"]
            for name in ("default", "flowsom", "leiden_pca")
        ]

    assert normalisations() == ["total", "arcsinh", "total"]
    done = {"default": {"normalisation": "none"}}
    assert normalisations(**done) == ["none", "none", "none"]
    assert normalisations(**done, flowsom={"normalisation": "arcsinh"})[1] == "arcsinh"


def test_a_run_goes_through_the_votes_where_its_first_labels_are_theirs():
    runs = "runs: [{name: spclust}, {name: consensus}, {name: kmeans}]"
    found = {}
    for first in ("leiden", "vote"):
        plan = resolve(f"pseudolabels: {{default: {{method: {first}}}}}\n{runs}")
        found[first] = [run.folder("d", 1) for _, run, _ in plan.results]
    above = "results/d/preprocess-default/seed-1/"
    rest = "pseudolabels-default/oversample-default/graphs-default/method-spclust"
    assert found["leiden"][0] == above + rest
    assert found["vote"][0] == above + "votes-default/" + rest
    others = [above + "votes-default/method-consensus", above + "method-kmeans"]
    assert found["leiden"][1:] == found["vote"][1:] == others


def test_a_run_can_be_kept_to_some_slices():
    plan = resolve(
        "datasets: [demo, {name: mine, path: a.csv}]\n"
        "runs: [{name: ward, datasets: [mine]}, {name: kmeans}]\nseeds: [1, 2]"
    )
    assert [(d, r.name) for d, r, s in plan.results if s == 1] == [
        ("demo", "kmeans"),
        ("mine", "ward"),
        ("mine", "kmeans"),
    ]


def test_a_cohort_is_a_dataset_of_slices_that_need_not_run_alone():
    plan = resolve("datasets: [{name: both, slices: [demo, {name: mine, path: m.h5mu}]}]")
    assert list(plan.datasets) == ["both"] and set(plan.slices) == {"both", "demo", "mine"}
    assert plan.datasets["both"]["slices"] == ["demo", "mine"]
    assert plan.is_multimodal("both") and not plan.is_multimodal("demo")
    both = resolve("datasets: [{name: both, slices: [a, demo]}, {name: a, path: a.csv}]")
    assert list(both.datasets) == ["both", "a"]


def test_a_model_of_a_cohort_labels_other_slices_for_every_seed():
    plan = resolve(
        "datasets: [{name: c, slices: [demo]}, {name: b, path: b.csv}]\nseeds: [1, 2]\n"
        "transfer: {model: kmeans, to: [b]}"
    )
    found = [(d, source, run.name, seed) for d, source, run, seed in plan.transfers]
    assert found == [("b", "c", "kmeans", 1), ("b", "c", "kmeans", 2)]


def test_settings_of_modalities_are_merged_key_by_key():
    plan = resolve("preprocess: {default: {clip: 5.0, modalities: {rna: {clip: 3.0}}}}")
    found = plan.cfg("preprocess", "default")
    shipped = STAGES["preprocess"].defaults["modalities"]["rna"]
    assert found["modalities"]["rna"] == shipped | {"clip": 3.0} and found["clip"] == 5.0


def test_a_setting_that_a_card_wants_may_be_changed():
    plan = resolve("graphs: {leiden: {n_neighbors: 30}}\nruns: [{name: leiden}]")
    found = plan.cfg("graphs", "leiden")
    assert found["n_neighbors"] == 30 and found["expression_weights"] == "umap"
    other = resolve("graphs: {k30: {n_neighbors: 30}}\nruns: [{name: leiden, graphs: k30}]")
    assert "graphs-k30" in other.results[0][1].folder("demo", 42)


def test_several_faults_are_told_at_once():
    with pytest.raises(UserError) as caught:
        resolve("seeds: [x]\nn_clusters: 0\ngraphs: {default: {k: 1}}")
    assert "seeds" in str(caught.value) and "graphs.default" in str(caught.value)


def test_a_configuration_without_the_default_one_is_refused_by_key():
    """The rules lay what they are given over the shipped configuration; others have to."""
    lone = {"datasets": ["demo"], "seeds": [42], "runs": [{"name": "leiden"}]}
    with pytest.raises(UserError, match="the key 'n_clusters' is missing"):
        settings.resolve(lone)


def test_pixel_sizes_of_a_sheet_reach_what_sees_coordinates_first(tmp_path):
    """The import of a dataset; of a cohort the joining, unless its slices have them already."""
    sheet = str(tmp_path / "s.csv")
    (tmp_path / "s.csv").write_text("image,age,pixel_size\nb,51,0.5\na,60,0.25\n")
    of_all = {"pixel_size": {"path": sheet, "columns": ["image", "pixel_size"], "lines": []}}
    of_all["pixel_size"]["rows"] = [["a", "0.25"], ["b", "0.5"]]
    one = {"name": "one", "path": "a.csv", "samples": sheet}
    assert datasets.import_cfg(one) == {"name": "one", "path": "a.csv"} | of_all
    both = {"min_label_size": 5, "slices": ["one", "two"]}
    plain = {"one": {}, "two": {}}
    assert datasets.joining_cfg(both, plain) == both
    assert datasets.joining_cfg(both | {"samples": sheet}, plain) == both | of_all
    same = dict.fromkeys(plain, {"samples": sheet})
    assert datasets.joining_cfg(both | {"samples": sheet}, same) == both
    with pytest.raises(
        UserError, match="s.csv: it has a column of `pixel_size`, which the dataset"
    ):
        datasets.import_cfg(one | {"pixel_size": 1.0})
