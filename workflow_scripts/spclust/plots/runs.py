"""Every figure of one run that can be drawn of it."""

import itertools
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from spclust.analyses import names as naming
from spclust.data.cells import Cells
from spclust.data.clusters import read_cluster_names
from spclust.data.values import read_values
from spclust.data.votes import Votes
from spclust.errors import UserError
from spclust.plots import analysed, style
from spclust.plots.maps import Groups

# bars of more images would fill no page that can be read
MOST_BARS = 30


@dataclass(frozen=True)
class RunData(analysed.Analysed):
    """What is known of a run; everything of cells in the order of ``cells``.

    Attributes
    ----------
    cells : Cells, n of them
        Prepared.
    labels : Series, shape (n,)
        Reference labels, missing for cells that are not scored.
    clusters : DataFrame
        ``cluster`` and ``confidence``, indexed by cell id.
    analyses : dict of str to Path
        Folders of the analyses made of it, ``<name>-<setting>`` for another than the default.
    balanced : Cells or None
        The same cells and synthetic ones.
    votes : Votes or None
        What the stage of that name left, where the run went through it.
    extras : dict of str to DataFrame
        What else the method had to say, e.g. ``history``.
    settings : dict of str to dict
        Of every stage that the run went through.
    """

    cells: Cells
    labels: pd.Series
    clusters: pd.DataFrame
    analyses: dict = field(default_factory=dict)
    balanced: Cells | None = None
    votes: Votes | None = None
    extras: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)

    def values(self, analysis, file):
        """Values of the cells of an analysis, array (n, d)."""
        return read_values(self.analyses[analysis] / file, self.cells.ids, analysis)[0]

    @cached_property
    def markers(self):
        """What :func:`spclust.analyses.markers.rank` returned; None where it was not made."""
        return (
            self.table("markers", "markers.csv", "feature") if "markers" in self.analyses else None
        )

    @cached_property
    def names(self):
        """What :func:`spclust.analyses.names.name_clusters` returned, or None."""
        if "names" not in self.analyses:
            return None
        return read_cluster_names(self.analyses["names"] / "cluster_names.csv")

    @cached_property
    def cell_types(self):
        """Colour of each cell by its type, and the legend's entries; None where none was told."""
        if "types" not in self.analyses:
            return None
        types = self.table("types", "type_summary.csv", "type")
        if types.empty:
            return None
        # by their places in the table: those without cells keep theirs
        colour_of = dict(zip(types["type"], itertools.cycle(style.PALETTE)))
        colour_of["unknown"] = style.BACKGROUND
        cells = self.table("types", "types.csv", "cell", "type").set_index("cell")
        cells = cells.loc[self.cells.ids]
        colours = np.where(cells["unsure"], style.BACKGROUND, cells["type"].map(colour_of))
        there = types[types["cells"] > 0].sort_values("cells", ascending=False)
        entries = [(colour_of[t], f"{t} ({n:,})") for t, n in zip(there["type"], there["cells"])]
        return colours.astype(str), entries

    @cached_property
    def umap(self):
        """Places of the cells in the UMAP, array (n, 2); None where it was not made."""
        return self.values("umap", "umap.npz") if "umap" in self.analyses else None

    @cached_property
    def groups(self):
        """Clusters and classes with their colours, the same in all figures."""
        names = {} if self.names is None else naming.short(self.names)
        return Groups.of(self.clusters["cluster"].to_numpy(), self.labels, names)

    @property
    def classes(self):
        """Colour of each class; None where no cell is scored."""
        return self.groups.class_colours or None

    @property
    def varying_confidence(self):
        """Confidence of each cell; None where it is the same for all."""
        values = self.clusters["confidence"].to_numpy()
        return values if values.min() < values.max() else None

    @property
    def synthetic_cells(self):
        """The balanced cells; None where none was made."""
        return self.balanced if self.balanced is not None and len(self.balanced.parents) else None

    @property
    def places(self):
        """Coordinates of the cells; None where any has none."""
        return self.cells.coordinates if self.cells.placed.all() else None

    @property
    def several_slices(self):
        """Slice of each cell; None of a single one."""
        return self.cells.slice if len(set(self.cells.slice)) > 1 else None

    @property
    def several_parts(self):
        """Slice of each cell, or of a single slice its image; None of one, or of many, images."""
        if self.several_slices is not None:
            return self.several_slices
        return self.cells.image if 1 < len(set(self.cells.image)) <= MOST_BARS else None

    def has(self, need):
        """Whether there is what a figure needs; see :mod:`spclust.plots.figures`."""
        name, _, table = need.partition(".")
        if name == "analyses":
            return super().has(need)
        if not hasattr(self, name):
            raise UserError(
                f"NEEDS of a figure names {need!r}; there are: classes, places, synthetic_cells, "
                "varying_confidence, several_slices, several_parts, votes, markers, umap, "
                "cell_types, "
                "extras.<name of a table>, analyses.<name of an analysis>"
            )
        value = getattr(self, name)
        return (value.get(table) if table else value) is not None


def plot_run(folder, run, pdf=False):
    """Draw one run into a folder.

    In maps the y axis points down, as in microscopy images.

    Parameters
    ----------
    folder : path
    run : RunData
    pdf : bool
        Each figure as PDF, too.
    """
    analysed.draw(folder, run, "run", pdf)
