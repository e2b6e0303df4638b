"""Colours of clusters and classes: the same for the same in figures, exports and pages."""

import itertools

import numpy as np
import pandas as pd

from spclust.clustering.matching import match_clusters

# The first six are Okabe and Ito's. The others were chosen one by one, each the farthest from
# all before it as seen with normal and with each kind of colour-deficient sight (OKLab distance,
# Machado's simulation), away from the greys that mean "right" and "not scored". No set of 32 is
# safe by colour alone: cluster numbers are written into the UMAP too.
PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#870F2D",
    "#4B3C78",
    "#A569FF",
    "#003CC3",
    "#87F069",
    "#964B1E",
    "#96C387",
    "#875A78",
    "#784BE1",
    "#FF78D2",
    "#C32DA5",
    "#B4C3FF",
    "#D20F4B",
    "#FF4B5A",
    "#3C694B",
    "#8778D2",
    "#8796FF",
    "#E1C300",
    "#781E5A",
    "#D296A5",
    "#694B78",
    "#F0A5C3",
    "#690096",
    "#0FB478",
    "#B4E1A5",
    "#F0781E",
)
# of what is no group
GREY = "#9E9E9E"


def class_colours(labels):
    """Colour of each class, by the order of their names: the same in every run of a slice."""
    names = sorted(set(pd.Series(np.asarray(labels, dtype=object)).dropna()), key=str)
    return dict(zip(names, itertools.cycle(PALETTE)))


def cluster_colours(clusters, labels=None):
    """Colour of each cluster.

    Parameters
    ----------
    clusters : array, shape (n,)
    labels : array-like, shape (n,), optional
        Classes, missing where a cell is not scored.

    Returns
    -------
    dict
        Cluster to hex colour: that of the class it matches, and unused colours for the rest.
    """
    if labels is None:
        labels = np.full(len(clusters), None, dtype=object)
    return matched_colours(clusters, labels, class_colours(labels))


def matched_colours(groups, reference, colours):
    """Colours of groups after those of the groups they match in ``reference``."""
    matched = match_clusters(groups, reference)
    spare = [c for c in PALETTE if c not in colours.values()] or PALETTE
    rest = [g for g in np.unique(groups).tolist() if g not in matched]
    return dict(zip(rest, itertools.cycle(spare))) | {g: colours[m] for g, m in matched.items()}


def number_colours(numbers):
    """Colour of each group that goes by its number, dict of int to str; of what is none grey."""
    return {i: PALETTE[i % len(PALETTE)] if i >= 0 else GREY for i in numbers}


def name_colours(names, clusters, colours, grey=()):
    """Colours of what cells are called.

    Parameters
    ----------
    names, clusters : array, shape (n,)
    colours : dict
        Colour of each cluster.
    grey : container of str
        Names of what is no group.

    Returns
    -------
    dict of str to str
        Name to hex colour, that of the cluster which most of its cells are in, in the order of
        the names.
    """
    most = pd.Series(np.asarray(clusters)).groupby(np.asarray(names)).agg(lambda of: of.mode()[0])
    return {name: GREY if name in grey else colours[cluster] for name, cluster in most.items()}
