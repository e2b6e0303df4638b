"""Proposed names of clusters, each with its evidence.

What a cluster has more or less of than the other cells (its markers) is compared with what types
of cells are known to have and lack. A name is given where every positive marker of the type is
seen, none of a wider type is lacking and no other type fits as well; else the wider type that the
likely ones share, else none.
"""

import logging

import numpy as np
import pandas as pd
from scipy.special import softmax
from scipy.stats import norm

from spclust.panel import read_proteins, recognise
from spclust.signatures import lineage_of, read_signatures

log = logging.getLogger(__name__)

# standard deviations: what counts as more than others have (AUC .60), and the strongest counted
SEEN, STRONGEST = 0.36, 3.0
# weight of the strongest contradiction; what a type must reach to beat `unknown`; how sharply
# a better type is preferred
CONTRADICTION, UNKNOWN, SHARPNESS = 0.5, 0.5, 4.0
# probability from which a type is a name, and below which it is not even another possibility
SURE, WORTH_SAYING = 0.5, 0.05
MOST_MARKERS = 3
COLUMNS = ["cluster", "cells", "name", "type", "probability", "evidence", "markers", "others"]


def strength(markers):
    """How far each cluster is from the other cells in each feature, in standard deviations.

    ``sqrt(2) * probit(auc)``: the standardised difference that two normal distributions of equal
    variance with this AUC have. It depends on ranks only, so not on the normalisation's tails.

    Parameters
    ----------
    markers : DataFrame
        What :func:`spclust.markers.rank` returns.

    Returns
    -------
    DataFrame
        A row a cluster, a column a feature; missing where the cluster was too small to test.
    """
    table = markers.pivot(index="cluster", columns="feature", values="auc")
    table = table.reindex(columns=list(dict.fromkeys(markers["feature"])))
    found = np.sqrt(2) * norm.ppf(table.to_numpy(dtype=float).clip(1e-6, 1 - 1e-6))
    return pd.DataFrame(found.clip(-STRONGEST, STRONGEST), table.index, table.columns)


def name_clusters(markers, sizes, signatures=None, proteins=None):
    """Propose a name for each cluster.

    A type's score is the mean strength of its positive markers (of several that stand for one,
    the strongest) less half that of the strongest marker it should lack. Types of which a
    positive marker was not measured take no part, nor those of which a wider type's marker is
    lacking. Probabilities are a softmax of the scores with a type ``unknown`` among them, wider
    types have those of the narrower ones added.

    Parameters
    ----------
    markers : DataFrame
        What :func:`spclust.markers.rank` returns.
    sizes : Series
        Number of cells of each cluster.
    signatures : dict of str to Signature, optional
    proteins : DataFrame, optional
        The library's own where left out.

    Returns
    -------
    DataFrame
        ``cluster``, ``cells``, ``name`` (the type, or without one ``cluster 4 (CD45+ CD11c+)``),
        ``type`` and its ``probability`` (missing without one), ``evidence`` (markers of the type
        with their strength in standard deviations and AUC), ``markers`` (what the cluster has
        most of), ``others`` (what else it could be, with probabilities).
    """
    proteins = read_proteins() if proteins is None else proteins
    signatures = read_signatures(proteins=proteins) if signatures is None else signatures
    found = strength(markers)
    features = _Features(found.columns, proteins)
    measured = {n: s.measured(set(features.of)) for n, s in signatures.items()}
    measured = {n: s for n, s in measured.items() if s is not None}
    log.info("%d of %d types can be told by the %d proteins that are known of %d features",
             len(measured), len(signatures), len(features.of), found.shape[1])  # fmt: skip
    rows = []
    for cluster, values in found.iterrows():
        row = {"cluster": cluster, "cells": int(sizes[cluster]), "type": None,
               "probability": np.nan, "evidence": "", "markers": "", "others": ""}  # fmt: skip
        if values.notna().any():
            row |= _named(values, features, measured)
        seen = f" ({row['markers']})" if row["markers"] else ""
        row["name"] = row["type"] or f"cluster {cluster}{seen}"
        rows.append(row)
        log.info("cluster %s: %s", cluster, row["name"])
    return pd.DataFrame(rows, columns=COLUMNS)


def short(names):
    """What a legend says beside the number of each cluster: its type, or what it has most of.

    Parameters
    ----------
    names : DataFrame
        What :func:`name_clusters` returns.

    Returns
    -------
    dict of int to str
    """
    said = names["type"].where(names["type"].notna(), names["markers"]).fillna("")
    return {cluster: text for cluster, text in zip(names["cluster"], said) if text}


class _Features:
    """Features by the protein they measure.

    Attributes
    ----------
    of : dict of str to list of str
        Canonical name to the features that measure it.
    telling : list of str
        Features that may describe a cluster without a type, those of types first.
    """

    def __init__(self, names, proteins):
        # of several modalities each feature bears that of its own: rna:CD3E
        table = recognise([str(name).rpartition(":")[2] or str(name) for name in names], proteins)
        self.of = {}
        for feature, canonical in zip(names, table["canonical"]):
            if canonical is not None:
                self.of.setdefault(canonical, []).append(feature)
        self.telling = [n for n, role in zip(names, table["role"]) if role != "technical"]

    def strongest(self, marker, values):
        """The feature that shows a marker most, and how strongly."""
        features = [feature for name in marker for feature in self.of[name]]
        best = values[features].idxmax()
        return best, float(values[best])


def _named(values, features, signatures):
    """Name and evidence of one cluster from its strengths."""
    shown = {n: [features.strongest(m, values) for m in s.positive] for n, s in signatures.items()}
    lacks = {n: [features.strongest(m, values)[1] for m in s.negative]
             for n, s in signatures.items()}  # fmt: skip
    names = list(signatures)
    scores = [np.mean([v for _, v in shown[n]]) - CONTRADICTION * max([0.0, *lacks[n]])
              for n in names]  # fmt: skip
    for i, name in enumerate(names):
        # a B cell is a leukocyte: what lacks CD45 is none
        wider = lineage_of(name, signatures)[1:]
        if any(v <= -SEEN for w in wider for _, v in shown[w]):
            scores[i] = -np.inf
    own = dict(zip(names, softmax(SHARPNESS * np.array([*scores, UNKNOWN]))))
    total = dict.fromkeys(names, 0.0)
    for name in names:
        for wider in lineage_of(name, signatures):
            total[wider] += own[name]
    top = values[features.telling].sort_values(ascending=False, kind="stable")
    top = top[top >= SEEN].head(MOST_MARKERS)
    row = {"markers": " ".join(f"{name}+" for name in top.index)}
    fits = [n for n in names if total[n] >= SURE and all(v >= SEEN for _, v in shown[n])]
    # the narrowest of those: none of the others lies below it
    fits = [n for n in fits if not any(n in lineage_of(m, signatures)[1:] for m in fits)]
    said = max(fits, key=total.get, default=None)
    if said is not None:
        evidence = "; ".join(f"{f} {v:+.1f} sd (AUC {norm.cdf(v / 2**0.5):.2f})"
                             for f, v in shown[said])  # fmt: skip
        row |= {"type": said, "probability": round(total[said], 3), "evidence": evidence}
    near = set() if said is None else set(lineage_of(said, signatures))
    others = sorted((n for n in names if n not in near and own[n] >= WORTH_SAYING),
                    key=own.get, reverse=True)  # fmt: skip
    row["others"] = "; ".join(f"{n} {own[n]:.2f}" for n in others[:MOST_MARKERS])
    return row
