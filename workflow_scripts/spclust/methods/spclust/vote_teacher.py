"""Learning from a vote of first labels, and being held to it."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError

log = logging.getLogger(__name__)

# logarithms of the lowest and the highest temperature; logits are cosines
TEMPERATURES = (-5.0, 3.0)


@dataclass(frozen=True)
class Teacher:
    """Shares of a vote as targets of soft labels.

    Attributes
    ----------
    shares : array of float32, shape (n, c)
        Of the votes on each cell; rows sum to one, those of synthetic cells are zero.
    weights : array of float32, shape (n,)
        How much each cell teaches; those that the vote is unsure of, and synthetic ones, nothing.
    """

    shares: np.ndarray
    weights: np.ndarray

    def loss(self, soft, batch):
        """Weighted mean cross-entropy ``- sum_i w_i sum_k s_ik log q_ik / sum_i w_i``.

        Parameters
        ----------
        soft : Tensor, shape (b, c)
            Soft labels q of a batch; what a low temperature makes zero counts as the least number.
        batch : spclust.nn.batches.Batch
        """
        shares, weights = batch.of(self.shares), batch.of(self.weights)
        logarithms = soft.clamp_min(torch.finfo(soft.dtype).tiny).log()
        entropy = -(shares * logarithms).sum(dim=1)
        return (weights * entropy).sum() / weights.sum().clamp_min(1e-12)

    def temperature(self, logits):
        """Divisor of logits at which soft labels come nearest to the vote (Guo et al. 2017).

        Training leaves them surer than the vote is. How sure that is of a cell agrees with how
        often it is right, so no label is needed.

        Parameters
        ----------
        logits : Tensor, shape (n, c)
            Of all cells.
        """
        voted = self.shares.sum(axis=1) > 0
        x, shares = logits.cpu().numpy()[voted].astype(np.float64), self.shares[voted]

        def entropy(log_temperature):
            return -(shares * log_softmax(x / np.exp(log_temperature), axis=1)).sum(axis=1).mean()

        return float(np.exp(minimize_scalar(entropy, bounds=TEMPERATURES, method="bounded").x))


def check_vote(task):
    """Refuse settings that need a vote where a run saw none.

    Raises
    ------
    UserError
    """
    for setting in ("weight_teacher", "guard"):
        if task.settings[setting] and task.votes is None:
            raise UserError(
                f"{task.key(setting)}: the run saw no vote; take the recipe spclust_vote"
            )


def teacher_of(task):
    """The vote that a task has seen as teacher, by its settings; None where it is not to teach.

    A cell weighs by one over the square root of its cluster's size: by number alone a rare
    cluster would not be learnt at all, and one as heavy as all others would swallow its
    neighbours.

    Parameters
    ----------
    task : spclust.methods.task.Task
        With the settings ``weight_teacher`` and ``teacher_share``.

    Returns
    -------
    Teacher or None
    """
    weight, least_share = task.settings["weight_teacher"], task.settings["teacher_share"]
    if not weight:
        return None
    votes, n, c = task.votes, len(task.cells), task.n_clusters
    own, labels = votes.shares["vote"], votes.labels["vote"]
    shares, weights = np.zeros((n, c), dtype=np.float32), np.zeros(n, dtype=np.float32)
    # a vote may leave clusters without a cell
    shares[: len(own), : own.shape[1]] = own
    sizes = np.bincount(labels)
    weights[: len(own)] = (votes.confidence("vote") >= least_share) / np.sqrt(sizes[labels])
    if not weights.any():
        log.warning("no cell has a share of %.2f of the votes; nothing is taught", least_share)
    return Teacher(shares, weights)


def agreement(labels, votes):
    """Mean adjusted Rand index of labels (n,) to the members of a pool, on the cells that voted."""
    seen = np.asarray(labels)[votes.sample]
    return float(np.mean([adjusted_rand_score(seen, member) for member in votes.partitions]))


def held(result, task):
    """A clustering, or the vote where that agrees with the pool less than its median member does.

    Parameters
    ----------
    result : spclust.methods.task.Clustering
        Of all cells of the task; its model stays as it is.
    task : spclust.methods.task.Task

    Returns
    -------
    Clustering
        ``cost`` says in ``returned`` which of the two it is.
    """
    n, votes = task.cells.n_original, task.votes
    own, median = agreement(result.labels[:n], votes), float(votes.members["agreement"].median())
    log.info("agreement with the pool of first labels: %.3f, the median member's %.3f", own, median)
    result.cost["returned"] = "training" if own >= median else "vote"
    if own < median:
        log.warning("training led away from the pool; the labels are those of the vote")
        result.labels[:n], result.confidence[:n] = votes.labels["vote"], votes.confidence("vote")
    return result
