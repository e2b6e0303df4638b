"""The file of graphs between build_graphs and the methods, and what a method is given of it."""

import json
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from spclust.data.atomic import atomic
from spclust.data.tables import rebuild
from spclust.errors import UserError


@dataclass(frozen=True)
class Graphs:
    """Graphs of one set of cells, symmetric and without self-loops.

    Attributes
    ----------
    edges : dict of str to csr_matrix of float32, shape (n, n)
        ``expression`` (of all features side by side), ``spatial``, and of several modalities
        ``expression/<modality>``.
    spaces : dict of str to array of float32, shape (n, d')
        Where the neighbours of each expression graph were sought.
    settings : dict
        Of the stage ``graphs``; ``n_neighbors`` and ``expression_within`` among them.
    """

    edges: dict
    spaces: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)

    def __getitem__(self, name):
        if name not in self.edges:
            key = "spatial_graph" if name == "spatial" else "expression_space"
            raise UserError(
                f"graphs.<name>.{key}: the method needs the {name} graph and this setting makes "
                f"none; give {key} another value than none, or leave `graphs` out of the run"
            )
        return self.edges[name]

    def of_modalities(self):
        """Names of the expression graphs that tell modalities apart."""
        parts = [name for name in self.edges if name.startswith("expression/")]
        return parts or ["expression"]


def write_graphs(path, graphs):
    """Write :class:`Graphs` into one npz."""
    arrays = {"settings": np.array(json.dumps(graphs.settings))}
    for name, space in graphs.spaces.items():
        arrays[f"space:{name}"] = np.asarray(space, dtype=np.float32)
    for name, edges in graphs.edges.items():
        csr = sp.csr_matrix(edges)
        arrays |= {f"indptr:{name}": csr.indptr, f"indices:{name}": csr.indices}
        arrays[f"data:{name}"] = csr.data.astype(np.float32)
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def read_graphs(path):
    """Read what :func:`write_graphs` wrote."""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        edges, spaces = {}, {}
        for key, array in arrays.items():
            kind, _, name = key.partition(":")
            if kind == "space":
                spaces[name] = array
            elif kind == "indptr":
                parts = (arrays[f"data:{name}"], arrays[f"indices:{name}"], array)
                edges[name] = sp.csr_matrix(parts, (len(array) - 1,) * 2)
        settings = json.loads(str(arrays["settings"]))
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"cannot be read ({error})", "build_graphs") from error
    return Graphs(edges, spaces, settings)
