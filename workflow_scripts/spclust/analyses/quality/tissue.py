"""The cells of a dataset as its quality is looked at: in one order, on one scale, a sample."""

import logging
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.data.cell_files import without_features
from spclust.knowledge.panel import recognise

log = logging.getLogger(__name__)

# a modality of more features is of genes: no one looks at each of them
MOST_MARKERS = 300
_AREA = re.compile(r"(^|[^a-z])(area|size|volume)($|[^a-z])")
_NO_AREA = re.compile(r"cyto|membrane|ratio|bbox|box|convex|fill|equivalent|tile|image|hull")
_NUCLEAR = re.compile(r"nucl")


@dataclass(frozen=True)
class Tissue:
    """What is measured of the cells of a dataset, sorted by their ids.

    Attributes
    ----------
    ids, image, slice : array of str, shape (n,)
    places : array, shape (n, 2)
        NaN where cells have none.
    obs : DataFrame, n rows
        Numbers that the file has of each cell beside its markers.
    names : list of str, d of them
        Markers, of several modalities with theirs (``rna:CD3E``).
    columns : list of str, d of them
        What the user's file calls them.
    raw : array of float32, shape (n, d)
        As measured, 0 where a value is missing.
    missing : array, shape (d,)
        Share of the cells without a value.
    total : array, shape (n,)
        Sum over all features, those of wide modalities too.
    unit : array, shape (d,)
        Median of the positive values.
    sample : array of int
        Rows that distributions are looked at in.
    batch : array of str, shape (n,)
        What may have been stained together, a ``batch_unit``.
    batch_unit : {'slice', 'image'}
    """

    ids: np.ndarray
    image: np.ndarray
    slice: np.ndarray
    places: np.ndarray
    obs: pd.DataFrame
    names: list
    columns: list
    raw: np.ndarray
    missing: np.ndarray
    total: np.ndarray
    unit: np.ndarray
    sample: np.ndarray
    batch: np.ndarray
    batch_unit: str

    def scaled(self, rows, markers=slice(None)):
        """arcsinh(value / unit), shape (rows, markers): near 0 linear, above like a logarithm."""
        return np.arcsinh(self.raw[rows][:, markers] / self.unit[markers])

    def without(self, images):
        """The same without some images; all of it where nothing else would be left."""
        rows = np.flatnonzero(~np.isin(self.image, images))
        if not len(rows) or len(rows) == len(self.ids):
            return self
        per_cell = ("ids", "image", "slice", "places", "raw", "total", "batch")
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in per_cell},
            obs=self.obs.iloc[rows].reset_index(drop=True),
            sample=np.flatnonzero(np.isin(rows, self.sample)),
        )

    def area(self):
        """Name of the column of cell areas, else of nuclear ones; None where there is neither."""
        found = [c for c in self.obs if _AREA.search(c.lower()) and not _NO_AREA.search(c.lower())]
        found = [c for c in found if self.obs[c].min() >= 0 and self.obs[c].nunique() > 20]
        return min(found, key=lambda c: bool(_NUCLEAR.search(c.lower())), default=None)

    def nuclear(self, proteins):
        """Values of each nuclear stain, by name: markers, and columns that are no marker."""
        known = recognise([*self.columns, *self.obs], proteins)
        stains = (known["role"] == "technical") & (known["canonical"] != "Blank")
        d = len(self.columns)
        values = [self.raw[:, i] if i < d else self.obs.iloc[:, i - d] for i in stains.index]
        found = {known["name"][i]: np.asarray(values[i]) for i in np.flatnonzero(stains)}
        return {name: x for name, x in found.items() if np.nanmin(x) >= 0 and np.ptp(x) > 0}


def tissue_of(data, batches, most_sampled, seed):
    """Look at imported cells.

    Parameters
    ----------
    data : MuData
    batches : callable
        From Cells to what was stained together, and what that is.
    most_sampled : int
        Cells that distributions are looked at in, at most.
    seed : int

    Returns
    -------
    Tissue
    """
    cells = without_features(data)
    order = np.argsort(cells.ids.astype(str), kind="stable")
    cells = cells.take(order)
    narrow = {m: part for m, part in data.mod.items() if part.n_vars <= MOST_MARKERS}
    for modality in data.mod.keys() - narrow.keys():
        log.warning("%s has more than %d features: only its sums are looked at", modality, 300)
    several = len(data.mod) > 1
    names = [
        f"{m}:{v}" if several else str(v) for m, part in narrow.items() for v in part.var_names
    ]
    columns = [
        str(c)
        for part in narrow.values()
        for c in (part.var["column"] if "column" in part.var else part.var_names)
    ]
    raw = np.empty((len(cells), len(names)), dtype=np.float32)
    start = 0
    for part in narrow.values():
        x = part.X[order]
        raw[:, start : start + part.n_vars] = x.toarray() if sp.issparse(x) else x
        start += part.n_vars
    lost = ~np.isfinite(raw)
    raw[lost] = 0
    missing = lost.mean(axis=0)
    if missing.any():
        log.warning("%d of %d markers lack values of some cells", (missing > 0).sum(), len(names))
    total = sum(
        np.asarray(part.X.sum(axis=1), dtype=np.float64).ravel() for part in data.mod.values()
    )
    rows = np.arange(len(cells))
    if len(rows) > most_sampled:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most_sampled, replace=False))
        log.info("distributions are looked at in %d of %d cells", most_sampled, len(cells))
    batch, batch_unit = batches(cells)
    return Tissue(
        ids=cells.ids.astype(str),
        image=cells.image.astype(str),
        slice=cells.slice.astype(str),
        places=np.asarray(cells.coordinates, dtype=np.float64),
        obs=_numbers(data, order),
        names=names,
        columns=columns,
        raw=raw,
        missing=missing,
        total=np.nan_to_num(total[order]),
        unit=_units(raw),
        sample=rows,
        batch=batch.astype(str),
        batch_unit=batch_unit,
    )


def _numbers(data, order):
    """Numeric columns of all tables of obs, each name once."""
    frames = [data.obs, *(part.obs for part in data.mod.values())]
    columns = {}
    for frame in frames:
        for name, column in frame.select_dtypes("number").items():
            columns.setdefault(str(name), column.to_numpy(dtype=np.float64)[order])
    return pd.DataFrame(columns, index=range(len(order)))


def _units(raw):
    positive = [column[column > 0] for column in raw.T]
    return np.array([np.median(c) if len(c) else 1.0 for c in positive], dtype=np.float32)
