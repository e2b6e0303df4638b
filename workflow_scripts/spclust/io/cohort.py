"""Slices joined into one larger dataset."""

import logging

import numpy as np
import pandas as pd

from spclust.data.cell_files import IMAGE, RNA, SLICE, SPATIAL, unit_of
from spclust.errors import UserError
from spclust.io import labels, units
from spclust.io.importing import tidy
from spclust.knowledge.panel import same_features

log = logging.getLogger(__name__)


def join(parts, min_label_size, pixel_size=None):
    """Join slices: the features in common, cells and images named apart, labels judged anew.

    Parameters
    ----------
    parts : list of (str, MuData, DataFrame)
        Name, imported cells and table of reference labels of each slice.
    min_label_size : int
        Cells that a class needs in the cohort to be scored.
    pixel_size : dict, optional
        What the cohort's sheet of samples says of images, see :func:`spclust.io.units.settle`.

    Returns
    -------
    MuData
        ``X`` and columns of obs of the slices one below the other; cells are named
        ``<slice>_<id>``. ``obs['slice']`` is categorical in the order given. ``obs['image']`` is
        the slice's name where it has one image, else ``<slice>_<image>``.
    DataFrame
        ``cell, label, scored``.

    Raises
    ------
    UserError
        When slices differ in their modalities, have no feature of one in common, or the names of
        their cells or images run into each other.
    """
    import anndata
    import mudata

    mudata.set_options(pull_on_update=False)
    slices = {name: data for name, data, _ in parts}
    first, *others = slices
    for name in others:
        if set(slices[name].mod) != set(slices[first].mod):
            raise UserError(
                f"slices {first!r} and {name!r} differ in their modalities: "
                f"{', '.join(slices[first].mod)} against {', '.join(slices[name].mod)}. Leave one "
                "out, or give both the same names (modality:, or the keys of a mapping as path:)"
            )
    own_ids = {name: f"{name}_" + data.obs_names.astype(str) for name, data in slices.items()}
    ids = np.concatenate(list(own_ids.values()))
    images = _images(slices)
    _refuse_repeated(ids, "cells")
    modalities = {}
    for m in slices[first].mod:
        own = {name: data.mod[m] for name, data in slices.items()}
        names = {name: part.var_names for name, part in own.items()}
        names = {name: _as_first(m, name, there, names[first]) for name, there in names.items()}
        common = _in_common(m, names)
        stacked = anndata.concat(
            anndata.AnnData(
                part.X[:, names[name].get_indexer(common)],
                pd.DataFrame(index=own_ids[name]),
                pd.DataFrame(index=common),
            )
            for name, part in own.items()
        )
        stacked.obs = _stacked_obs([part.obs for part in own.values()], ids)
        modalities[m] = stacked
    data = mudata.MuData(modalities)
    of_all = [one.obs.drop(columns=[IMAGE, SLICE]) for one in slices.values()]
    data.obs = _stacked_obs(of_all, ids)
    sizes = [one.n_obs for one in slices.values()]
    data.obs[IMAGE] = pd.Categorical(np.concatenate(list(images.values())))
    data.obs[SLICE] = pd.Categorical(np.repeat(list(slices), sizes), categories=list(slices))
    data.obsm[SPATIAL] = np.concatenate(
        [np.asarray(one.obsm[SPATIAL], dtype=np.float32) for one in slices.values()]
    )
    units.join(data, {name: unit_of(one) for name, one in slices.items()}, pixel_size)
    log.info(
        "joined %d slices: %d cells (%s), %s, %d images",
        len(slices),
        data.n_obs,
        ", ".join(f"{name} {n}" for name, n in zip(slices, sizes)),
        ", ".join(f"{m} of {part.n_vars} features" for m, part in modalities.items()),
        data.obs[IMAGE].nunique(),
    )
    return data, _labels(parts, min_label_size)


def _as_first(modality, of, names, first):
    """Names of a slice's features as the first slice spells them; what is taken for one is said."""
    same = same_features(list(first), list(names), genes=modality == RNA)
    spelled = {other: name for other, name in same.items() if other != name}
    if spelled:
        pairs = [f"{other} is {name}" for other, name in spelled.items()]
        log.warning(
            "%d features of %s are taken for those of the first slice by their names: %s%s; rename "
            "them where that is wrong, e.g.  rename: {%s: other_%s}",
            len(pairs),
            of,
            ", ".join(pairs[:30]),
            ", ..." if len(pairs) > 30 else "",
            *[next(iter(spelled))] * 2,
        )
    return names.map(lambda name: spelled.get(name, name))


def _in_common(modality, names):
    """Features that all slices have, in the order of the first; the others are said."""
    first, *others = names.values()
    common = first
    for other in others:
        common = common[common.isin(other)]
    lost = {name: own[~own.isin(common)] for name, own in names.items()}
    if len(common) < 2:
        examples = "; ".join(f"{name}: {', '.join(own[:5])}" for name, own in names.items())
        raise UserError(
            f"the slices have {'one' if len(common) else 'no'} feature of {modality!r} in common"
            f". Features are such as {examples}. Give the same features the same names, or "
            "leave a slice out"
        )
    for name, own in lost.items():
        if len(own):
            log.warning(
                "%d features of %s are not in all slices and are left out: %s%s",
                len(own),
                name,
                ", ".join(own[:30]),
                ", ..." if len(own) > 30 else "",
            )
    return common


def _alike(names, plain):
    """Words for names, by slice, that are the same once made plain."""
    spellings_of = {}
    for slice_name, own in names.items():
        for name in own:
            spellings_of.setdefault(plain(name), {}).setdefault(name, slice_name)
    pairs = [
        " and ".join(f"{name} ({of})" for name, of in spellings.items())
        for spellings in spellings_of.values()
        if len(spellings) > 1
    ]
    return f"; perhaps the same: {', '.join(pairs[:20])}" if pairs else ""


def _images(slices):
    """Name of each cell's image, by slice; no image name stands for images of two slices."""
    images, names = {}, []
    for name, data in slices.items():
        own = data.obs[IMAGE].astype(str)
        several = own.nunique() > 1
        images[name] = (f"{name}_" + own).to_numpy() if several else np.repeat(name, len(own))
        names.append(np.unique(images[name].astype(str)))
    _refuse_repeated(np.concatenate(names), "images")
    return images


def _refuse_repeated(names, what):
    index = pd.Index(names)
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise UserError(
            f"{what} of two slices are both named {twice!r} when the slice's name is put in front; "
            "rename a slice so that no name of a slice begins another"
        )


def _stacked_obs(frames, ids):
    """Columns of obs of any slice, missing where a slice has none."""
    plain = [frame.astype({c: object for c in frame.select_dtypes("category")}) for frame in frames]
    return tidy(pd.concat(plain, ignore_index=True).set_axis(ids))


def _labels(parts, min_label_size):
    tables = [table.assign(cell=f"{name}_" + table["cell"].astype(str)) for name, _, table in parts]
    joined = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
    # punctuation tells classes apart: CD4+ and CD4-
    alike = _alike({name: table["label"].unique() for name, _, table in parts}, str.casefold)
    if alike:
        log.warning("labels are classes of their own, letter by letter%s", alike)
    none = [name for name, _, table in parts if not len(table)]
    if none and len(joined):
        log.warning("no cell of %s has a reference label", ", ".join(none))
    if not len(joined):
        return labels.empty()
    return joined.assign(scored=labels.scored(joined["label"], min_label_size))
