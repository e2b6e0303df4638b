"""Several modalities of the same cells: tensors, weights, linear maps and errors of each."""

import logging

import numpy as np
import torch
from torch import Tensor, nn

from spclust.errors import UserError

log = logging.getLogger(__name__)


def warn_of_one(cells):
    """Say so where a method for several modalities gets cells of one."""
    if len(cells.features) == 1:
        log.warning("the cells have one modality, so there is nothing to fuse but its two graphs")


def weights_in(task, setting, needed=False):
    """A weight for each modality from a setting: a number for all, or numbers by name.

    Parameters
    ----------
    task : spclust.methods.task.Task
    setting : str
        Its value is a number or a mapping; modalities that it does not name have one.
    needed : bool
        Whether a modality must have a weight above zero, since there is nothing else to learn.

    Returns
    -------
    list of float

    Raises
    ------
    UserError
        When none has.
    """
    value = task.settings[setting]
    named = isinstance(value, dict)
    weights = {m: float(value.get(m, 1) if named else value) for m in task.cells.features}
    log.info("%s of modalities: %s", setting, weights)
    if needed and not any(weights.values()):
        raise UserError(
            f"{task.key(setting)}: every modality ({', '.join(weights)}) has the weight 0, so "
            f"there is nothing to learn from; write e.g.  {setting}: 1"
        )
    return list(weights.values())


def squared_error(features, decoded, weights, of_cells=None) -> Tensor:
    """Sum over modalities of their weight times the mean squared error, Eq. 10 and 11.

    Parameters
    ----------
    features, decoded : sequence of Tensor, shape (n, d)
    weights : sequence of float
        Of the modalities.
    of_cells : Tensor, shape (n,), optional
        Weights of cells, their mean one.
    """
    total = 0.0
    for x, y, weight in zip(features, decoded, weights, strict=True):
        error = (x - y).square()
        error = error if of_cells is None else error * of_cells.unsqueeze(1)
        total = total + weight * error.mean()
    return total


def tensors(cells, device):
    """Features of each modality on a device."""
    return [torch.from_numpy(np.ascontiguousarray(x)).to(device) for x in cells.features.values()]


def glorot(n_in, n_out):
    """A linear map without bias, Glorot's initial weights."""
    layer = nn.Linear(n_in, n_out, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return layer
