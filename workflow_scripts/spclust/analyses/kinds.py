"""What cells are counted by: their types where any is told, else their clusters."""

from dataclasses import dataclass

import numpy as np

from spclust.data.clusters import OUTLIER, UNKNOWN


@dataclass(frozen=True)
class Kinds:
    """Kinds of the cells of a run.

    Attributes
    ----------
    names : list of str
        Those that any cell is of: types in the order of the table of signatures, ``unknown``
        last, or clusters by their number.
    codes : array of int, shape (n,)
        Each cell's place among them.
    what : {'type', 'cluster'}
    """

    names: list
    codes: np.ndarray
    what: str

    def __len__(self):
        return len(self.names)

    @property
    def of_cells(self):
        """Name of each cell's kind, array of str (n,)."""
        return np.array(self.names, dtype=object)[self.codes]


def kinds_of(task):
    """Types by the analysis ``types``, else clusters.

    Parameters
    ----------
    task : Task
        Of an analysis that needs ``types`` and ``clusters``; in the order of ``task.ids``.
    """
    types = task.table("types", "types.csv", "cell", "type").set_index("cell")["type"]
    told = task.table("types", "type_summary.csv", "type")["type"]
    return kinds(types.loc[task.ids].to_numpy(), task.clusters["cluster"].to_numpy(), told)


def kinds(types, clusters, order=()):
    """Kinds from what is known of each cell.

    Parameters
    ----------
    types : array of str, shape (n,)
        ``unknown`` where a cell is of none.
    clusters : array of int, shape (n,)
        Negative where a cell is in none.
    order : sequence of str
        Of types; others come after by name.
    """
    there = set(types) - {UNKNOWN}
    if there:
        first = [name for name in order if name in there]
        names = first + sorted(there - set(first)) + [UNKNOWN] * (UNKNOWN in types)
        of_cells, what = types, "type"
    else:
        numbers = np.unique(clusters)
        called = {c: OUTLIER if c < 0 else f"cluster {c}" for c in numbers.tolist()}
        names = list(dict.fromkeys(called[c] for c in sorted(called, key=lambda c: (c < 0, c))))
        of_cells, what = [called[c] for c in np.asarray(clusters).tolist()], "cluster"
    at = {name: i for i, name in enumerate(names)}
    return Kinds(names, np.array([at[name] for name in of_cells], dtype=np.int64), what)
