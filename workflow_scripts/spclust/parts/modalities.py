"""Several modalities of the same cells: tensors, weights, linear maps and errors of each."""

import numpy as np
import torch
from torch import Tensor, nn

from spclust.errors import UserError


def of_modalities(setting, modalities, key):
    """A weight for each modality from a number for all, or numbers by name.

    Parameters
    ----------
    setting : float or dict of str to float
        Modalities without a number have one.
    modalities : iterable of str
    key : str
        Of the setting, for messages.

    Raises
    ------
    UserError
        When no modality would count.
    """
    named = isinstance(setting, dict)
    weights = {m: float(setting.get(m, 1) if named else setting) for m in modalities}
    if not any(weights.values()):
        raise UserError(
            f"{key}: every modality ({', '.join(weights)}) has the weight 0, so there is nothing "
            f"to learn from; write e.g.  {key.rsplit('.', 1)[1]}: 1"
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
