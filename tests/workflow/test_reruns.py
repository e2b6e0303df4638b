"""One finished run: what it leaves, and the rerun promise: this change, exactly these rules."""

import os
import re
from contextlib import contextmanager

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from workflow import SPCLUST, TINY, Project, changed

from spclust.plan import analyses, written

pytestmark = pytest.mark.slow

SUMMARY = {"summarise_metrics": 1, "plot_summary": 1}
# analyses of types that no other needs
OF_TYPES = ("composition", "neighbours", "niches", "states")
ANALYSES = ("markers", "types", "names", "annotation", *OF_TYPES, "metrics", "export")
RUN = SUMMARY | dict.fromkeys([*ANALYSES, "plot_run", "record_settings", "annotate_cells"], 1)
TRAIN = RUN | {"cluster_cells": 1, "umap": 1}
GRAPHS = TRAIN | {"build_graphs": 1}
OVERSAMPLE = GRAPHS | {"oversample_minorities": 1}
PSEUDOLABELS = OVERSAMPLE | {"assign_pseudolabels": 1}
NAMES = {"names": 2, "annotation": 2, "annotate_cells": 1, "plot_run": 2, "export": 2}
TYPES = NAMES | dict.fromkeys(["types", *OF_TYPES], 2)
QUALITY = {"quality": 1, "plot_dataset": 1}
BOTH_RUNS = dict.fromkeys([*ANALYSES, "plot_run", "record_settings"], 2)
PREPROCESS = (
    PSEUDOLABELS
    | BOTH_RUNS
    | {
        "preprocess_cells": 1,
        "choose_n_clusters": 1,
        "cluster_cells": 2,
        "umap": 2,
    }
)
DATASET = TINY["datasets"][0]

CONFIGS = {
    "nothing": ({}, {}),
    "keys that change no result": ({"mirror": "somewhere", "device": "auto"}, {}),
    "a setting nobody uses": ({"graphs": {"k20": {"n_neighbors": 20}}}, {}),
    "the graph's neighbours": ({"graphs": {"default": {"n_neighbors": 10}}}, GRAPHS),
    "a method's setting": ({"method": {"spclust": {"temperature": 0.2}}}, TRAIN),
    "the oversampling": ({"oversample": {"default": {"imbalance_ratio": 2.0}}}, OVERSAMPLE),
    "the pseudo-labels": ({"pseudolabels": {"default": {"method": "ward"}}}, PSEUDOLABELS),
    "first labels by signatures": (
        {"pseudolabels": {"default": {"method": "signatures"}}},
        PSEUDOLABELS,
    ),
    "the panel": ({"preprocess": {"default": {"panel": "auto"}}}, PREPROCESS),
    "a table of types of one's own": (
        {"knowledge": {"signatures": ["workflow_scripts/spclust/knowledge/signatures.csv"]}},
        TYPES | QUALITY,
    ),
    "the normalisation": ({"preprocess": {"default": {"clip": 5.0}}}, PREPROCESS),
    "the metrics": (
        {"analyses": {"metrics": {"default": {"rare_class": 0.1}}}},
        SUMMARY | {"metrics": 2, "record_settings": 2},
    ),
    "the classes scored": (
        {"datasets": [DATASET | {"min_label_size": 6}]},
        PREPROCESS | QUALITY | {"import_cells": 1},
    ),
    "another named setting beside the first": (
        {
            "graphs": {"k20": {"n_neighbors": 20}},
            "runs": [*TINY["runs"], {"name": "k20", "method": "spclust", "graphs": "k20"}],
        },
        GRAPHS,
    ),
    "a baseline on oversampled cells": (
        {"runs": [*TINY["runs"], {"name": "more", "method": "kmeans", "oversample": "default"}]},
        RUN | {"cluster_cells": 1},
    ),
    "one more seed": (
        {"seeds": [1, 2]},
        PSEUDOLABELS | BOTH_RUNS | {"cluster_cells": 2, "umap": 2},
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished tiny run; tests that use it plan only, and put back what they change."""
    project = Project(tmp_path_factory.mktemp("project") / "spclust")
    done = project.snakemake()
    assert done.code == 0, done.text
    return project


def test_the_tiny_run_writes_what_the_readme_promises(finished):
    folder = finished.path(SPCLUST)
    for name in (
        "clusters.csv",
        "embedding.npz",
        "extras/history.csv",
        "extras/fusion.csv",
        "extras/attribution.csv",
        "extras/importance.csv",
        "extras/model/weights.npz",
        "extras/model/model.json",
        "markers/markers.csv",
        "names/cluster_names.csv",
        "types/types.csv",
        "export/clustered.h5ad",
    ):
        assert (folder / name).stat().st_size > 0
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert len(figures) >= 6
    seen = finished.folder / "results/tiny"
    assert (seen / "quality/quality.html").stat().st_size > 0
    of_dataset = {path.stem for path in (seen / "figures").glob("*.png")}
    assert {"quality_images", "quality_markers", "quality_ridges"} <= of_dataset
    metrics = pd.read_csv(finished.path("summary/metrics.tsv"), sep="\t")
    assert list(metrics) == ["dataset", "run", "method", "seed", "slice", "metric", "value"]
    assert set(metrics.run) == {"spclust", "kmeans"}


def test_every_file_is_declared_with_its_columns(finished):
    """results/README.md is written from what is declared here and in the cards of analyses."""
    declared = {
        path: entry for entries in written.declared().values() for path, entry in entries.items()
    }
    for card in analyses.load().values():
        for name, entry in card.writes.items():
            for home in ("<run>", "<replicate>", "<dataset>", "summary"):
                declared[f"results/{home}/{card.name}/{name}"] = entry
    # the longest first: `extras/history.csv` before `extras/{name}.csv`
    known = sorted(declared, key=lambda path: ("{" in path, -len(path)))
    tables = set()
    for path in sorted(finished.folder.glob("results/**/*.*")):
        place = str(path.relative_to(finished.folder))
        if path.is_dir() or path.name.startswith(".") or place == "results/README.md":
            continue
        match = next((p for p in known if re.fullmatch(written.pattern(p), place)), None)
        assert match, f"{place} is declared nowhere"
        columns = list(declared[match].get("columns", ()))
        if columns and path.suffix in (".csv", ".tsv"):
            there = list(pd.read_csv(path, sep=None, engine="python", nrows=0))
            if columns[-1].startswith("<"):
                assert there[: len(columns) - 1] == columns[:-1], place
            else:
                assert there == columns, place
            tables.add(match)
    assert len(tables) >= 10


def test_the_places_that_make_demo_ends_with_are_there(finished):
    ends = re.findall(r'@echo ".*?(results/[^\s,"]+)', (finished.folder / "Makefile").read_text())
    assert len(ends) == 5 and ends.pop(0) == "results/report.html"
    for place in ends:
        assert list(finished.folder.glob(place.replace("results/demo", "results/tiny"))), place


def test_every_rule_has_left_its_log_and_benchmark(finished):
    logs = {path.stem for path in finished.folder.glob("results/logs/**/*.log")}
    benchmarks = {path.stem for path in finished.folder.glob("results/benchmarks/**/*.tsv")}
    # what may come from the between-workflow cache has no benchmark
    assert logs - benchmarks == {"preprocess_cells"}


def test_the_export_is_the_input_with_clusters(finished):
    cells = anndata.read_h5ad(finished.path(f"{SPCLUST}/export/clustered.h5ad"))
    given = anndata.read_h5ad(finished.folder / "resources/tiny/cells.h5ad")
    assert list(cells.obs_names) == list(given.obs_names) and np.allclose(cells.X, given.X)
    table = pd.read_csv(finished.path(f"{SPCLUST}/clusters.csv"), dtype={"cell": str})
    assert list(cells.obs["spclust"].astype(int)) == list(table.cluster)
    assert cells.obs["spclust_confidence"].between(0, 1).all()
    assert cells.obsm["X_spclust"].shape == (240, 8) and cells.obsm["X_umap"].shape == (240, 2)
    assert len(cells.uns["spclust_colors"]) == cells.obs["spclust"].cat.categories.size


def test_the_table_of_cells_has_every_row_and_run(finished):
    table = pd.read_csv(finished.path("tiny/cells_annotated.csv"), dtype={"id": str})
    given = anndata.read_h5ad(finished.folder / "resources/tiny/cells.h5ad")
    assert table["id"].tolist() == list(given.obs_names)
    np.testing.assert_allclose(table[["x", "y"]], given.obsm["spatial"])
    own = pd.read_csv(finished.path(f"{SPCLUST}/annotation/annotation.csv"))
    for column in ("cluster", "name", "confidence"):
        assert table[f"spclust_{column}"].tolist() == own[column].tolist()
    assert table["kmeans_name"].notna().all() and table["left_out"].isna().all()


def test_the_report_holds_the_figures(finished):
    done = finished.snakemake("--report", "report.html")
    assert done.code == 0, done.text
    html = (finished.folder / "report.html").read_text()
    assert "Summary" in html and "metrics_mean.tsv" in html and "umap" in html
    assert "Quality" in html and "quality.html" in html and "quality_ridges" in html


@pytest.mark.parametrize(("changes", "expected"), CONFIGS.values(), ids=CONFIGS)
def test_a_changed_configuration_reruns_exactly(finished, changes, expected):
    finished.configure(changed(TINY, **changes))
    try:
        assert finished.planned() == expected
    finally:
        finished.configure(TINY)


@contextmanager
def edited(path, edit):
    """A file with its text changed, or made of nothing."""
    before = path.read_text() if path.exists() else None
    stat = path.stat() if path.exists() else None
    text = edit(before or "")
    assert text != before
    path.write_text(text)
    try:
        yield
    finally:
        path.unlink()
        if before is not None:
            path.write_text(before)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def added(text):
    """Edit: a text at the end."""
    return lambda before: before + text


def replaced(pattern, text):
    """Edit: another text in place of the first that matches."""
    return lambda before: re.sub(pattern, text, before, count=1)


def set_to(*keys, value):
    """Edit: an entry of YAML."""

    def edit(before):
        whole = yaml.safe_load(before)
        entry = whole
        for key in keys[:-1]:
            entry = entry[key]
        entry[keys[-1]] = value
        return yaml.safe_dump(whole, sort_keys=False)

    return edit


CODE = added("\nEDITED = True\n")
NOVEL = {"type": "integer", "default": 3, "description": "New."}
READER = 'READS = ("{}",)\n\n\ndef read(files, cfg):\n    return None\n'
IMPORT = PREPROCESS | QUALITY | {"import_cells": 1}
SCORES = SUMMARY | {"metrics": 2, "record_settings": 2}

# file of the library, what is done to it, what runs again
EDITS = {
    # what is only said
    "a docstring": ("stages/graphs.py", replaced('"""', '"""Edited. '), {}),
    "a comment": ("methods/spclust/losses.py", added("\n# a comment\n"), {}),
    "a log line": ("clustering/heads.py", replaced(r'log\.(\w+)\(\s*"', r'log.\1("Edited '), {}),
    "the words of an error": (
        "methods/running.py",
        replaced(r'UserError\(\s*f"', 'UserError(f"Edited '),
        {},
    ),
    "how logs are written": ("engine/logs.py", CODE, {}),
    "what a setting is about": (
        "plan/stages.yaml",
        set_to("graphs", "settings", "n_neighbors", "description", value="Edited."),
        {},
    ),
    "the caption of a table": (
        "analyses/names.yaml",
        set_to("report", "cluster_names.csv", value="Edited."),
        {},
    ),
    # what is new
    "a new reader": ("io/readers/new.py", added(READER.format("*.new")), {}),
    "a new reader of files that are there": (
        "io/readers/new.py",
        added(READER.format("cells.*")),
        IMPORT,
    ),
    "a new setting of a stage": (
        "plan/stages.yaml",
        set_to("graphs", "settings", "novel", value=NOVEL),
        {},
    ),
    "a new setting of a method": (
        "methods/spclust/spclust.yaml",
        set_to("settings", "novel", value=NOVEL),
        {},
    ),
    "a new setting of an analysis": (
        "analyses/metrics.yaml",
        set_to("settings", "novel", value=NOVEL),
        {},
    ),
    "a new key of a dataset": (
        "../../config/schemas/dataset.schema.yaml",
        set_to("properties", "novel", value=NOVEL),
        {},
    ),
    "a new key of a simulated tissue": (
        "../../config/schemas/dataset.schema.yaml",
        set_to("properties", "simulate", "properties", "novel", value=NOVEL),
        {},
    ),
    # what is changed
    "the default of a stage": (
        "plan/stages.yaml",
        set_to("graphs", "settings", "spatial_n_neighbors", "default", value=16),
        GRAPHS,
    ),
    "the default of a method": (
        "methods/spclust/spclust.yaml",
        set_to("settings", "temperature", "default", value=0.3),
        TRAIN,
    ),
    "the default of an analysis": (
        "analyses/metrics.yaml",
        set_to("settings", "rare_class", "default", value=0.1),
        SCORES,
    ),
    "a colour": (
        "clustering/colours.py",
        replaced(r'"#\w{6}"', '"#123456"'),
        {
            "plot_run": 2,
            "plot_dataset": 1,
            "plot_summary": 1,
            "export": 2,
            "annotation": 2,
            "annotate_cells": 1,
        },
    ),
    "the reader of other files": ("io/readers/table.py", CODE, {}),
    "the reader of these files": ("io/readers/h5ad.py", CODE, IMPORT),
    "a function for files of first labels": (
        "data/pseudolabels.py",
        added("\n\ndef more():\n    return 1\n"),
        OVERSAMPLE,
    ),
    # one script hands every method what its card needs
    "how graphs are stored": (
        "data/graphs.py",
        CODE,
        GRAPHS | BOTH_RUNS | {"cluster_cells": 2},
    ),
    "the oversampling": ("stages/oversample.py", CODE, OVERSAMPLE),
    "the graphs": ("stages/graphs.py", CODE, GRAPHS),
    "the UMAP that graphs may be made in": ("neighbours/layout.py", CODE, GRAPHS),
    "the UMAP of figures": ("analyses/umap.py", CODE, {"umap": 2, "plot_run": 2, "export": 2}),
    "a part that one method uses": ("methods/spclust/losses.py", CODE, TRAIN),
    "a method": ("methods/spclust/spclust.py", CODE, TRAIN),
    "an analysis that others need": ("analyses/markers.py", CODE, NAMES | {"markers": 2}),
    "an analysis": ("analyses/names.py", CODE, NAMES),
    "a writer": ("io/writers/clustered.py", CODE, {"export": 2}),
    "the writer of the table of cells": ("io/writers/annotated.py", CODE, {"annotate_cells": 1}),
    "what draws maps": ("plots/maps.py", CODE, {"plot_run": 2}),
    "a figure": ("plots/figures/umap.py", CODE, {"plot_run": 2}),
    "a figure of a dataset": ("plots/figures/quality_markers.py", CODE, {"plot_dataset": 1}),
    "a part of an analysis of a dataset": ("analyses/quality/page.py", CODE, QUALITY),
}


@pytest.mark.parametrize(("file", "edit", "expected"), EDITS.values(), ids=EDITS)
def test_an_edit_reruns_exactly_what_it_changes(finished, file, edit, expected):
    with edited(finished.folder / "workflow_scripts/spclust" / file, edit):
        assert finished.planned() == expected


CARDS = {
    "methods": ("title: new\nenvironment: baselines\nsettings: {}\n", {}),
    "analyses": (
        "title: new\nover: run\nenvironment: evaluate\nneeds: [clusters]\n"
        "writes: {a.csv: {about: new}}\n",
        {"new": 2},
    ),
}


@pytest.mark.parametrize(
    ("room", "card", "expected"), [(r, *c) for r, c in CARDS.items()], ids=CARDS
)
def test_a_new_method_or_analysis_reruns_nothing_that_was_there(finished, room, card, expected):
    new = finished.folder / f"workflow_scripts/spclust/{room}/new.yaml"
    with edited(new, added(card)), edited(new.with_suffix(".py"), added("\n")):
        assert finished.planned() == expected


def test_a_touched_result_reruns_nothing(finished):
    next(finished.folder.glob("results/tiny/preprocess-default/cells.h5mu")).touch()
    assert finished.planned() == {}


def test_a_deleted_intermediate_is_not_remade_for_its_own_sake(finished):
    (graphs,) = finished.folder.glob("results/tiny/**/graphs.npz")
    aside = graphs.rename(graphs.with_suffix(".aside"))
    try:
        assert finished.planned() == {}
    finally:
        aside.rename(graphs)


def test_the_order_of_seeds_and_runs_reruns_only_what_is_of_all_runs(finished):
    finished.configure(changed(TINY, seeds=[1], runs=TINY["runs"][::-1]))
    try:
        assert finished.planned() == SUMMARY | {"annotate_cells": 1}
    finally:
        finished.configure(TINY)
