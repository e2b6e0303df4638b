"""Fewer columns: the most variable features, and principal components."""

import logging

import numpy as np
import scipy.sparse as sp

from spclust.errors import UserError

log = logging.getLogger(__name__)

LARGEST_LOGARITHM = 50  # exp(50) is no measurement


def selects(settings, n_features):
    """Whether features are selected: not where as many are wanted as there are."""
    return settings["highly_variable"] is not None and settings["highly_variable"] < n_features


def most_variable(x, settings, source):
    """Features with the largest dispersion among those of like mean (scanpy's, Satija 2015).

    Parameters
    ----------
    x : array or sparse array, shape (n, d)
        Logarithms of normalised counts.
    settings : dict
    source : Source

    Returns
    -------
    array of bool, shape (d,)

    Raises
    ------
    UserError
        Where the values are no logarithms.
    """
    import anndata
    import scanpy as sc

    n_features, d, key = settings["highly_variable"], x.shape[1], source.key("highly_variable")
    if not selects(settings, d):
        if n_features is not None:
            log.info("%s has %d features; %s %d keeps all", source.modality, d, key, n_features)
        return np.ones(d, dtype=bool)
    values = x.data if sp.issparse(x) else x
    whole = ", all of them whole numbers," if (values == np.round(values)).all() else ""
    if whole or values.min() < 0 or values.max() > LARGEST_LOGARITHM:
        raise UserError(
            f"{source.modality}: the most variable features are chosen by logarithms of counts, "
            f"and values from {values.min():g} to {values.max():g}{whole} after normalisation "
            f"{settings['normalisation']!r} are none; set {key}: null to keep all features, or "
            f"{source.key()}: total"
        )
    table = anndata.AnnData(x)
    statistics = sc.pp.highly_variable_genes(table, n_top_genes=n_features, inplace=False)
    return statistics["highly_variable"].to_numpy(dtype=bool)


def principal_axes(x, settings, source, seed=0):
    """Principal components, as many as the setting says or the cells allow.

    Returns
    -------
    dict of str to array
        ``center`` (d,) and ``components`` (k, d); empty where the setting is null or there are
        no more features than components.
    """
    from sklearn.decomposition import PCA

    n_components = settings["pca_components"]
    if n_components is None:
        return {}
    n, d = x.shape
    k = min(n_components, n - 1)
    if k >= d:
        log.info(
            "%s has %d features, no more than %s %d: they stay as they are",
            source.modality,
            d,
            source.key("pca_components"),
            n_components,
        )
        return {}
    fitted = PCA(k, random_state=seed).fit(x)
    log.info(
        "%s: %d principal components hold %.0f %% of the variance",
        source.modality,
        k,
        100 * fitted.explained_variance_ratio_.sum(),
    )
    return {"center": fitted.mean_, "components": fitted.components_}


def projected(x, axes):
    """Scores on :func:`principal_axes`, float32 (n, k)."""
    return ((x - axes["center"]) @ axes["components"].T).astype(np.float32)
