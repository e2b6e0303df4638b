"""Files between stages: atomic, checked, and with a message that tells how to remake them."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spclust import contracts
from spclust.errors import UserError


def cells(**obs):
    a = anndata.AnnData(np.ones((3, 2), dtype=np.float32))
    a.obs["image"] = "image"
    a.obsm["spatial"] = np.zeros((3, 2))
    for name, values in obs.items():
        a.obs[name] = values
    return a


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), contracts.atomic(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_cells_come_back_as_written(tmp_path):
    contracts.write_cells(cells(), tmp_path / "cells.h5ad")
    assert contracts.read_cells(tmp_path / "cells.h5ad", "prepared").shape == (3, 2)


def test_a_missing_slot_is_named_with_the_rule_and_the_command(tmp_path):
    contracts.write_cells(cells(), tmp_path / "cells.h5ad")
    message = r"lacks obs\['pseudolabel'\].*rule oversample_minorities.*snakemake --cores 1 --force"
    with pytest.raises(UserError, match=message):
        contracts.read_cells(tmp_path / "cells.h5ad", "balanced")


@pytest.mark.parametrize("content", [b"", b"not an h5ad"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "cells.h5ad").write_bytes(content)
    with pytest.raises(UserError, match=r"cells\.h5ad: cannot be read.*rule preprocess_cells"):
        contracts.read_cells(tmp_path / "cells.h5ad", "prepared")


def test_graphs_come_back_as_written(tmp_path):
    graph = sp.csr_matrix(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.float32))
    given = contracts.Graphs(graph, graph.T, np.ones((3, 2)), 7)
    contracts.write_graphs(tmp_path / "graphs.npz", given)
    one, two, space, n_neighbors = contracts.read_graphs(tmp_path / "graphs.npz")
    assert (one != graph).nnz == 0 and (two != graph).nnz == 0 and space.shape == (3, 2)
    assert n_neighbors == 7


def test_tables_check_their_columns(tmp_path):
    contracts.write_table(pd.DataFrame({"cell": ["1", "2"], "a": [1, 2]}), tmp_path / "t.csv")
    assert list(contracts.read_table(tmp_path / "t.csv", ["a"], "train").index) == ["1", "2"]
    with pytest.raises(UserError, match="lacks the columns cluster.*rule train"):
        contracts.read_table(tmp_path / "t.csv", ["cluster"], "train")


def test_the_number_of_clusters_comes_back_or_is_missed_by_name(tmp_path):
    contracts.write_json({"n_clusters": 5, "how": "given"}, tmp_path / "n.json")
    assert contracts.read_n_clusters(tmp_path / "n.json") == 5
    contracts.write_json({"how": "given"}, tmp_path / "n.json")
    with pytest.raises(UserError, match="holds no n_clusters.*rule choose_n_clusters"):
        contracts.read_n_clusters(tmp_path / "n.json")
