"""How well the slices of a cohort are mixed in an embedding, and whether its classes stay apart."""

import numpy as np
from sklearn.decomposition import PCA

# cells whose classes or slices are counted around each, fading with distance; the authors' number
PERPLEXITY = 30
NEIGHBOURS = 3 * PERPLEXITY
# a wider embedding is searched in its principal components, as trees are slow in many dimensions
WIDTH = 50


def mixing(embedding, slices, labels, seed):
    """``iLISI`` and ``cLISI`` of a cohort, both from 0 to 1 and more is better.

    The inverse Simpson's index of the neighbours of a cell (LISI, Korsunsky et al. 2019) is how
    many slices, or classes, they are of. ``iLISI`` is its median over slices, 0 where every
    slice lies by itself and 1 where all are found around each cell alike; ``cLISI`` is turned
    round, 1 where every class lies by itself. Both as in scIB (Luecken et al. 2022). Slices of
    unlike size, or of truly unlike composition, do not reach an iLISI of 1.

    Parameters
    ----------
    embedding : array, shape (n, d')
        Of all cells of a cohort, or a sample of them.
    slices : array of str, shape (n,)
    labels : array-like, shape (n,)
        Reference labels, missing for cells that are not scored, which ``cLISI`` leaves out.
    seed : int
        Of the principal components of an embedding wider than 50.

    Returns
    -------
    dict of float
        ``iLISI``, and ``cLISI`` where a cell has a label; missing where 90 cells or fewer, one
        slice or one class are there.
    """
    embedding, labels = np.asarray(embedding), np.asarray(labels, dtype=object)
    if embedding.shape[1] > WIDTH and len(embedding) > NEIGHBOURS:
        embedding = PCA(WIDTH, random_state=seed).fit_transform(embedding)
    scored = labels == labels  # missing ones are not
    scores = {"iLISI": scaled_lisi(embedding, slices)}
    if scored.any():
        scores["cLISI"] = 1 - scaled_lisi(embedding[scored], labels[scored])
    return scores


def scaled_lisi(embedding, groups):
    """Median number of groups around a cell, from 0 (one) to 1 (all of them alike)."""
    # of this and no other metric, so that tables can be made without it
    import harmonypy

    names, codes = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    if len(codes) <= NEIGHBOURS or len(names) < 2:
        return np.nan
    lisi = harmonypy.compute_lisi(embedding, {"group": codes.astype(str)}, ["group"], PERPLEXITY)
    return float((np.median(lisi) - 1) / (len(names) - 1))
