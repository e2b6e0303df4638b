"""A stored model applied to another slice, and how much alike the two slices are."""

import logging

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from spclust.data.models import USUAL, distance_to_nearest
from spclust.methods import running
from spclust.stages import graphs
from spclust.stages.preprocess import preparation

log = logging.getLogger(__name__)

# a slice with a larger share of cells beyond the model's reach does not look like the old ones;
# of the training cells 1 % are
UNLIKE = 0.05


def label(model, data, seed, machine):
    """Label the cells of a slice as a model has learnt to.

    The slice is prepared with the model's constants, and joined by expression as the model's
    own graphs were.

    Parameters
    ----------
    model : Model
    data : MuData
        Imported cells.
    seed : int
        Of the graph's layout.
    machine : Machine

    Returns
    -------
    cells : Cells
        Prepared.
    result : Clustering
    facts : dict
        ``missing`` features by modality, ``distance`` of each cell to the nearest cluster in
        units of the model's reach, ``unlike``: the share beyond it.

    Raises
    ------
    UserError
        When the slice lacks a modality or too many features.
    """
    cells, missing = preparation.apply(data, model.preprocessing, model.features)
    built = None
    if model.graphs is not None:
        # no predict looks at places
        built = graphs.build(cells, seed, **model.graphs | {"spatial_graph": "none"})
    result = running.predict(model, cells, built, machine)
    distance = distance_to_nearest(cells.matrix, model.centroids) / max(model.reach, 1e-12)
    unlike = float((distance > 1).mean())
    sizes = np.bincount(result.labels, minlength=model.n_clusters)
    log.info(
        "%d cells labelled by %s; cells per cluster %s; %.1f %% lie farther from all clusters than "
        "%.0f %% of the cells learnt from",
        len(cells),
        model.recipe,
        sizes.tolist(),
        100 * unlike,
        100 * USUAL,
    )
    if unlike > UNLIKE:
        log.warning(
            "%.0f %% of the cells lie farther from every cluster than %.0f %% of the cells that "
            "the model learnt from: the slice does not look like those (staining, tissue, panel); "
            "check the transferred labels, or train on it (runs) or with it (a cohort)",
            100 * unlike,
            100 * USUAL,
        )
    return cells, result, {"missing": missing, "distance": distance, "unlike": unlike}


def summarise(transfers):
    """A row for each transfer: scores, agreement with a run of the slice itself, likeness.

    Parameters
    ----------
    transfers : list of dict
        ``place`` (dataset, source, run, seed), ``scores`` (DataFrame slice, metric, value),
        ``facts`` (of :func:`label`), ``clusters`` (Series) and, where the same run was made on
        the slice itself, ``own_clusters`` and ``own_scores``; None elsewhere.

    Returns
    -------
    DataFrame
        ``dataset, source, run, seed``, each score as ``<metric>`` and, of the slice's own run,
        ``<metric>_own``; ``agreement`` (ARI of both clusterings), ``unlike``, ``missing``.
    """
    rows = []
    for transfer in transfers:
        row = dict(transfer["place"])
        for suffix, scores in (("", transfer["scores"]), ("_own", transfer["own_scores"])):
            if scores is not None:
                whole = scores[scores["slice"] == "all"].set_index("metric")["value"]
                row |= {f"{name}{suffix}": value for name, value in whole.items()}
        if transfer["own_clusters"] is not None:
            own = transfer["own_clusters"].loc[transfer["clusters"].index]
            row["agreement"] = adjusted_rand_score(own, transfer["clusters"])
        row["unlike"] = transfer["facts"]["unlike"]
        row["missing"] = " ".join(name for m in transfer["facts"]["missing"].values() for name in m)
        rows.append(row)
    return pd.DataFrame(rows)
