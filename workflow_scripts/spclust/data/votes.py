"""What the stage ``votes`` leaves: its labels and shares, and the partitions they came from.

===============  ================================================================================
votes.npz        for programs: labels and shares of every operator, the pool's partitions
votes.csv        ``cell`` and, of every operator, its cluster and the share of the votes for that
members.csv      ``transform, panel, head, clusters, agreement, weight, central`` of each partition
votes_cost.json  what the vote took: seconds and peak memory in MB
===============  ================================================================================
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from spclust.data.atomic import atomic, write_json, write_table
from spclust.errors import UserError

OPERATORS = ("vote", "spectral")


@dataclass(frozen=True)
class Votes:
    """A pool of partitions and what it agrees on.

    Attributes
    ----------
    ids : array of str, shape (n,)
    labels : dict of str to array of int, shape (n,)
        By operator, ids by decreasing size.
    shares : dict of str to array of float32, shape (n, c)
        Share of each cluster in the votes on a cell.
    members : DataFrame, shape (m, ...)
        ``transform``, ``panel``, ``head``, ``clusters`` (their number), ``agreement`` (mean ARI
        to the others), ``weight`` in the vote, ``central`` (in the half that the spectral
        operator sees).
    partitions : array of int, shape (m, sampled)
        The pool, in the order of ``members``.
    sample : array of int, shape (sampled,)
        Rows of the cells that it is of; all n in a small slice.
    cost : dict
        ``seconds`` and ``peak_memory_mb`` of the vote.
    """

    ids: np.ndarray
    labels: dict
    shares: dict
    members: pd.DataFrame
    partitions: np.ndarray
    sample: np.ndarray
    cost: dict = field(default_factory=dict)

    def confidence(self, operator):
        """Share of the votes for a cell's own cluster, shape (n,)."""
        labels = self.labels[operator]
        return self.shares[operator][np.arange(len(labels)), labels]

    def write(self, arrays, cells, members, cost):
        """Write the files of the stage."""
        content = {
            "cells": self.ids.astype(str),
            "sample": self.sample,
            "partitions": self.partitions.astype(np.int16),
        }
        for operator in OPERATORS:
            content[f"labels:{operator}"] = self.labels[operator]
            content[f"shares:{operator}"] = self.shares[operator]
        for name, column in self.members.items():
            values = column.to_numpy()
            content[f"members:{name}"] = values.astype(str) if column.dtype == object else values
        with atomic(arrays) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, **content)
        table = pd.DataFrame({"cell": self.ids})
        for operator in OPERATORS:
            table[operator] = self.labels[operator]
            table[f"{operator}_share"] = self.confidence(operator).astype(np.float64).round(6)
        write_table(table, cells)
        write_table(self.members.round(6), members)
        write_json(self.cost, cost)

    @classmethod
    def read(cls, path, ids, cost=None):
        """Read ``votes.npz`` and, where it is wanted, ``votes_cost.json``.

        Raises
        ------
        UserError
            Where one cannot be read or they are of other cells than ``ids``.
        """
        remake = f"remake it with: snakemake --cores 1 --force {path}"
        try:
            taken = json.loads(Path(cost).read_text()) if cost else {}
            with np.load(path) as file:
                arrays = {name: file[name] for name in file.files}
            of = {
                kind: {o: arrays[f"{kind}:{o}"] for o in OPERATORS} for kind in ("labels", "shares")
            }
            cells = arrays["cells"].astype(object)
            sample, partitions = arrays["sample"], arrays["partitions"].astype(np.int64)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{path}: cannot be read ({error}); {remake}") from error
        if not np.array_equal(cells, np.asarray(ids, dtype=object)):
            raise UserError(f"{path}: has other cells than the prepared ones; {remake}")
        members = {n.partition(":")[2]: a for n, a in arrays.items() if n.startswith("members:")}
        members = pd.DataFrame(members)
        return cls(cells, of["labels"], of["shares"], members, partitions, sample, taken)
