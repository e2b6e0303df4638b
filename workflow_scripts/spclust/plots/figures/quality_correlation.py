"""How each marker goes with each other."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from spclust.plots import style
from spclust.plots.tables import heat_map

OVER = "dataset"
CAPTION = (
    "Pearson's correlation of each pair of markers, within images, of arcsinh(value / median of "
    "the positive ones); markers that go together stand together (average linkage). A block "
    "of markers that no type has together tells of spill-over or of a bright background."
)
NEEDS = ("analyses.quality.correlations",)


def draw(dataset):
    table = dataset.table("quality", "correlations.csv", "marker_1", "marker_2")
    names = pd.unique(pd.concat([table["marker_1"][:1], table["marker_2"][: len(table)]]))
    matrix = pd.DataFrame(np.eye(len(names)), names, names)
    rows, columns = names_at(names, table["marker_1"]), names_at(names, table["marker_2"])
    r = table["r"].fillna(0).to_numpy()
    values = matrix.to_numpy(copy=True)
    values[rows, columns] = values[columns, rows] = r
    order = np.arange(len(names))
    if len(names) > 2:
        order = leaves_list(linkage(squareform(1 - values, checks=False), "average"))
    shown = pd.DataFrame(values[np.ix_(order, order)], names[order], names[order])
    side = min(0.15, 5.6 / len(names))
    fig, _ = heat_map(shown, side, side, "r", cmap=style.DIVERGING, vmin=-1, vmax=1)
    return fig


def names_at(names, column):
    """Places of a column's names."""
    return pd.Index(names).get_indexer(column)
