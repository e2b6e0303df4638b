"""The file of graphs: what was written comes back, and what is broken is named."""

import numpy as np
import pytest
import scipy.sparse as sp

from spclust.data.graphs import Graphs, read_graphs, write_graphs
from spclust.errors import UserError


def test_graphs_come_back_as_written(tmp_path):
    graph = sp.csr_matrix(np.array([[0, 0.5, 0], [0.5, 0, 1], [0, 1, 0]], dtype=np.float32))
    spaces = {"expression/rna": np.ones((3, 2), np.float32)}
    settings = {"n_neighbors": 7, "radius": None}
    given = Graphs({"expression/rna": graph, "spatial": graph > 0}, spaces, settings)
    write_graphs(tmp_path / "graphs.npz", given)
    found = read_graphs(tmp_path / "graphs.npz")
    assert (found["expression/rna"] != graph).nnz == 0 and found["spatial"].max() == 1
    assert found.spaces["expression/rna"].shape == (3, 2) and found.settings == settings
    assert found.of_modalities() == ["expression/rna"]


def test_a_broken_file_and_a_graph_that_is_not_there_are_named(tmp_path):
    (tmp_path / "graphs.npz").write_bytes(b"not an npz")
    with pytest.raises(UserError, match=r"graphs\.npz: cannot be read.*rule build_graphs"):
        read_graphs(tmp_path / "graphs.npz")
    with pytest.raises(UserError, match="the method needs the spatial graph.*give spatial_graph"):
        Graphs({})["spatial"]
