"""Whatever a configuration or a file holds, a UserError is all that comes out, and it helps."""

import string

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from measured import imported
from random_configurations import CARDS, PLACES, VALID, leaves, put

from spclust.errors import UserError
from spclust.io.importing import import_cells
from spclust.plan.settings import resolve
from spclust.plan.stages import STAGES
from spclust.stages.preprocess.preparation import prepare

values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(string.printable, max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(PLACES), values, st.booleans())
@settings(max_examples=200, deadline=None)
def test_only_user_errors_come_of_a_spoilt_configuration(path, value, under_a_new_key):
    config = put(
        VALID, (*path[:-1], "new") if under_a_new_key and isinstance(path[-1], str) else path, value
    )
    try:
        resolve(config, CARDS)
    except UserError as error:
        assert 0 < len(str(error)) < 5000


TABLE = (
    "CellID,X,Y,CD3,CD20,image,cell_type\n"
    + "".join(f"{i},{i * 1.5},{i * 2.5},{i % 3}.5,{i % 2}.25,a,T\n" for i in range(1, 7))
).encode()
edits = st.lists(
    st.tuples(
        st.integers(0, len(TABLE) - 1),
        st.integers(0, 4),
        st.binary(max_size=3) | st.sampled_from([b",", b"\n", b'"', b"nan", b"inf", b";", b"\t"]),
    ),
    min_size=1,
    max_size=4,
)
quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def refused_or_right(path):
    try:
        data, labels = import_cells([path], {"min_label_size": 1})
    except UserError as error:
        assert len(str(error)) < 3000
        return
    assert data.n_obs >= 2 and np.isfinite(data.obsm["spatial"]).all()
    assert all(np.isfinite(part.X).all() for part in data.mod.values())
    assert set(labels["cell"]) <= set(data.obs_names)


@pytest.mark.parametrize("name", ["cells.csv", "cells.h5ad", "cells.h5mu", "cells.csv.gz"])
@given(content=st.binary(max_size=300))
@quick
def test_random_bytes_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refused_or_right(tmp_path / name)


@given(changes=edits)
@quick
def test_an_edited_table_is_refused_or_right(tmp_path, changes):
    content = TABLE
    for at, length, new in changes:
        content = content[:at] + new + content[at + length :]
    (tmp_path / "cells.csv").write_bytes(content)
    refused_or_right(tmp_path / "cells.csv")


@given(
    x=hnp.arrays(
        np.float32,
        st.tuples(st.integers(2, 6), st.integers(2, 4)),
        elements=st.floats(width=32) | st.integers(0, 50),
    ),
    changes=st.fixed_dictionaries(
        {
            "normalisation": st.sampled_from(["total", "arcsinh", "clr", "none"]),
            "scale": st.booleans(),
            "clip": st.sampled_from([None, 10.0]),
            "target_sum": st.sampled_from([1.0, 1e-30, 1e30]),
            "pca_components": st.sampled_from([None, 2]),
        }
    ),
)
@quick
def test_prepared_values_are_finite_or_refused(x, changes):
    try:
        cells = prepare(imported(protein=x), STAGES["preprocess"].defaults | changes)
    except UserError:
        return
    assert np.isfinite(cells.matrix).all()
