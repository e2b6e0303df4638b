"""Which class each cluster stands for, for scores and colours."""

import numpy as np
import pandas as pd

from spclust.clustering.matching import match_labels


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
    cluster_ids, found = np.unique(np.asarray(clusters)[scored], return_inverse=True)
    truth, classes = pd.factorize(np.asarray(labels, dtype=object)[scored], sort=True)
    new_id = match_labels(found, truth, max(len(cluster_ids), len(classes)))
    agree = np.bincount(found[new_id[found] == truth], minlength=len(cluster_ids))
    return {c: classes[new_id[i]] for i, c in enumerate(cluster_ids.tolist()) if agree[i]}
