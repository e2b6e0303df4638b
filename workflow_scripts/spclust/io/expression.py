"""Cells of in-situ platforms: a table of expression beside a table of the cells."""

import logging
import re

import anndata
import pandas as pd
import scipy.sparse as sp

from spclust.data.cell_files import PROTEIN, RNA, SPATIAL, set_unit
from spclust.errors import UserError
from spclust.io import rows as of_files
from spclust.io import tables

log = logging.getLogger(__name__)

ISOTYPE = re.compile(r"(?i)(^|[^a-z])igg")  # a control that only a panel of antibodies has


def read(measured, about, columns, controls, unit, cfg):
    """Read two tables of the same cells.

    Parameters
    ----------
    measured, about : Path
        The table of expression and that of the cells.
    columns : dict
        ``measured``, ``about``: columns that name a cell in each, as lists in the same order, the
        id last; ``x``, ``y``: of ``about``.
    controls : re.Pattern
        Of columns of expression that are no gene or protein.
    unit : {'µm', 'px'}
    cfg : dict
        Keys of the dataset.

    Returns
    -------
    dict of str to AnnData
        Where the dataset says ``protein``, whole numbers without isotype controls are ``rna``.

    Raises
    ------
    UserError
        When the tables have no cell in common, or a cell stands twice in one.
    """
    values, cells = (
        tables.read(file, text=columns[key])
        for file, key in ((measured, "measured"), (about, "about"))
    )
    names = []
    for table, key in ((values, "measured"), (cells, "about")):
        for column in columns[key]:
            tables.clean_text(table, column, "cell_id")
        tables.unique(table, columns[key])
        names.append(pd.MultiIndex.from_frame(table.frame[columns[key]]))
    rows = names[0].get_indexer(names[1])
    say_in_common(rows, names, (measured, about))
    axes = [columns["x"], columns["y"]]
    cells = cells.without(rows < 0, f"not in {measured}")
    obs = cells.frame
    # a name of the cell, as text, may stand in both
    known = {*columns["measured"], *cells.frame.columns}
    features = [c for c in values.frame.columns if c not in known]
    features = without_controls(features, [bool(controls.search(c)) for c in features], measured)
    remedy = "correct it, or remove the cell"
    x = tables.numbers(values.frame, features, values.place, remedy)[rows[rows >= 0]]
    data = anndata.AnnData(sp.csr_matrix(x), obs=obs.set_index(obs.index.astype(str)))
    data.var_names = features
    data.obsm[SPATIAL] = tables.numbers(obs, axes, cells.place, remedy)
    id_ = columns["about"][-1]
    data.obs_names = obs[id_].to_numpy()
    as_read = {"id": id_, "x": axes[0], "y": axes[1]}
    data.uns[of_files.NOTED] = of_files.of_table(cells, as_read, data.obs_names)
    set_unit(data, unit)
    modality = cfg.get("modality", PROTEIN)
    # `protein` is also what a dataset has that names none
    if modality == PROTEIN and not (x % 1).any() and not any(map(ISOTYPE.search, features)):
        modality = RNA
        log.warning(
            "%s: its %d features are counts of genes, modality 'rna'; if they are proteins, write "
            " modality: adt",
            measured,
            len(features),
        )
    return {modality: data}


def without_controls(features, are_controls, source):
    """Features but for probes that have no target, which are said.

    Raises
    ------
    UserError
        When no other is left.
    """
    out = [f for f, control in zip(features, are_controls) if control]
    kept = [f for f, control in zip(features, are_controls) if not control]
    if out:
        log.warning(
            "%s: %d controls are left out: %s%s",
            source,
            len(out),
            ", ".join(out[:5]),
            ", ..." if len(out) > 5 else "",
        )
    if not kept:
        raise UserError(f"{source}: it holds no gene or protein but controls; check the file")
    return kept


def say_in_common(rows, names, files):
    """Tell how many cells a table of expression and one of cells have in common.

    Parameters
    ----------
    rows : array of int
        Of each cell of the second its row in the first, -1 where it is not there.
    names : pair of Index
        Of both.
    files : pair of Path

    Raises
    ------
    UserError
        When there is none.
    """
    both = int((rows >= 0).sum())
    if not both:
        first, second = (", ".join(map(str, index[:3])) for index in names)
        raise UserError(
            f"{files[0]} and {files[1]} have no cell in common: ids such as {first} against "
            f"{second}; check that the files belong together"
        )
    for file, n, other in zip(files, map(len, names), files[::-1]):
        if n > both:
            log.warning(
                "%s: %d of its %d rows are left out, as %s has no such cell",
                file,
                n - both,
                n,
                other.name,
            )
