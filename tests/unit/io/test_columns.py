"""Which columns are markers: families, values, measures, renaming, leaks, and what is said."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from spclust.errors import UserError
from spclust.io import columns
from spclust.io.importing import import_cells

N = 80


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def table(rng, tmp_path):
    """Write a table of columns beside id, place and labels; the import of it."""

    def read(columns, **cfg):
        frame = {"CellID": range(1, N + 1), "x": rng.uniform(0, 9, N), "y": rng.uniform(0, 9, N)}
        frame["cell_type"] = np.repeat(["T", "B", "tumour", "vessel"], N // 4)
        pd.DataFrame(frame | columns).to_csv(tmp_path / "cells.csv", index=False)
        return import_cells([tmp_path / "cells.csv"], {"name": "s"} | cfg)[0]["protein"]

    return read


@pytest.fixture
def values(rng):
    return lambda n=N: rng.lognormal(2, 1, n)


def measured(rng, markers=("CD3", "CD20", "PAX99")):
    """QuPath's columns: compartments and statistics of each marker."""
    return {
        f"{part}: {marker}: {statistic}": rng.lognormal(2, 1, N)
        for part in ("Nucleus", "Cell")
        for marker in ("DAPI", *markers)
        for statistic in ("Mean", "Median", "Std.Dev.")
    } | {"Nucleus: Area µm^2": rng.uniform(10, 90, N), "Detection probability": rng.random(N)}


def test_one_measure_a_marker_and_its_parts_in_var(table, rng, caplog):
    cells = table(measured(rng))
    assert list(cells.var_names) == ["CD3", "CD20", "PAX99"]
    assert list(cells.var["column"]) == [f"Cell: {m}: Mean" for m in cells.var_names]
    assert set(cells.var["compartment"]) == {"cell"} and set(cells.var["statistic"]) == {"mean"}
    assert "measured as mean of the cell (3)" in caplog.text
    assert "1 names among them are unknown: Cell: PAX99: Mean" in caplog.text
    assert "nuclear stain" in caplog.text and "Detection probability" in caplog.text


def test_another_measure_is_asked_for(table, rng):
    cells = table(measured(rng), measure={"compartment": "nucleus", "statistic": "sd"})
    assert list(cells.var["column"]) == [f"Nucleus: {m}: Std.Dev." for m in cells.var_names]


def test_a_measure_that_is_not_there_is_refused_with_what_there_is(table, rng):
    with pytest.raises(UserError, match=r"no column holds .* ring; there are .*mean of the cell"):
        table(measured(rng), measure={"compartment": "ring"})


def test_the_printed_lines_give_the_same_columns_when_pasted(table, rng, caplog):
    frame = measured(rng)
    first = table(frame)
    (said,) = [r.getMessage() for r in caplog.records if "Change it there:" in r.getMessage()]
    pasted = yaml.safe_load(said.partition("Change it there:")[2])
    assert {"measure", "proteins", "cell_id"} <= set(pasted)
    again = table(frame, **pasted)
    assert list(again.var["column"]) == list(first.var["column"])


def test_names_that_are_unknown_stay_where_their_values_are_alike(table, values):
    cells = table({"CD3": values(), "XYZ1": values(), "CD20": values(), "XYZ2": values() * 1e6})
    assert list(cells.var_names) == ["CD3", "XYZ1", "CD20"]


def test_unknown_numbers_far_from_the_markers_are_no_markers(table, values):
    cells = table({"foo": values(), "Area": values(), "CD3": values(), "CD20": values()})
    assert list(cells.var_names) == ["CD3", "CD20"]


def test_gates_of_known_proteins_are_out_among_intensities(table, values, rng):
    gate = {"CD8": rng.integers(0, 2, N), "CD4": rng.integers(0, 5, N)}
    assert list(table({"CD3": values(), "CD20": values(), "CD68": values()} | gate).var_names) == [
        "CD3",
        "CD20",
        "CD68",
    ]


def test_of_counts_whole_numbers_are_markers(table, rng):
    counts = {name: rng.poisson(3, N) for name in ("CD3E", "MS4A1", "CD68", "GENE1")}
    assert list(table(counts).var_names) == list(counts)


def test_a_table_without_a_known_name_is_asked_about(table, values):
    with pytest.raises(UserError, match="no name is that of a protein") as error:
        table({"ch_a": values(), "ch_b": values()})
    line = re.search(r"proteins: \[.*?\]", str(error.value)).group()
    assert yaml.safe_load(line) == {"proteins": ["ch_a", "ch_b"]}
    assert list(table({"ch_a": values(), "ch_b": values()}, proteins=["ch_a", "ch_b"]).var_names)


def test_channels_by_number_are_renamed(table, rng):
    frame = {
        f"Intensity_{s}Intensity_FullStack_c{i}": rng.lognormal(size=N)
        for s in ("Mean", "Max")
        for i in range(1, 12)
    }
    frame |= {f"Intensity_MeanIntensity_ProbabStack_c{i}": rng.random(N) for i in (1, 2)}
    cells = table(frame, rename={"c1": "CD3", "FullStack_c2": "CD20", "c3": "DNA1"})
    assert list(cells.var_names[:3]) == ["CD3", "CD20", "FullStack_c4"]
    assert cells.n_vars == 10 and cells.var["column"].iloc[0].endswith("MeanIntensity_FullStack_c1")


def test_a_renaming_of_what_is_not_there_is_refused(table, values):
    with pytest.raises(UserError, match="`rename`.*no column is called 'CD33'.*did you mean  CD3"):
        table({"CD3": values(), "CD20": values()}, rename={"CD33": "Siglec"})


def test_two_channels_of_one_marker_keep_their_whole_names(table, values):
    frame = {f"cyc00{i}_ch002:{m}": values() for i, m in enumerate(["CD45", "CD3", "CD45"])}
    assert list(table(frame).var_names) == ["cyc000_ch002:CD45", "CD3", "cyc002_ch002:CD45"]


def leaking(rng):
    """Counts of genes, and a code of the labels with a name that nobody knows."""
    counts = {name: rng.poisson(3, N) for name in ("CD3E", "MS4A1", "CD68")}
    return counts | {"foo (1)": np.repeat([3, 1, 4, 2], N // 4)}


def test_a_code_of_the_labels_stops_the_import_with_a_line_that_works(table, rng):
    with pytest.raises(UserError, match=r"'foo \(1\)'.*agree with the labels 'cell_type'") as error:
        table(leaking(rng))
    line = re.search(r"exclude_proteins: \[.*?\](?=  or)", str(error.value)).group()
    cells = table(leaking(rng), **yaml.safe_load(line))
    assert list(cells.var_names) == ["CD3E", "MS4A1", "CD68"]


def test_the_choice_is_the_same_without_labels(rng):
    frame = pd.DataFrame(leaking(rng))
    with_labels = columns.choose(frame.assign(cell_type="T"), list(frame))
    assert with_labels.columns == columns.choose(frame, list(frame)).columns


def test_a_listed_code_is_the_users_own_choice(table, rng):
    frame = leaking(rng)
    assert list(table(frame, proteins=list(frame)).var_names) == list(frame)


def test_groups_are_said_with_counts_and_not_every_name(table, values, caplog):
    many = {f"CD3_{i}_intensity_sd": values() for i in range(60)}
    table({"CD3": values(), "CD20": values()} | {f"dist_{i}": values() for i in range(60)} | many)
    assert "count or distance (60): dist_0, dist_1" in caplog.text
    assert "dist_50" not in json.dumps([r.message for r in caplog.records if r.levelname != "INFO"])


def test_names_of_channels_come_from_a_table_too(table, rng, tmp_path):
    frame = {f"ch{i}: Cell: Mean": rng.lognormal(size=N) for i in range(3)}
    panel = tmp_path / "panel.csv"
    panel.write_text("channel,name,keep\nch0,CD3,1\nch1,CD20,1\nch2,,0\n")
    assert list(table(frame, rename=str(panel)).var_names) == ["CD3", "CD20", "ch2"]


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "channel,marker\nch0,CD3\n": "name is missing",
        "channel,name\nch0,CD3\nch0,CD4\n": "line 3, column 'channel'.*'ch0' is named twice",
    }.items(),
)
def test_a_wrong_table_of_names_is_refused(text, message, table, rng, tmp_path):
    panel = tmp_path / "panel.csv"
    panel.write_text(text)
    with pytest.raises(UserError, match=message):
        table({f"ch{i}: Mean": rng.random(N) for i in range(3)}, rename=str(panel))


def test_features_of_an_h5ad_are_renamed(tmp_path, rng):
    import anndata

    cells = anndata.AnnData(rng.random((N, 2)).astype(np.float32))
    cells.var_names, cells.obsm["spatial"] = ["ch0", "ch1"], rng.random((N, 2))
    cells.write_h5ad(tmp_path / "cells.h5ad")
    data = import_cells([tmp_path / "cells.h5ad"], {"rename": {"ch0": "CD3"}})[0]
    assert list(data["protein"].var_names) == ["CD3", "ch1"]
    with pytest.raises(UserError, match="two features are 'CD3' by `rename`"):
        import_cells([tmp_path / "cells.h5ad"], {"rename": {"ch0": "CD3", "ch1": "CD3"}})
    with pytest.raises(UserError, match="`measure` is of tables"):
        import_cells([tmp_path / "cells.h5ad"], {"measure": {"statistic": "mean"}})
