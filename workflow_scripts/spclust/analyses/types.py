"""A type for each cell: how sure it is, what else it may be, its states, what speaks against."""

import logging

import numpy as np
import pandas as pd
from scipy.stats import norm

from spclust.data.votes import Votes
from spclust.knowledge import cell_types
from spclust.knowledge.panel import recognise
from spclust.knowledge.signatures import read_knowledge_tables

log = logging.getLogger(__name__)

COLUMNS = ["cell", "type", "probability", "set", "unsure", "state", "conflict"]
SUMMARY = ["type", "wider", "cells", "share", "probability", "unsure", "markers"]
# two normal distributions so many standard deviations apart, the upper one of at most this share,
# are cells with a state and cells without (of one skewed distribution a mixture makes larger
# shares); they are sought in so many cells
STATES_APART, LARGEST_STATE, STATE_CELLS = 2.0, 0.25, 20_000
# the level, of 3, that both markers of a pair reach that no type has
BOTH = 2.0


def analyse(task):
    """Tell the type of each of the task's cells, see :func:`tell`."""
    votes = Votes.read(task.files["votes"], task.cells.ids) if "votes" in task.files else None
    table, summary = tell(
        task.cells,
        groupings(task.clusters["cluster"], votes),
        task.seed,
        task.settings["coverage"],
        *read_knowledge_tables(task.files),
    )
    return {"types.csv": table, "type_summary.csv": summary}


def groupings(clusters, votes=None):
    """Clusterings that cells are seen in: the run's and, where it went through votes, the pool.

    Parameters
    ----------
    clusters : array of int, shape (n,)
    votes : Votes, optional
        Of a large slice a sample voted; then the votes' shares stand for the pool.

    Returns
    -------
    list of array
        See :func:`spclust.knowledge.cell_types.tell`.
    """
    own = [np.asarray(clusters)]
    if votes is None:
        return own
    return own + (
        list(votes.partitions) if len(votes.sample) == len(votes.ids) else [votes.shares["vote"]]
    )


def tell(cells, groupings, seed, coverage=0.9, signatures=None, proteins=None):
    """Types of cells, with all that is said of them.

    Parameters
    ----------
    cells : Cells, n of them
        Prepared.
    groupings : list of array
        See :func:`groupings`.
    seed : int
    coverage : float
        Of the sets.
    signatures : dict of str to Signature, optional
    proteins : DataFrame, optional
        The library's own where left out.

    Returns
    -------
    cells : DataFrame, shape (n, 7)
        ``cell``, ``type`` (``unknown`` where it fits none), ``probability``, ``set`` (types that
        may be meant, the likeliest first), ``unsure``, ``state`` (``Ki67+``) and ``conflict``
        (markers that no type has together).
    types : DataFrame
        A row a type that can be told: ``type``, ``wider``, ``cells``, ``share``,
        ``probability``, ``unsure`` (share of its cells) and ``markers`` with their mean level.
    """
    features = _features(cells, proteins)
    found = cell_types.tell(cells, groupings, signatures, proteins)
    if found is None:
        table = pd.DataFrame({"cell": cells.ids, "type": cell_types.UNKNOWN, "probability": 1.0})
        table = table.assign(set=cell_types.UNKNOWN, unsure=False, state="", conflict="")
        table["state"] = _states(cells, features, seed)
        return table[COLUMNS], pd.DataFrame(columns=SUMMARY)
    name, probability = found.narrowest()
    table = pd.DataFrame(
        {
            "cell": cells.ids,
            "type": name,
            "probability": probability.round(4),
            "set": _said(found.sets(coverage), found),
            "unsure": probability < cell_types.SUPPORTED,
            "state": _states(cells, features, seed),
            "conflict": _conflicts(found, features),
        }
    )
    log.info(
        "%d cells: %.0f %% unsure, %.0f %% unknown, %.0f %% with markers that no type has together",
        len(table),
        100 * table["unsure"].mean(),
        100 * (table["type"] == cell_types.UNKNOWN).mean(),
        100 * (table["conflict"] != "").mean(),
    )
    return table[COLUMNS], _summary(table, found, features)


def _features(cells, proteins):
    """A row a feature, in the order of their columns: ``name``, ``canonical``, ``role``."""
    whole = cells.whole()
    names = [str(name) for of_one in whole.names.values() for name in of_one]
    return recognise(names, proteins)


def _said(sets, found):
    """Sets of types as text, by decreasing probability over all cells of the set."""
    names = np.array([*found.types, cell_types.UNKNOWN], dtype=object)
    kinds, which = np.unique(sets, axis=0, return_inverse=True)
    which, texts = which.ravel(), []
    for i, kind in enumerate(kinds):
        order = np.argsort(-found.probability[which == i].mean(axis=0), kind="stable")
        texts.append("; ".join(names[[j for j in order if kind[j]]]))
    return np.array(texts, dtype=object)[which]


def _states(cells, features, seed):
    """Markers of states that each cell shows, as ``Ki67+ PD-1+``, array of str (n,)."""
    from sklearn.mixture import GaussianMixture

    whole = cells.whole()
    columns = [column for x in whole.features.values() for column in x.T]
    rng, text = np.random.default_rng(seed), np.full(len(cells), "", dtype=object)
    rows = np.arange(len(cells))
    if len(rows) > STATE_CELLS:
        rows = np.sort(rng.choice(rows, STATE_CELLS, replace=False))
    for name, role, x in zip(features["name"], features["role"], columns):
        x = np.arcsinh(x.astype(np.float64))  # heavy tails would be a distribution of their own
        if role != "state" or len(rows) < 4 or x[rows].std() == 0:
            continue
        ridge = 0.01 * x[rows].var()
        mixture = GaussianMixture(2, random_state=seed, reg_covar=ridge).fit(x[rows, None])
        low, high = np.argsort(mixture.means_.ravel())
        means, spread = mixture.means_.ravel(), np.sqrt(mixture.covariances_.ravel())
        apart = (means[high] - means[low]) / np.sqrt((spread**2).mean())
        if apart < STATES_APART or mixture.weights_[high] > LARGEST_STATE:
            continue
        densities = [
            np.log(mixture.weights_[i]) + norm.logpdf(x, means[i], spread[i]) for i in (low, high)
        ]
        # far below both a wide upper distribution is the likelier one
        text[(densities[1] > densities[0]) & (x > means[low])] += f"{name}+ "
    return np.array([one.rstrip() for one in text], dtype=object)


def _pairs(found):
    """Pairs of proteins that mark two types of which each lacks the other's."""
    at, together = {name: i for i, name in enumerate(found.proteins)}, set()
    for own in found.own.values():
        together |= {frozenset((a, b)) for a in own for b in own}
    pairs = {}
    for one in found.types:
        for other in found.types:
            for a in set(found.own[one]) & set(found.lacking[other]):
                for b in set(found.own[other]) & set(found.lacking[one]):
                    if a < b and {a, b} not in together and found.split[[at[a], at[b]]].all():
                        pairs[a, b] = at[a], at[b]
    return pairs


def _conflicts(found, features):
    """The pair of markers that a cell has most of and no type has together, array of str (n,)."""
    known = features.dropna(subset="canonical").drop_duplicates("canonical")
    said = dict(zip(known["canonical"], known["name"]))
    most, text = np.full(len(found.levels), BOTH), np.full(len(found.levels), "", dtype=object)
    for (a, b), columns in sorted(_pairs(found).items()):
        both = found.levels[:, columns].min(axis=1)
        more = both > most
        most[more], text[more] = both[more], f"{said[a]}+ {said[b]}+"
    return text


def _summary(table, found, features):
    """A row a type that can be told, those without cells too."""
    known = features.dropna(subset="canonical").drop_duplicates("canonical")
    said = dict(zip(known["canonical"], known["name"]))
    rows = []
    for name in [*found.lineage, cell_types.UNKNOWN]:
        own = (table["type"] == name).to_numpy()
        line = found.lineage.get(name, [name])
        levels = {
            said[p]: found.levels[own, found.proteins.index(p)].mean()
            for p in found.own.get(name, ())
            if own.any()
        }
        rows.append(
            {
                "type": name,
                "wider": "; ".join(line[1:]),
                "cells": int(own.sum()),
                "share": round(own.mean(), 4),
                "probability": round(table["probability"][own].mean(), 3) if own.any() else np.nan,
                "unsure": round(table["unsure"][own].mean(), 3) if own.any() else np.nan,
                "markers": "; ".join(f"{marker} {level:.1f}" for marker, level in levels.items()),
            }
        )
        if own.any():
            log.info("%s: %d cells", name, own.sum())
    return pd.DataFrame(rows, columns=SUMMARY)
