"""Groups of one clustering matched one to one to those of another, or to classes (Hungarian)."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment


def matched(score):
    """Column of each row of a table of scores, one to one as far as there are columns.

    Rows left over take the column of their highest score.
    """
    names = score.argmax(axis=1) if score.size else np.zeros(len(score), dtype=np.int64)
    rows, columns = linear_sum_assignment(score, maximize=True)
    names[rows] = columns
    return names


def match_labels(labels, reference, n_clusters):
    """Rename labels so that they overlap ``reference`` most.

    Parameters
    ----------
    labels, reference : array of int, shape (n,)
        Values in ``0 .. n_clusters - 1``; either may leave some out.

    Returns
    -------
    array of int, shape (n_clusters,)
        New id of each old label, a permutation.
    """
    overlap = np.zeros((n_clusters, n_clusters), dtype=np.int64)
    np.add.at(overlap, (labels, reference), 1)
    return matched(overlap)


def match_clusters(clusters, labels):
    """The class each cluster stands for, one to one, most cells agreeing (Hungarian algorithm).

    Numbers of clusters and classes may differ. A cluster that shares no cell with the class
    left to it stands for none.

    Parameters
    ----------
    clusters : array, shape (n,)
    labels : array-like, shape (n,)
        Missing where a cell is not scored.

    Returns
    -------
    dict
        Cluster to class, matched clusters only.
    """
    scored = pd.notna(np.asarray(labels, dtype=object))
    cluster_ids, codes = np.unique(np.asarray(clusters)[scored], return_inverse=True)
    truth, classes = pd.factorize(np.asarray(labels, dtype=object)[scored], sort=True)
    new_id = match_labels(codes, truth, max(len(cluster_ids), len(classes)))
    agree = np.bincount(codes[new_id[codes] == truth], minlength=len(cluster_ids))
    return {c: classes[new_id[i]] for i, c in enumerate(cluster_ids.tolist()) if agree[i]}
