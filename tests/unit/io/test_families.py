"""What a laboratory wrote around its markers shows by what many known ones share."""

import numpy as np
import pandas as pd
import pytest
from program_tables import panel

from spclust.io import families
from spclust.io.importing import import_cells
from spclust.knowledge.channel_names import take_apart
from spclust.knowledge.panel import recognise

MARKERS = ["CD3", "CD4", "CD8", "CD20", "CD68", "PanCK"]
AROUND = ["log_{}", "{}_scaled", "{} arcsinh", "ch0{i}_{}", "{i}-{}", "{}_c{i}", "Channel: {}"]


def dressed(form, markers=MARKERS):
    return [form.format(marker, i=i + 1) for i, marker in enumerate(markers)]


def found(names):
    return families.shared(names, recognise(names)["canonical"])


@pytest.mark.parametrize("form", [*AROUND, "Corr{}", "{} Cell Exp"])
def test_what_many_known_markers_share_is_around_them(form):
    assert [marker for marker, _, _ in found(dressed(form))] == MARKERS


@pytest.mark.parametrize(
    "form", ["prob_{}", "distance_to_{}", "phospho-{}", "{}_cluster", "n_{}_neighbors", "p-{}"]
)
def test_words_that_say_something_else_are_not_taken_off(form):
    names = dressed(form)
    assert found(names) == [(name, "", 0) for name in names]


def test_two_names_share_nothing():
    names = dressed("log_{}", MARKERS[:2]) + MARKERS
    assert [around for _, around, _ in found(names)] == [""] * len(names)


@pytest.mark.parametrize("seed", range(20))
def test_names_of_a_panel_stay_as_they_are(seed):
    names = panel(np.random.default_rng(seed), 40) + ["CD45-2", "CXCR3 (OT-I gated)", "TCR", "Ly6C"]
    names = [take_apart(name).marker for name in names]
    assert [marker for marker, _, _ in found(names)] == names


@pytest.fixture
def read(tmp_path):
    def read(names):
        rng = np.random.default_rng(0)
        table = pd.DataFrame({"CellID": range(50), "x": rng.random(50), "y": rng.random(50)})
        for name in names:
            table[name] = rng.lognormal(2, 1, 50)
        table.to_csv(tmp_path / "cells.csv", index=False)
        return import_cells([tmp_path / "cells.csv"], {})[0]["protein"].var

    return read


@pytest.mark.parametrize("form", AROUND)
def test_a_table_of_nothing_else_is_read(form, read):
    var = read(dressed(form))
    assert list(var.index) == MARKERS and list(var["column"]) == dressed(form)


def test_the_plain_names_go_before_what_was_made_of_them(read, caplog):
    var = read([*dressed("{}_log"), *MARKERS, *dressed("{}_scaled")])
    assert list(var["column"]) == MARKERS
    assert "there are also …_log (6), …_scaled (6)\n" in caplog.text + "\n"
    assert "measure: {" not in caplog.text


def test_what_was_corrected_goes_before_what_was_measured_first(read):
    names = [f"Intensity_MeanIntensity_{stack}{m}" for stack in ("Orig", "Corr") for m in MARKERS]
    assert list(read(names)["column"]) == names[len(MARKERS) :]


def test_a_marker_written_as_text_is_said(tmp_path, caplog):
    table = pd.DataFrame({"CellID": range(30), "x": np.arange(30.0), "y": 1.5})
    for name in MARKERS:
        table[name] = np.random.default_rng(0).random(30)
    table["CD4"] = [f"{value:.2f} %" for value in table["CD4"]]
    table.to_csv(tmp_path / "cells.csv", index=False)
    import_cells([tmp_path / "cells.csv"], {})
    assert "not taken, not numbers (1): CD4" in caplog.text
