"""Trained methods that outlive their run: a folder that describes itself.

``model.json`` holds the recipe, its settings, the names of the features, how they were
prepared, how the graphs were built, the clusters, and versions;
``weights.npz`` holds the arrays. Nothing in it is code, so a model from elsewhere is safe to load.
"""

import json
import logging
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from spclust.errors import UserError

log = logging.getLogger(__name__)

FORMAT = 1
PACKAGES = ("numpy", "scikit-learn", "torch")
# share of the training cells that count as usual
USUAL = 0.99


@dataclass(frozen=True)
class Model:
    """What is needed to label other cells as a run labelled its own.

    Attributes
    ----------
    recipe : str
    settings : dict
        The recipe's own.
    features : dict of str to list of str
        Names by modality, in the order of the columns.
    preprocessing : dict
        Settings and constants by modality, see :class:`spclust.data.cells.Cells`.
    graphs : dict or None
        Settings of the stage ``graphs``.
    n_clusters : int
    clusters : list of dict
        ``cluster`` and ``cells`` of each.
    centroids : array, shape (n_clusters, d)
        Of the prepared features, missing for an empty cluster.
    reach : float
        Distance to the nearest centroid within which 99 % of the training cells lie.
    weights : dict of str to array
        What the recipe's ``predict`` takes.
    versions : dict of str to str
    """

    recipe: str
    settings: dict
    features: dict
    preprocessing: dict
    graphs: dict | None
    n_clusters: int
    clusters: list
    centroids: np.ndarray
    reach: float
    weights: dict
    versions: dict = field(default_factory=dict)

    @classmethod
    def of(cls, recipe, settings, cells, labels, n_clusters, graphs, weights):
        """Describe a finished clustering; labels of all cells, synthetic ones included."""
        n, x = cells.n_original, cells.matrix
        x, labels = x[:n], np.asarray(labels)[:n]
        sizes = np.bincount(labels, minlength=n_clusters)
        centroids = np.full((n_clusters, x.shape[1]), np.nan, dtype=np.float32)
        for cluster in np.flatnonzero(sizes):
            centroids[cluster] = x[labels == cluster].mean(axis=0)
        return cls(
            recipe=recipe,
            settings=settings,
            features={m: names.astype(str).tolist() for m, names in cells.names.items()},
            preprocessing=cells.preprocessing,
            graphs=graphs,
            n_clusters=n_clusters,
            clusters=[{"cluster": i, "cells": int(size)} for i, size in enumerate(sizes)],
            centroids=centroids,
            reach=float(np.quantile(distance_to_nearest(x, centroids), USUAL)),
            weights=weights,
            versions={name: _version(name) for name in PACKAGES},
        )

    def save(self, folder):
        """Write the model into a new folder."""
        folder = Path(folder)
        folder.mkdir(parents=True)
        facts = {
            "format": FORMAT,
            "recipe": self.recipe,
            "settings": self.settings,
            "features": self.features,
            "preprocessing": {m: entry["settings"] for m, entry in self.preprocessing.items()},
            "graphs": self.graphs,
            "n_clusters": self.n_clusters,
            "clusters": self.clusters,
            "reach": self.reach,
            "versions": self.versions,
        }
        (folder / "model.json").write_text(json.dumps(facts, indent=1) + "\n")
        arrays = {f"weights/{name}": value for name, value in self.weights.items()}
        for m, entry in self.preprocessing.items():
            arrays |= {f"constants/{m}/{name}": v for name, v in entry["constants"].items()}
        np.savez_compressed(folder / "weights.npz", centroids=self.centroids, **arrays)

    @classmethod
    def load(cls, folder):
        """Read what :meth:`save` wrote.

        Raises
        ------
        UserError
            When the folder holds no model, or one of another format.
        """
        folder = Path(folder)
        try:
            facts = json.loads((folder / "model.json").read_text())
            with np.load(folder / "weights.npz", allow_pickle=False) as file:
                arrays = {name: _plain(file[name]) for name in file.files}
            if facts.pop("format") != FORMAT:
                raise ValueError("it is of another version of this workflow")
            prepared = {
                m: {"settings": settings, "constants": _part(arrays, f"constants/{m}/")}
                for m, settings in facts.pop("preprocessing").items()
            }
            model = cls(
                **facts,
                preprocessing=prepared,
                centroids=arrays["centroids"],
                weights=_part(arrays, "weights/"),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{folder}: no readable model ({error}); remake it with: snakemake --cores 1 "
                f"--force {folder.parent}"
            ) from error
        changed = {n: v for n, v in model.versions.items() if v and v != _version(n)}
        if changed:
            log.info("%s was made with other versions: %s", folder, changed)
        return model


def distance_to_nearest(x, centroids):
    """Euclidean distance of each row (n, d) to the nearest of the centroids that exist."""
    from sklearn.metrics import pairwise_distances_argmin_min

    there = centroids[~np.isnan(centroids).any(axis=1)]
    return pairwise_distances_argmin_min(x, there)[1]


def _part(arrays, prefix):
    return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}


def _plain(array):
    """Numbers as they are, text as objects."""
    return array.astype(object) if array.dtype.kind == "U" else array


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
