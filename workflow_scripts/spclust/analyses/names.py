"""Proposed names of clusters, each with its evidence.

What a cluster has more or less of than the other cells (its markers) is compared with what types
of cells are known to have and lack. A name is given where every positive marker of the type is
seen clearly, none of a wider type is lacking and no other type fits nearly as well; else the wider
type that the likely ones share; else the type that most of its cells are of, each by itself
(:mod:`spclust.analyses.types`); else none.
"""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, softmax

from spclust.analyses.shares import of_most, of_types, with_narrower
from spclust.knowledge.panel import read_proteins, recognise
from spclust.knowledge.signatures import lineage_of, read_knowledge_tables, read_signatures, told_by

log = logging.getLogger(__name__)

# standard deviations: what counts as more than others have (AUC .60), and the strongest counted
SEEN, STRONGEST = 0.36, 3.0
# weight of the strongest contradiction; what a type must reach to beat `unknown`; how sharply
# a better type is preferred
CONTRADICTION, UNKNOWN, SHARPNESS = 0.5, 0.5, 4.0
# a type below this probability is not even another possibility
WORTH_SAYING = 0.05
MOST_MARKERS = 3
COLUMNS = ["cluster", "cells", "name", "type", "probability", "share", "evidence", "markers"]
COLUMNS += ["others"]


@dataclass(frozen=True)
class Bar:
    """What a type must reach to be a name.

    Attributes
    ----------
    sure : float
        Its probability.
    margin : float
        How far that is above the probability of ``unknown`` and of any type that is neither wider
        nor narrower.
    seen : float
        Strength of each of its positive markers, in standard deviations.
    """

    sure: float
    margin: float
    seen: float


# chosen on labelled slices, each study left out in turn: tests/measured/comparison/names.md
BAR = Bar(sure=0.5, margin=0.4, seen=0.75)


def strength(markers):
    """How far each cluster is from the other cells in each feature, in standard deviations.

    ``sqrt(2) * probit(auc)``: the standardised difference that two normal distributions of equal
    variance with this AUC have. It depends on ranks only, so not on the normalisation's tails.

    Parameters
    ----------
    markers : DataFrame
        What :func:`spclust.analyses.markers.rank` returns.

    Returns
    -------
    DataFrame
        A row a cluster, a column a feature; missing where the cluster was too small to test.
    """
    table = markers.pivot(index="cluster", columns="feature", values="auc")
    table = table.reindex(columns=list(dict.fromkeys(markers["feature"])))
    strengths = np.sqrt(2) * ndtri(table.to_numpy(dtype=float).clip(1e-6, 1 - 1e-6))
    return pd.DataFrame(strengths.clip(-STRONGEST, STRONGEST), table.index, table.columns)


def analyse(task):
    """Propose names for the task's clusters; see :func:`name_clusters`."""
    table = name_clusters(
        task.table("markers", "markers.csv", "feature"),
        task.clusters["cluster"].value_counts(),
        *read_knowledge_tables(task.files),
        shares=of_types(task.clusters["cluster"], task.table("types", "types.csv", "cell", "type")),
    )
    return {"cluster_names.csv": table}


def name_clusters(markers, sizes, signatures=None, proteins=None, shares=None):
    """Propose a name for each cluster.

    A type's score is the mean strength of its positive markers (of several that stand for one,
    the strongest) less half that of the strongest marker it should lack. Types of which a
    positive marker was not measured take no part, nor those of which a wider type's marker is
    lacking. Probabilities are a softmax of the scores with a type ``unknown`` among them, wider
    types have those of the narrower ones added.

    Parameters
    ----------
    markers : DataFrame
        What :func:`spclust.analyses.markers.rank` returns.
    sizes : Series
        Number of cells of each cluster.
    signatures : dict of str to Signature, optional
    proteins : DataFrame, optional
        The library's own where left out.
    shares : DataFrame, optional
        What :func:`spclust.analyses.shares.of_types` returns; without it markers alone give names.

    Returns
    -------
    DataFrame
        ``cluster``, ``cells``, ``name`` (the type, or without one ``cluster 4 (CD45+ CD11c+)``),
        ``type`` and its ``probability`` by the cluster's markers (missing without one), ``share``
        of the cells that are of this type or a narrower one, ``evidence`` (markers of the type
        with their strength in standard deviations and AUC), ``markers`` (what the cluster has
        most of), ``others`` (what else it could be, with probabilities).
    """
    proteins = read_proteins() if proteins is None else proteins
    signatures = read_signatures(proteins=proteins) if signatures is None else signatures
    rows = []
    for cluster, fit in fits(markers, signatures, proteins).items():
        row = {
            "cluster": cluster,
            "cells": int(sizes[cluster]),
            "type": None,
            "probability": np.nan,
            "share": np.nan,
            "evidence": "",
            "markers": "",
            "others": "",
        }
        of_cells = {} if shares is None else with_narrower(shares.loc[cluster], signatures)
        if fit is not None:
            row |= _told(fit, fit.best(BAR) or of_most(of_cells, signatures))
        if row["type"] is not None and of_cells:
            row["share"] = round(of_cells.get(row["type"], 0.0), 3)
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
        table = recognise(names, proteins)
        # of several modalities each feature bears that of its own: rna:CD3E
        own = recognise([str(name).partition(":")[2] or str(name) for name in names], proteins)
        table = table.where(table["canonical"].notna(), own)
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


def fits(markers, signatures=None, proteins=None):
    """How well each cluster fits each type, before any bar.

    Parameters
    ----------
    markers, signatures, proteins
        As of :func:`name_clusters`.

    Returns
    -------
    dict of int to Fit
        By cluster; None where the cluster was too small to test.
    """
    proteins = read_proteins() if proteins is None else proteins
    signatures = read_signatures(proteins=proteins) if signatures is None else signatures
    strengths = strength(markers)
    features = _Features(strengths.columns, proteins)
    told_apart = told_by(set(features.of), signatures)
    log.info(
        "%d of %d types can be recognised by the %d proteins that are known of %d features",
        len(told_apart),
        len(signatures),
        len(features.of),
        strengths.shape[1],
    )
    return {
        cluster: _fit(values, features, told_apart) if values.notna().any() else None
        for cluster, values in strengths.iterrows()
    }


@dataclass(frozen=True)
class Fit:
    """How well one cluster fits each type.

    Attributes
    ----------
    shown : dict of str to list of (str, float)
        Type to the feature that shows each positive marker most, and its strength.
    own, total : dict of str to float
        Probability of a type by itself, and with those of the narrower ones.
    unknown : float
        Probability of none of them.
    lineage : dict of str to list of str
        Type to itself and the wider ones.
    top : list of str
        What the cluster has most of.
    """

    shown: dict
    own: dict
    total: dict
    unknown: float
    lineage: dict
    top: list

    def best(self, bar):
        """The narrowest type that reaches the bar, or None."""
        reached = [n for n in self.own if self._reaches(n, bar)]
        reached = [n for n in reached if not any(n in self.lineage[m][1:] for m in reached)]
        return max(reached, key=self.total.get, default=None)

    def _reaches(self, name, bar):
        rivals = [
            p
            for n, p in self.own.items()
            if n not in self.lineage[name] and name not in self.lineage[n]
        ]
        needed = max(bar.sure, max([self.unknown, *rivals]) + bar.margin)
        return self.total[name] >= needed and all(v >= bar.seen for _, v in self.shown[name])


def _fit(values, features, signatures):
    """Fit of one cluster by its strengths."""
    shown = {n: [features.strongest(m, values) for m in s.positive] for n, s in signatures.items()}
    lacks = {
        n: [features.strongest(m, values)[1] for m in s.negative] for n, s in signatures.items()
    }
    lineage = {n: lineage_of(n, signatures) for n in signatures}
    scores = [
        np.mean([v for _, v in shown[n]]) - CONTRADICTION * max([0.0, *lacks[n]]) for n in lineage
    ]
    for i, wider in enumerate(lineage.values()):
        # a B cell is a leukocyte: what lacks CD45 is none
        if any(v <= -SEEN for w in wider[1:] for _, v in shown[w]):
            scores[i] = -np.inf
    *own, unknown = softmax(SHARPNESS * np.array([*scores, UNKNOWN]))
    own = dict(zip(lineage, own))
    total = dict.fromkeys(lineage, 0.0)
    for name, probability in own.items():
        for wider in lineage[name]:
            total[wider] += probability
    top = values[features.telling].sort_values(ascending=False, kind="stable")
    top = top[top >= SEEN].head(MOST_MARKERS)
    return Fit(shown, own, total, unknown, lineage, list(top.index))


def _told(fit, said):
    """Name and evidence of one cluster that is called so, or is given no type."""
    row, others = {"markers": " ".join(f"{name}+" for name in fit.top)}, fit.own
    if said is not None:
        row["type"] = said
    # a type of its cells may be one that takes more markers than were measured
    if said in fit.own:
        evidence = "; ".join(
            f"{f} {v:+.1f} sd (AUC {ndtr(v / 2**0.5):.2f})" for f, v in fit.shown[said]
        )
        row |= {"probability": round(fit.total[said], 3), "evidence": evidence}
        others = {n: p for n, p in others.items() if n not in fit.lineage[said]}
    near = sorted((n for n, p in others.items() if p >= WORTH_SAYING), key=others.get, reverse=True)
    row["others"] = "; ".join(f"{n} {others[n]:.2f}" for n in near[:MOST_MARKERS])
    return row
