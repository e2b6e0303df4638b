"""Which of the tables of values in an AnnData holds what was measured."""

import logging

from spclust.data.cell_files import GIVEN
from spclust.errors import UserError
from spclust.io import tables

log = logging.getLogger(__name__)

RAW = "raw"  # AnnData's own place for what was measured, beside its layers


def of_modality(modality, parts, cfg, source):
    """The layer that ``layer`` of the dataset names for a modality, None for ``X``.

    Parameters
    ----------
    modality : str
    parts : iterable of str
        All modalities of the cells.
    cfg : dict
        Keys of a dataset. ``layer`` is one name for all modalities or one each.
    source : str
        For messages.

    Raises
    ------
    UserError
        When ``layer`` names a modality that is not there.
    """
    named = cfg.get("layer")
    if not isinstance(named, dict):
        return named
    for name in named:
        if name not in parts:
            raise UserError(
                f"{source}: there is no modality {name!r}, for which `layer` of the dataset names "
                f"a layer. Modalities are: {', '.join(parts)}"
            )
    return named.get(modality)


def measured(part, layer, source):
    """Put a layer, or ``raw``, in the place of ``X``.

    Parameters
    ----------
    part : AnnData
    layer : str or None
        A name in ``layers``, or ``raw``, of which the features of ``X`` are taken; None for ``X``.
    source : str
        For messages.

    Returns
    -------
    AnnData
        What was ``X`` is its layer ``X_given``; :mod:`spclust.io.writers.clustered` puts it back.

    Raises
    ------
    UserError
        When there is no such layer, or ``raw`` lacks features of ``X``.
    """
    if layer is None:
        return part
    tables.require(layer, _beside(part), "layer", source, "layer")
    if layer in part.layers:
        values = part.layers[layer]
    else:
        lacking = part.var_names.difference(part.raw.var_names)
        if len(lacking):
            raise UserError(
                f"{source}: raw lacks {len(lacking)} of the features of X, e.g. {lacking[0]!r}; "
                "leave `layer` out, or write the file with both of the same names"
            )
        values = part.raw[:, part.var_names].X
    log.info("%s: the values are those of %s", source, layer)
    if part.X is not None:
        part.layers[GIVEN] = part.X
    part.X = values
    return part


def none_measured(part, source):
    """The error that there is no ``X``, with the line that names what there is instead."""
    there = _beside(part)
    if not there:
        return UserError(f"{source}: it holds no table X of cells and features, nor layers")
    first = next((name for name in there if name.lower() == "counts"), there[0])
    return UserError(
        f"{source}: it holds no X but {', '.join(there)}; name what was measured, e.g.  "
        f"layer: {first}  in the dataset's entry"
    )


def say_of_others(part, source):
    """Warn where ``X`` (finite numbers) was transformed and the file may hold what was measured."""
    there = [name for name in _beside(part) if name != GIVEN]
    if there and part.X.min() < 0:
        log.warning(
            "%s: X has negative values, so it is hardly as measured; the file also holds %s, to "
            "take that write  layer: %s",
            source,
            ", ".join(there),
            there[0],
        )


def _beside(part):
    """Names of the tables of values that an AnnData has beside ``X``."""
    return [*part.layers, *([RAW] if part.raw is not None else [])]
