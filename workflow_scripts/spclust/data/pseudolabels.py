"""``n_clusters.json`` and ``pseudolabels.csv``: how many clusters, and first labels."""

import json
from pathlib import Path

from spclust.data.tables import read_table, rebuild, rows_of


def read_pseudolabels(path, ids):
    """First labels of cells, array of int (n,)."""
    table = read_table(path, ["pseudolabel"], "assign_pseudolabels")
    rows = rows_of(table.index, ids, path, "assign_pseudolabels")
    return table["pseudolabel"].to_numpy()[rows]


def read_n_clusters(path):
    """The number of clusters that was chosen for a slice."""
    try:
        return int(json.loads(Path(path).read_text())["n_clusters"])
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"holds no n_clusters ({error})", "choose_n_clusters") from error
