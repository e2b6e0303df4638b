"""The rerun promise: this change, exactly these rules. (Late in the alphabet: it runs last.)"""

from contextlib import contextmanager

import pytest
from workflow import TINY, changed

pytestmark = pytest.mark.slow

SCORES = {"evaluate_run": 1, "summarise_metrics": 1, "plot_summary": 1}
RUN = SCORES | {"find_markers": 1, "name_clusters": 1, "plot_run": 1, "export_cells": 1}
TRAIN = RUN | {"cluster_cells": 1, "embed_run": 1}
GRAPHS = TRAIN | {"build_graphs": 1}
OVERSAMPLE = GRAPHS | {"oversample_minorities": 1}
PSEUDOLABELS = OVERSAMPLE | {"assign_pseudolabels": 1}
NAMES = {"name_clusters": 2, "plot_run": 2, "export_cells": 2}
BOTH_RUNS = NAMES | {"evaluate_run": 2, "find_markers": 2}
PREPROCESS = PSEUDOLABELS | BOTH_RUNS | {
    "preprocess_cells": 1, "choose_n_clusters": 1, "cluster_cells": 2, "embed_cells": 1,
}  # fmt: skip
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
        NAMES,
    ),
    "the normalisation": ({"preprocess": {"default": {"clip": 5.0}}}, PREPROCESS),
    "the metrics": ({"evaluation": {"rare_class": 0.1}}, SCORES | {"evaluate_run": 2}),
    "the classes scored": (
        {"datasets": [DATASET | {"min_label_size": 6}]},
        PREPROCESS | {"import_cells": 1},
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
        PSEUDOLABELS | BOTH_RUNS | {"cluster_cells": 2, "embed_cells": 1},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), CONFIGS.values(), ids=CONFIGS)
def test_a_changed_configuration_reruns_exactly(finished, changes, expected):
    finished.configure(changed(TINY, **changes))
    try:
        assert finished.planned() == expected
    finally:
        finished.configure(TINY)


@contextmanager
def edited(path, text="\nEDITED = True\n"):
    before, stat = path.read_bytes(), path.stat()
    path.write_bytes(before + text.encode())
    try:
        yield
    finally:
        import os

        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


MODULES = {
    "oversample.py": OVERSAMPLE,
    "graphs.py": GRAPHS | {"embed_cells": 1, "plot_run": 2, "export_cells": 2},
    "parts/losses.py": TRAIN,
    "methods/spclust.py": TRAIN,
    "markers.py": NAMES | {"find_markers": 2},
    "naming.py": NAMES,
    "export.py": {"export_cells": 2},
    "plots/maps.py": {"plot_run": 2},
    "plots/figures/umap.py": {"plot_run": 2},
    "io/readers/table.py": PREPROCESS | {"import_cells": 1},
    "logs.py": {},
}


@pytest.mark.parametrize(("module", "expected"), MODULES.items(), ids=MODULES)
def test_an_edited_module_reruns_exactly_what_uses_it(finished, module, expected):
    with edited(finished.folder / "workflow_scripts/spclust" / module):
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


def test_a_comment_reruns_nothing(finished):
    with edited(finished.folder / "workflow_scripts/spclust/parts/losses.py", "\n# a comment\n"):
        assert finished.planned() == {}


def test_the_order_of_seeds_and_runs_reruns_nothing_but_the_summary(finished):
    finished.configure(changed(TINY, seeds=[1], runs=TINY["runs"][::-1]))
    try:
        assert finished.planned() == {"summarise_metrics": 1, "plot_summary": 1}
    finally:
        finished.configure(TINY)
