"""Prepare the features of each modality, and put other cells through the same.

Normalise each cell, keep the most variable features, scale, correct batches, take principal
components of the features that cluster: each step as its setting says (stages.yaml, section
preprocess). The paper's is the case of normalising to the sum 1 and scaling (appendix B.1).
"""

import difflib
import logging
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from spclust.data.cell_files import RNA, dense, without_features
from spclust.data.cells import total_spread
from spclust.errors import UserError
from spclust.knowledge import panel
from spclust.stages.preprocess.batch import batches, combat, harmony
from spclust.stages.preprocess.normalise import Source, check_values, normalise
from spclust.stages.preprocess.reduction import most_variable, principal_axes, projected, selects
from spclust.stages.preprocess.scaling import ROUNDING, same, scaled, scaled_by

log = logging.getLogger(__name__)

SECTION = "preprocess.<name>"


def prepare(data, settings, proteins=None):
    """Prepare the features of imported cells.

    Parameters
    ----------
    data : MuData
        Imported cells, left as they are.
    settings : dict
        Of the stage; those in ``modalities`` go over the others.
    proteins : DataFrame, optional
        What :func:`spclust.knowledge.panel.read_proteins` returns, for a panel other than ``all``.

    Returns
    -------
    Cells
        ``preprocessing`` holds of each modality the settings and these constants, with d features
        measured, d' kept: ``features`` (d,) and ``kept`` (d,) bool; ``usual`` and ``unit`` (d,),
        see :func:`normalise`; ``varies`` (d',) bool, false where a feature was set
        to zero; ``mean`` (d',) before scaling; ``std`` (d',) where scaled over the cohort;
        ``clusters`` (d',) bool where the panel leaves some out of clustering; with d'' that
        cluster, ``center`` (d'',) and ``components`` (k, d'') of the principal components.

    Raises
    ------
    UserError
        For values that cannot be prepared so; names the cell, the feature and the setting.
    """
    cells = without_features(data)
    if len(cells) < 2:
        raise UserError(f"the dataset has {len(cells)} cell; clustering needs at least 2")
    of_modalities = settings.get("modalities") or {}
    shared = {key: value for key, value in settings.items() if key != "modalities"}
    prepared = {}
    for modality, part in data.mod.items():
        own = shared | of_modalities.get(modality, {})
        single = len(data.mod) == 1 and modality not in of_modalities
        section = SECTION if single else f"{SECTION}.modalities.{modality}"
        source = Source(modality, section, cells.ids, part.var_names.to_numpy())
        if "log1p" in part.uns and own["normalisation"] != "none":
            log.warning(
                "uns['log1p'] says that the values are logarithms already; if so, set %s: none",
                source.key(),
            )
        x = _matrix(part.X, selects(own, part.n_vars))
        prepared[modality] = _prepared(x, cells, own, source, proteins)
    for name in of_modalities.keys() - data.mod.keys():
        # others may be meant for other datasets
        for meant in difflib.get_close_matches(name, data.mod, cutoff=0.8):
            log.warning("%s.modalities: did you mean %s by %s?", SECTION, meant, name)
    left_out = {m: part for m, part in prepared.items() if part["aside"] is not None}
    return replace(
        cells,
        features={m: part["features"] for m, part in prepared.items()},
        names={m: part["names"] for m, part in prepared.items()},
        preprocessing={m: part["preparation"] for m, part in prepared.items()},
        aside={m: part["aside"] for m, part in left_out.items()},
        aside_names={m: part["aside_names"] for m, part in left_out.items()},
    )


def _prepared(x, cells, settings, source, proteins):
    """Features that cluster and those left aside, their names, settings and constants."""
    check_values(x, settings, source)
    groups = cells.groups(settings["scale_within"] if settings["scale"] else "cohort")
    constant = same(x, groups)
    x, usual_and_unit = normalise(x, settings)
    constant |= same(x, groups, ROUNDING)
    _refuse_constant(constant, len(cells), settings, source)
    kept = most_variable(x, settings, source)
    x, constant, names = dense(x[:, kept]), constant[:, kept], source.features[kept]
    varies = ~constant.all(axis=0)
    _tell_constant(constant, varies, names, settings, source)
    x[constant[groups]] = 0
    constants = {
        "features": source.features.astype(str),
        "kept": kept,
        "varies": varies,
        "mean": x.mean(axis=0, dtype=np.float64),
    } | usual_and_unit
    if settings["scale"]:
        x, std = scaled(x, groups, settings["zero_center"], settings["clip"])
        if settings["scale_within"] == "cohort":
            constants["std"] = std[0]
    batch, unit = batches(cells)
    correction, n_batches = settings["batch_correction"], len(np.unique(batch))
    if correction != "none" and n_batches == 1:
        log.warning("%s: one %s only, nothing to correct between", source.modality, unit)
        settings, correction = settings | {"batch_correction": "none"}, "none"
    if correction == "combat":
        x = combat(x, batch, unit, source.key("batch_correction"))
    _refuse_infinite(x, names, source)
    x, aside, clusters = _by_panel(x, names, settings, source, proteins)
    aside_names, names = names[~clusters], names[clusters]
    if aside is not None:
        constants["clusters"] = clusters
    axes = principal_axes(x, settings, source)
    if axes:
        constants |= axes
        x = projected(x, constants)
        names = np.array([f"PC{i + 1}" for i in range(x.shape[1])])
    if correction == "harmony":
        x = harmony(x, batch)
    if correction != "none":
        log.info("%s: %s between %d %ss", source.modality, correction, n_batches, unit)
    log.info(
        "%s: %d cells, %d of %d features, %d columns: %s",
        source.modality,
        len(cells),
        kept.sum(),
        len(kept),
        x.shape[1],
        settings,
    )
    _refuse_infinite(x, names, source)
    constants["spread"] = total_spread(x)  # by which modalities are weighed against each other
    return {
        "features": x,
        "names": names.astype(object),
        "aside": aside,
        "aside_names": aside_names.astype(object),
        "preparation": {"settings": settings, "constants": constants},
    }


def _by_panel(x, names, settings, source, proteins):
    """Columns that cluster, the others (None where all do), and the mask of the former."""
    which = settings.get("panel", "all")
    clusters = panel.chosen(names, which, proteins, source.key("panel"))
    if clusters.all():
        return x, None, clusters
    return np.ascontiguousarray(x[:, clusters]), np.ascontiguousarray(x[:, ~clusters]), clusters


def _refuse_infinite(x, names, source):
    # squares of larger values are infinite in single precision
    faulty = ~(np.abs(x) <= 1e15).all(axis=0)
    if faulty.any():
        raise UserError(
            f"{source.word} {names[faulty][0]!r} has values that are infinite or not numbers, or "
            f"beyond 1e15, after the preparation by {source.section}, too large for single "
            "precision; bring the values, or target_sum and cofactor, to a usual size"
        )


def _refuse_constant(constant, n_cells, settings, source):
    if not constant.all():
        return
    within = "" if len(constant) == 1 else f" of each {settings['scale_within']}"
    raise UserError(
        f"every {source.word} is the same in all {n_cells} cells{within} after normalisation "
        f"{settings['normalisation']!r}; there is nothing to cluster by. Check the protein columns "
        "(dataset keys `proteins`, `exclude_proteins`)"
        + (f", or set {source.key('scale_within')}: cohort" if within else "")
    )


def _tell_constant(constant, varies, names, settings, source):
    if not varies.all():
        log.warning(
            "%d %ss are the same in all cells and are set to zero; leave them out with "
            "`exclude_proteins` of the dataset: %s",
            (~varies).sum(),
            source.word,
            ", ".join(names[~varies][:10]),
        )
    in_part = constant[:, varies].any(axis=1)
    if in_part.any():
        log.warning(
            "%s: in %d of %d %ss some features are the same in all cells and are set to zero there",
            source.modality,
            in_part.sum(),
            len(constant),
            settings["scale_within"],
        )


def apply(data, preprocessing, names):
    """Prepare other cells as those were that a model has learnt from.

    Features are matched by name, see :func:`spclust.knowledge.panel.same_features`. Missing ones
    are set to their mean over the model's cells, others ignored. Scaled within slices or images,
    the cells are by their own means and deviations.

    Parameters
    ----------
    data : MuData
        Imported cells.
    preprocessing : dict of str to dict
        Settings and constants by modality, as :func:`prepare` leaves them.
    names : dict of str to array of str
        Names of the prepared features by modality.

    Returns
    -------
    cells : Cells
    missing : dict of str to list of str
        Features that these cells lack, by modality.

    Raises
    ------
    UserError
        Where a modality or more than half of its features are missing, or values cannot be
        prepared.
    """
    cells = without_features(data)
    absent = [m for m in preprocessing if m not in data.mod]
    if absent:
        raise UserError(
            f"the model was trained on the modality {absent[0]!r}, which these cells lack (they "
            f"have {', '.join(data.mod)}); give the file that has it, or rename the modality"
        )
    extra = [m for m in data.mod if m not in preprocessing]
    if extra:
        log.info("the model does not know the modalities %s; they are ignored", ", ".join(extra))
    corrected = {e["settings"]["batch_correction"] for e in preprocessing.values()} - {"none"}
    if corrected:
        log.warning(
            "the model's cells were corrected between batches (%s), which other cells cannot be; "
            "if these were stained apart, cluster them together with the model's as a cohort",
            ", ".join(sorted(corrected)),
        )
    features, missing, aside, aside_names = {}, {}, {}, {}
    for modality, entry in preprocessing.items():
        section = SECTION if len(preprocessing) == 1 else f"{SECTION}.modalities.{modality}"
        part = data.mod[modality]
        x, other, missing[modality] = _applied(part, cells, section, modality, **entry)
        features[modality] = x
        if other is not None:
            aside[modality] = other
            constants = entry["constants"]
            kept = constants["features"][constants["kept"].astype(bool)]
            aside_names[modality] = kept[~constants["clusters"].astype(bool)].astype(object)
    names = {m: np.asarray(names[m], dtype=object) for m in preprocessing}
    prepared = replace(
        cells,
        features=features,
        names=names,
        preprocessing=preprocessing,
        aside=aside,
        aside_names=aside_names,
    )
    return prepared, missing


def _applied(part, cells, section, modality, settings, constants):
    """Features of one modality by given constants, those aside, and the names of those missing."""
    features, kept = constants["features"], constants["kept"].astype(bool)
    columns = _columns(modality, features, part.var_names)
    present = columns >= 0
    clusters = constants.get("clusters", np.ones(kept.sum())).astype(bool)
    # one that does not cluster may well be missing
    learnt = kept.copy()
    learnt[kept] = clusters
    lost = features[learnt & ~present].tolist()
    if 2 * len(lost) > learnt.sum():
        raise UserError(
            f"the cells lack {len(lost)} of {learnt.sum()} {modality} features that the model was "
            f"trained on, e.g. {', '.join(lost[:5])}; label cells measured with the same panel, "
            "or rename the features as in the model's slices"
        )
    if lost:
        log.warning(
            "%s: %d of %d features are missing and set to their mean: %s",
            modality,
            len(lost),
            learnt.sum(),
            ", ".join(lost[:10]),
        )
    ignored = part.n_vars - present.sum()
    if ignored:
        log.info("%s: %d features unknown to the model are ignored", modality, ignored)
    source = Source(modality, section, cells.ids, part.var_names.to_numpy()[columns[present]])
    x = _matrix(part.X[:, columns[present]], not kept.all())
    check_values(x, settings, source)
    within = settings["scale_within"] if settings["scale"] else "cohort"
    groups = cells.groups(within)
    constant = same(x, groups)
    usual_and_unit = {
        name: constants[name][present] for name in ("usual", "unit") if name in constants
    }
    if present.all():
        usual_and_unit.pop("usual", None)
    x, _ = normalise(x, settings, usual_and_unit)
    constant |= same(x, groups, ROUNDING)
    # of the features kept, those that are here; the others stay at the mean
    here, of_kept = present[kept], kept[present]
    full = np.tile(constants["mean"].astype(np.float32), (len(cells), 1))
    full[:, here] = dense(x[:, of_kept])
    full[:, ~constants["varies"].astype(bool)] = 0
    how = settings["zero_center"], settings["clip"]
    if within != "cohort":
        zero = np.ones((len(constant), full.shape[1]), dtype=bool)
        zero[:, here] = constant[:, of_kept]
        full[zero[groups]] = 0
        full, _ = scaled(full, groups, *how)
    elif settings["scale"]:
        full = scaled_by(full, constants["mean"], constants["std"], *how)
    aside = None if clusters.all() else np.ascontiguousarray(full[:, ~clusters])
    full = full if clusters.all() else np.ascontiguousarray(full[:, clusters])
    if "components" in constants:
        full = projected(full, constants)
    return full, aside, lost


def _matrix(x, as_sparse):
    """A float32 copy; sparse only where asked for, as where most features are not kept."""
    if sp.issparse(x) and as_sparse:
        return sp.csr_matrix(x, dtype=np.float32, copy=True)
    return dense(x)


def _columns(modality, names, there):
    """Column of each wanted feature among those found, -1 if missing; other spellings are said."""
    same = panel.same_features(list(names), list(there), genes=modality == RNA)
    spelled = [f"{other} is {name}" for other, name in same.items() if other != name]
    if spelled:
        log.warning(
            "%s: %d features are taken for those of the model by their names: %s",
            modality,
            len(spelled),
            ", ".join(spelled[:30]),
        )
    at = {name: list(there).index(other) for other, name in same.items()}
    return np.array([at.get(name, -1) for name in names])
