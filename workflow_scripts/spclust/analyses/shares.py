"""Types of the cells of a cluster."""

import pandas as pd

from spclust.knowledge.signatures import lineage_of

# so large a share of the cells gives its cluster a name where markers give none; chosen on labelled
# slices, each study left out in turn: tests/measured/comparison/cell_types.md
MOST_CELLS = 0.8


def of_types(clusters, types):
    """Share of each cluster's cells that are of each type, narrower ones apart.

    Parameters
    ----------
    clusters : Series
        By cell.
    types : DataFrame
        ``cell`` and ``type`` of :mod:`spclust.analyses.types`.

    Returns
    -------
    DataFrame
        A row a cluster, a column a type.
    """
    of_cells = types.set_index("cell")["type"].reindex(clusters.index)
    return pd.crosstab(clusters, of_cells, normalize="index")


def with_narrower(shares, signatures):
    """Share of the cells that are of each type or a narrower one, dict of str to float."""
    total = {}
    for name, share in shares.items():
        for wider in lineage_of(name, signatures):
            total[wider] = total.get(wider, 0.0) + float(share)
    return total


def of_most(shares, signatures):
    """The narrowest type that most cells are of, or None."""
    most = [name for name, share in shares.items() if share >= MOST_CELLS]
    return max(most, key=lambda name: len(lineage_of(name, signatures)), default=None)
