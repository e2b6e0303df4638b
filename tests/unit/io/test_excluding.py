"""Cells left out by ranges of their columns: which, what is said, what is refused."""

import re

import numpy as np
import pytest

from spclust.errors import UserError
from spclust.io.importing import import_cells, import_slice


def stays(data):
    return data.obs_names.astype(int).to_numpy() - 1


def test_cells_outside_of_ranges_are_left_out_and_told(frame, save, caplog):
    ranges = {"Area": [30, 80], "DAPI": [None, "90%"], "CD3": ["5%", None]}
    data, labels, rows = import_slice([save(frame)], {"exclude_cells": ranges})
    area, dapi, cd3 = (frame[c].to_numpy() for c in ("Area", "DAPI", "CD3"))
    expected = area >= 30
    expected &= (area <= 80) & (dapi <= np.percentile(dapi, 90)) & (cd3 >= np.percentile(cd3, 5))
    np.testing.assert_array_equal(stays(data), np.flatnonzero(expected))
    assert set(labels["cell"]) <= set(data.obs_names)
    left_out = rows["left_out"]
    assert left_out.notna().to_numpy().tolist() == (~expected).tolist()
    assert left_out[area < 30].str.startswith("Area below 30").all()
    both = left_out[(area > 80) & (dapi > np.percentile(dapi, 90))]
    assert (both == "Area above 80; DAPI above 90%").all() or not len(both)
    said = caplog.text
    assert f"exclude_cells.Area: {(area < 30).sum()} cells are below 30" in said
    assert f"{(area > 80).sum()} cells are above 80" in said
    assert f"12 cells are above 90% ({np.percentile(dapi, 90):g})" in said
    assert f"leaves out {(~expected).sum()} of 120 cells; by image " in said


def test_limits_are_of_all_cells_whatever_the_order_of_ranges(frame, save):
    ranges = {"Area": [40, None], "DAPI": ["20%", "80%"]}
    one = import_cells([save(frame)], {"exclude_cells": ranges})[0]
    other = import_cells([save(frame)], {"exclude_cells": dict(reversed(ranges.items()))})[0]
    np.testing.assert_array_equal(stays(one), stays(other))
    assert np.percentile(frame["DAPI"], 20) <= frame["DAPI"].to_numpy()[stays(one)].min()


def test_cells_without_a_value_stay(frame, save, caplog):
    frame["Area"] = frame["Area"].astype(float)
    frame.loc[:4, "Area"] = np.nan
    data, _ = import_cells([save(frame)], {"exclude_cells": {"Area": [50, None]}})
    np.testing.assert_array_equal(stays(data), np.flatnonzero(~(frame["Area"] < 50)))
    assert "5 have no value and stay" in caplog.text


def test_classes_are_judged_on_the_cells_that_stay(frame, save):
    """An NK cell less than the smallest class may have: the class is scored no more."""
    frame["Area"] = np.where(frame.index == frame.index[frame["cell_type"] == "NK"][0], 5, 50)
    cfg = {"min_label_size": 6}
    whole = import_cells([save(frame)], cfg)[1]
    cut = import_cells([save(frame)], cfg | {"exclude_cells": {"Area": [10, None]}})[1]
    assert whole["scored"].all() and not cut.loc[cut["label"] == "NK", "scored"].any()


def test_which_cells_stay_does_not_depend_on_labels(frame, save):
    cfg = {"exclude_cells": {"Area": ["10%", "90%"], "CD3": [0.5, None]}}
    one = import_cells([save(frame)], cfg)[0]
    shuffled = frame.assign(cell_type=frame["cell_type"].sample(frac=1, random_state=0).to_numpy())
    np.testing.assert_array_equal(stays(one), stays(import_cells([save(shuffled)], cfg)[0]))


@pytest.mark.parametrize("column", ["CD3", "Area"])
def test_features_and_columns_of_h5ad_count_too(h5ad, frame, column):
    cfg = {"exclude_cells": {column: ["25%", None]}}
    data, _ = import_cells([h5ad()], cfg)
    kept = frame[column].to_numpy(np.float32) >= np.percentile(frame[column].astype("f4"), 25)
    assert list(data.obs_names) == [f"c{i}" for i in np.flatnonzero(kept)]


def test_features_that_are_left_out_count_too(h5mu, two, frame):
    """DAPI of the second modality, whose cells stand in another order."""
    cfg = {"exclude_cells": {"DAPI": [None, "50%"]}}
    data, _, rows = import_slice([h5mu()], cfg)
    assert "DAPI" not in data["adt"].var_names
    dapi = frame["DAPI"].to_numpy(np.float32)
    assert set(data.obs_names) == {f"c{i}" for i in np.flatnonzero(dapi <= np.percentile(dapi, 50))}
    assert (rows["left_out"] == "DAPI above 50%").sum() == 120 - data.n_obs


FAULTS = {
    "unknown column": ({"Arae": [20, None]}, "no column 'Arae'.*did you mean 'Area'"),
    "labels": ({"cell_type": [1, 2]}, "exclude_cells.cell_type: .*reference labels.*take the line"),
    "text": ({"sample": [1, 2]}, "exclude_cells.sample: the column holds 'a', which is no number"),
    "nothing left": ({"Area": [1e6, None]}, "leaves no cell; widen its ranges"),
    "limits in the wrong order": ({"Area": [500, "50%"]}, "Area: 500 is 500 here and above 50%"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_range_that_cannot_be_meant_is_refused_in_one_line(frame, save, fault):
    ranges, message = FAULTS[fault]
    with pytest.raises(UserError) as error:
        import_cells([save(frame)], {"exclude_cells": ranges})
    said = str(error.value)
    assert re.search(message, said) and "cells.csv" in said and "\n" not in said
