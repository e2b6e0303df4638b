"""First labels by vote: a pool of partitions from several transforms and clustering heads.

No single transform of intensities fits every technology, no head every tissue, and no panel every
question; what most of them agree on is better than the best of them is on average
(tests/measured/comparison/first_labels.md).
"""

import logging
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from spclust.clustering import heads as algorithms
from spclust.clustering import voting
from spclust.data.cell_files import IMAGE, SLICE, SPATIAL
from spclust.data.requirements import enough_cells
from spclust.data.votes import Votes
from spclust.engine import logs
from spclust.errors import UserError
from spclust.knowledge import panel
from spclust.knowledge import types as celltypes
from spclust.neighbours.expression import neighbour_weights
from spclust.stages.preprocess import preparation

log = logging.getLogger(__name__)

# the features as prepared, where no other transform of them is possible
PREPARED = "prepared"
# of more features than the first, so many principal components
MOST_FEATURES, COMPONENTS = 60, 50
# Ward takes n^2 time: 4 s for so many cells, and once for each transform
WARD_CELLS = 10_000
EXTENSION_NEIGHBOURS, EXTENSION_ROWS = 15, 50_000


def vote(
    measured,
    cells,
    n_clusters,
    seed,
    transforms,
    panels,
    heads,
    n_neighbors,
    sample_cells,
    knowledge=(None, None),
):
    """Make a pool, let it vote, and extend the votes to all cells.

    Parameters
    ----------
    measured : MuData
        Imported cells.
    cells : Cells, n of them
        The same, prepared; all but ``normalisation`` is done in the pool as there.
    n_clusters, seed : int
    transforms : list of str
        Values of ``normalisation``.
    panels : list of {'all', 'auto', 'lineage'}
        The transforms take them in turn, see :func:`spclust.knowledge.panel.chosen`; where
        ``preprocess`` has chosen a panel already, that stays.
    heads : list of {'kmeans', 'ward', 'leiden', 'mixture', 'signatures'}
        ``signatures`` takes part where the names of the features tell types.
    n_neighbors : int
        In Leiden's graphs.
    sample_cells : int
        Of more cells than this a sample votes, and each other cell takes the mean share of the
        15 nearest of them, where the transform that agrees best with the pool places it.
    knowledge : (dict of str to Signature, DataFrame), optional
        Signatures and proteins; the library's own where left out.

    Returns
    -------
    Votes

    Raises
    ------
    UserError
        When there are fewer cells than clusters or no transform is possible.
    """
    n, started = len(cells), time.monotonic()
    enough_cells(n, n_clusters)
    sample = np.arange(n)
    if n > sample_cells:
        drawn = np.random.default_rng(seed).choice(n, max(sample_cells, n_clusters), replace=False)
        sample = np.sort(drawn)
        log.info("a sample of %d of the %d cells votes", len(sample), n)
    turns = [(t, panels[i % len(panels)]) for i, t in enumerate(transforms)]
    names, rows = [], []
    for (transform, part), view in _views(measured, cells, turns, knowledge[1]):
        # on matrices this small threads cost time, thirtyfold where cores are shared, and their
        # number would show in the last bits
        with threadpool_limits(1):
            chosen = view if len(sample) == n else view.take(sample)
            by_head = partitions(chosen, n_clusters, seed, heads, n_neighbors, knowledge)
        names += [(transform, part, head) for head in by_head]
        rows += by_head.values()
    pool = voting.Pool.of(rows)
    votes = {
        "vote": voting.vote(pool, n_clusters),
        "spectral": voting.spectral(pool, n_clusters, seed),
    }
    members = pd.DataFrame(names, columns=["transform", "panel", "head"]).assign(
        clusters=[len(np.unique(labels)) for labels in rows],
        agreement=pool.as_given(pool.agreement),
        weight=pool.as_given(pool.weights),
        central=pool.as_given(pool.central()),
    )
    for member in members.sort_values("agreement", ascending=False, kind="stable").itertuples():
        log.info(
            "%s, %s, %s: agreement %.3f",
            member.transform,
            member.panel,
            member.head,
            member.agreement,
        )
    labels = {name: vote.labels for name, vote in votes.items()}
    shares = {name: vote.shares for name, vote in votes.items()}
    if len(sample) < n:
        best = members.groupby(["transform", "panel"], sort=False)["agreement"].mean().idxmax()
        _, view = next(_views(measured, cells, [best], knowledge[1]))
        labels, shares = extended(view.matrix, sample, labels, shares)
    for name in votes:
        sure = shares[name][np.arange(n), labels[name]] >= 0.7
        log.info(
            "%s: cells per cluster %s, %.0f %% of cells with a share of 0.7 or more",
            name,
            np.bincount(labels[name]).tolist(),
            100 * sure.mean(),
        )
    taken = logs.taken(time.monotonic() - started)
    return Votes(cells.ids, labels, shares, members, np.array(rows), sample, taken)


def partitions(cells, n_clusters, seed, heads, n_neighbors, knowledge=(None, None)):
    """Clusterings of cells, n of them, by several heads.

    Returns
    -------
    dict of str to array of int, shape (n,)
        Without those that the features do not allow.
    """
    labels, x = {}, cells.matrix
    if x.shape[1] > MOST_FEATURES:
        from sklearn.decomposition import PCA

        width = min(COMPONENTS, len(x) - 1)
        x = PCA(width, random_state=seed).fit_transform(x).astype(np.float32)
    if "kmeans" in heads:
        labels["kmeans"] = algorithms.kmeans(x, n_clusters, seed)
    if {"ward", "mixture"} & set(heads):
        ward = _ward(x, n_clusters, seed)
        if "mixture" in heads:
            labels["mixture"] = algorithms.tied_mixture(x, ward)
        if "ward" in heads:
            labels["ward"] = ward
    if "leiden" in heads:
        weights = neighbour_weights(x, np.zeros(len(x)), n_neighbors, seed)
        labels["leiden"] = algorithms.leiden_of_graph(weights, x, n_clusters, seed)
    if "signatures" in heads:
        try:
            labels["signatures"] = celltypes.first_labels(cells, n_clusters, seed, *knowledge)
        except UserError as error:
            log.info("no signatures among the members: %s", error)
    return {head: labels[head] for head in heads if head in labels}


def _ward(x, n_clusters, seed):
    """Ward, of more than 10,000 cells on so many; a vote has several."""
    ward = partial(algorithms.ward, n_clusters=n_clusters, seed=seed)
    return algorithms.of_sample(ward, x, WARD_CELLS, seed)


def extended(x, sample, labels, shares):
    """Labels and shares of all cells from those of a sample, of each operator.

    Parameters
    ----------
    x : array, shape (n, d)
    sample : array of int, shape (m,)
        Rows.
    labels : dict of str to array of int, shape (m,)
        They stay.
    shares : dict of str to array of float32, shape (m, c)

    Returns
    -------
    labels : dict of str to array of int, shape (n,)
        Ids by decreasing size.
    shares : dict of str to array of float32, shape (n, c)
        Of other cells the mean of their nearest in the sample.
    """
    search = NearestNeighbors(n_neighbors=min(EXTENSION_NEIGHBOURS, len(sample))).fit(x[sample])
    everywhere = {
        name: np.empty((len(x), of.shape[1]), dtype=np.float32) for name, of in shares.items()
    }
    others = np.setdiff1d(np.arange(len(x)), sample)
    for rows in np.array_split(others, max(1, -(-len(others) // EXTENSION_ROWS))):
        if len(rows):
            near = search.kneighbors(x[rows], return_distance=False)
            for name in shares:
                everywhere[name][rows] = shares[name][near].mean(axis=1)
    labels_of_all = {}
    for name, of in everywhere.items():
        of[sample] = shares[name]
        labels_of_all[name] = of.argmax(axis=1)
        labels_of_all[name][sample] = labels[name]
        sizes = np.bincount(labels_of_all[name], minlength=of.shape[1])
        order = np.argsort(-sizes, kind="stable")
        labels_of_all[name], everywhere[name] = np.argsort(order)[labels_of_all[name]], of[:, order]
    return labels_of_all, everywhere


def _views(measured, cells, turns, proteins=None):
    """Yield each transform and panel, and the cells as they show them."""
    prepared = cells.preprocessing
    own = {m: entry["settings"] for m, entry in prepared.items()}
    changed = [m for m, settings in own.items() if _intensities(settings)]
    kept = [m for m in own if m not in changed]
    if kept:
        log.info("%s: as prepared in all transforms, see preprocess", ", ".join(kept))
    if not changed or turns[0][0] == PREPARED:
        # panels that come to the same are one member, not two
        seen = {part: _within(cells, part, proteins) for _, part in reversed(turns)}
        for part, view in {v.matrix.shape[1]: (p, v) for p, v in seen.items()}.values():
            yield (PREPARED, part), view
        return
    data, refused = _part(measured, changed), []
    # by their names: what the panel chose, whatever tables it went by
    own = {m: own[m] | {"panel": list(cells.names[m])} for m in changed}
    for transform, part in turns:
        settings = {m: own[m] | {"normalisation": transform} for m in changed}
        try:
            view = preparation.prepare(data, {"modalities": settings})
        except UserError as error:
            log.warning("the transform %s is left out: %s", transform, error)
            refused.append(str(error))
            continue
        view = replace(
            cells,
            features=cells.features | view.features,
            names=cells.names | view.names,
            preprocessing=prepared | view.preprocessing,
        )
        yield (transform, part), _within(view, part, proteins)
    if len(refused) == len(turns):
        raise UserError(f"votes.<name>.transforms: none of them is possible; {refused[-1]}")


def _within(cells, part, proteins):
    """Cells of which only the features of a panel cluster, in modalities that have all so far."""
    features, names, aside, aside_names = (
        dict(d) for d in (cells.features, cells.names, cells.aside, cells.aside_names)
    )
    for modality, entry in cells.preprocessing.items():
        own = entry["settings"]
        if part == "all" or modality in aside or _reduced(own):
            continue
        x, names_of_all = features[modality], names[modality]
        mask = panel.chosen(names_of_all, part, proteins, "votes.<name>.panels")
        features[modality], names[modality] = x[:, mask], names_of_all[mask]
        if not mask.all():
            aside[modality], aside_names[modality] = x[:, ~mask], names_of_all[~mask]
    return replace(cells, features=features, names=names, aside=aside, aside_names=aside_names)


def _reduced(settings):
    """Whether features are other than the measured ones, or the most variable of them."""
    return settings["highly_variable"] is not None or settings["pca_components"] is not None


def _intensities(settings):
    """Whether features are measured intensities: neither transformed before nor reduced after."""
    return settings["normalisation"] != "none" and not _reduced(settings)


def _part(data, modalities):
    """Some modalities of MuData."""
    import mudata

    part = mudata.MuData({m: data.mod[m] for m in modalities})
    part.obs[IMAGE], part.obs[SLICE] = data.obs[IMAGE], data.obs[SLICE]
    part.obsm[SPATIAL] = data.obsm[SPATIAL]
    return part
