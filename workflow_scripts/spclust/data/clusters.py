"""``clusters.csv``, what else a method says of a run, and the names of its clusters."""

from pathlib import Path

import pandas as pd

from spclust.data.atomic import write_table
from spclust.data.tables import read_table, rebuild, rows_of

# what cells are called that have no type, see spclust.analyses.annotation
UNKNOWN, UNSURE, OUTLIER = "unknown", "unsure", "outlier"
# of these, what is no group
NO_TYPE = (UNSURE, OUTLIER)


def read_clusters(path, ids=None):
    """``cluster`` and ``confidence``, indexed by cell id; in the order of ``ids`` where given."""
    table = read_table(path, ["cluster", "confidence"], "cluster_cells")
    if ids is None:
        return table
    return table.iloc[rows_of(table.index, ids, path, "cluster_cells")]


def write_clusters(labels, confidence, ids, path):
    """Write ``clusters.csv``."""
    table = pd.DataFrame({"cell": ids, "cluster": labels, "confidence": confidence})
    write_table(table.round({"confidence": 6}), path)


def read_annotation(path, ids):
    """``cluster``, ``name`` and ``confidence`` of each cell, what :func:`.annotate` returned."""
    table = read_table(path, ["cluster", "name", "confidence"], "analyse_run (annotation)")
    return table.iloc[rows_of(table.index, ids, path, "analyse_run (annotation)")]


def read_cluster_names(path):
    """What :func:`spclust.analyses.names.name_clusters` returned."""
    try:
        table = pd.read_csv(path)
        # names as they are, missing only where nothing stands
        return table.astype({"name": str, "markers": object, "type": object})
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"cannot be read ({error})", "analyse_run") from error


def read_extras(folder):
    """The tables of a run's ``extras/`` by name."""
    paths = sorted(Path(folder).glob("*.csv"))
    return {path.stem: pd.read_csv(path, dtype={"cell": str}) for path in paths}
