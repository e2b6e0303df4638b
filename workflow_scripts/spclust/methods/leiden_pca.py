"""Leiden as scanpy's tutorials run it: on neighbours in principal components.

What sets it apart from the recipe leiden is what its card asks for: cells scaled to one total and
log1p, features not scaled to one variance, 15 neighbours in at most 50 principal components. The
resolution is searched for the asked number of clusters, as everywhere here.
"""

from spclust.methods.leiden import cluster

__all__ = ["cluster"]
