"""Files between stages: atomic, checked, and with a message that tells how to remake them."""

import errno

import numpy as np
import pandas as pd
import pytest
from planted import cells_of, expression_types, oversampled

from spclust.data.atomic import atomic, whole_folder, write_json, write_table
from spclust.data.cell_files import read_cells, write_cells
from spclust.data.cells import Cells
from spclust.data.clusters import read_clusters, write_clusters
from spclust.data.labels import read_labels
from spclust.data.n_clusters import read_n_clusters
from spclust.data.tables import read_table
from spclust.data.values import read_values, write_values
from spclust.errors import UserError


def same(one, two):
    """Whether two sets of cells are equal in everything."""
    assert isinstance(one, Cells) and list(one.features) == list(two.features)
    for m in one.features:
        assert one.features[m].tobytes() == two.features[m].tobytes()
        assert list(one.names[m]) == list(two.names[m])
    for name in ("ids", "coordinates", "image", "slice", "parents"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert np.array_equal(one.pseudolabels, two.pseudolabels)
    return True


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_a_failed_folder_leaves_the_old_one_and_no_other(tmp_path):
    target = tmp_path / "folder"
    with whole_folder(target) as temporary:
        (temporary / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), whole_folder(target) as temporary:
        (temporary / "a.txt").write_text("new")
        raise RuntimeError
    assert (target / "a.txt").read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_prepared_cells_come_back_as_written(tmp_path):
    given, _ = expression_types(0, n=30)
    write_cells(given, tmp_path / "cells.h5mu")
    assert same(read_cells(tmp_path / "cells.h5mu", "prepared"), given)


def test_balanced_cells_come_back_with_parents_and_pseudolabels(tmp_path):
    cells, _ = expression_types(0, n=30)
    given = oversampled(cells, 8)
    given = Cells(**vars(given) | {"pseudolabels": np.arange(38) % 3})
    write_cells(given, tmp_path / "cells.h5mu")
    found = read_cells(tmp_path / "cells.h5mu", "balanced")
    assert same(found, given) and found.n_original == 30


def test_modalities_and_how_they_were_prepared_come_back(tmp_path):
    cells = cells_of(np.arange(12).reshape(4, 3))
    constants = {"mean": np.arange(3.0), "kept": np.array(["a", "b", "c"])}
    entry = {"settings": {"clip": None, "scale": True}, "constants": constants}
    given = Cells(
        **vars(cells)
        | {
            "features": {"rna": cells.features["protein"], "adt": np.ones((4, 1), np.float32)},
            "names": {"rna": cells.names["protein"], "adt": np.array(["CD3"], dtype=object)},
            "preprocessing": {"rna": entry, "adt": {"settings": {}, "constants": {}}},
        }
    )
    write_cells(given, tmp_path / "cells.h5mu")
    found = read_cells(tmp_path / "cells.h5mu", "prepared")
    assert same(found, given)
    assert found.preprocessing["rna"]["settings"] == entry["settings"]
    for name, value in constants.items():
        assert np.array_equal(found.preprocessing["rna"]["constants"][name], value)


def test_a_missing_slot_is_named_with_the_rule_and_the_command(tmp_path):
    write_cells(cells_of(np.ones((3, 2))), tmp_path / "cells.h5mu")
    message = r"lacks obs\['pseudolabel'\].*rule oversample_minorities.*snakemake --cores 1 --force"
    with pytest.raises(UserError, match=message):
        read_cells(tmp_path / "cells.h5mu", "balanced")


@pytest.mark.parametrize("content", [b"", b"not an h5mu"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "cells.h5mu").write_bytes(content)
    with pytest.raises(UserError, match=r"cells\.h5mu: cannot be read.*rule preprocess_cells"):
        read_cells(tmp_path / "cells.h5mu", "prepared")


def test_values_and_clusters_are_given_in_the_order_of_the_asked_cells(tmp_path):
    ids = np.array(["a", "b", "c"], dtype=object)
    write_values(np.arange(6).reshape(3, 2), ids, tmp_path / "e.npz")
    values, _ = read_values(tmp_path / "e.npz", ids[::-1])
    assert values.tolist() == [[4, 5], [2, 3], [0, 1]]
    write_clusters(np.arange(3), np.ones(3), ids, tmp_path / "c.csv")
    assert read_clusters(tmp_path / "c.csv", ids[::-1])["cluster"].tolist() == [2, 1, 0]
    for read in (read_values, read_clusters):
        path = tmp_path / ("e.npz" if read is read_values else "c.csv")
        with pytest.raises(UserError, match="lacks 1 cells, e.g. 'd'.*rule cluster_cells"):
            read(path, ["a", "d"])


def test_labels_that_are_not_scored_are_missing(tmp_path):
    table = pd.DataFrame({"cell": ["1", "2"], "label": ["x", "y"], "scored": [True, False]})
    write_table(table, tmp_path / "labels.csv")
    found = read_labels(tmp_path / "labels.csv", np.array(["2", "1", "3"], dtype=object))
    assert found.isna().tolist() == [True, False, True] and found["1"] == "x"
    write_table(table.iloc[:0], tmp_path / "labels.csv")
    assert read_labels(tmp_path / "labels.csv", np.array(["1"])).isna().all()


def test_tables_check_their_columns(tmp_path):
    write_table(pd.DataFrame({"cell": ["1", "2"], "a": [1, 2]}), tmp_path / "t.csv")
    assert list(read_table(tmp_path / "t.csv", ["a"], "made").index) == ["1", "2"]
    with pytest.raises(UserError, match="lacks the columns cluster.*rule made"):
        read_table(tmp_path / "t.csv", ["cluster"], "made")


def test_the_number_of_clusters_comes_back_or_is_missed_by_name(tmp_path):
    write_json({"n_clusters": 5, "how": "given"}, tmp_path / "n.json")
    assert read_n_clusters(tmp_path / "n.json") == 5
    write_json({"how": "given"}, tmp_path / "n.json")
    with pytest.raises(UserError, match="holds no n_clusters.*rule choose_n_clusters"):
        read_n_clusters(tmp_path / "n.json")


def test_what_a_killed_job_left_half_written_is_removed_by_the_next(tmp_path):
    (tmp_path / ".part-1-a.csv").write_text("half")
    (tmp_path / ".part-2-folder").mkdir()
    (tmp_path / ".part-3-other-a.csv").write_text("of another file")
    with atomic(tmp_path / "a.csv") as temporary:
        temporary.write_text("whole")
    with whole_folder(tmp_path / "folder"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.csv",
        "folder",
        ".part-3-other-a.csv",
    }


@pytest.mark.parametrize("writer", [atomic, whole_folder])
def test_a_full_disk_is_named_with_what_to_do(tmp_path, writer):
    with pytest.raises(UserError, match="target: the disk is full.* MB are free.*--rerun-incompl"):
        with writer(tmp_path / "target"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())
