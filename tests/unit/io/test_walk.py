"""A random walk over made tables: the panel is read, and nothing else."""

import logging

import numpy as np
import pytest
from program_tables import PROGRAMS, dressed

from spclust.io.importing import import_cells
from spclust.knowledge.channel_names import take_apart

WALK = 100


def read(frame, path, **cfg):
    frame.to_csv(path, index=False)
    data, _ = import_cells([path], {"name": "made"} | cfg)[:2]
    return data["protein"]


def test_a_panel_in_the_clothes_of_programs_is_read_and_nothing_else(tmp_path, caplog):
    """At least 99 of 100 tables, and with leaking columns in most of them."""
    caplog.set_level(logging.ERROR)
    wrong = []
    for seed in range(WALK):
        rng = np.random.default_rng(seed)
        program = list(PROGRAMS)[seed % len(PROGRAMS)]
        frame, panel = dressed(rng, program)
        cells = read(frame, tmp_path / "cells.csv")
        got = set(cells.var_names)
        if program != "lab":  # of programs what stands around a marker is known of each name alone
            got = {take_apart(c).marker for c in cells.var["column"]}
        if got != set(panel) or cells.n_vars != len(panel):
            wrong.append((seed, program, sorted(set(panel) - got), sorted(got - set(panel))))
    assert len(wrong) <= WALK // 100, wrong


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_labels_column_changes_no_feature(program, tmp_path):
    frame, _ = dressed(np.random.default_rng(7), program)
    with_labels = read(frame, tmp_path / "cells.csv")
    without = read(frame.drop(columns="cell_type"), tmp_path / "cells.csv")
    np.testing.assert_array_equal(with_labels.var_names, without.var_names)
    np.testing.assert_array_equal(with_labels.X, without.X)
