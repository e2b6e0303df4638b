"""One step of gradient descent, and the end of it where numbers fail."""

import math

from torch.nn.utils import clip_grad_norm_

from spclust.errors import UserError


def finite(loss, remedy):
    """The value of a loss.

    Raises
    ------
    UserError
        When it is not a finite number; ``remedy`` says which settings to change.
    """
    value = loss.item()
    if not math.isfinite(value):
        raise UserError(f"the loss became {value} in training; {remedy}")
    return value


def descend(optimiser, loss, remedy, longest=None):
    """Step down the gradient of a loss and return its value; see :func:`finite`.

    ``longest`` is the norm that a longer gradient is cut to.
    """
    value = finite(loss, remedy)
    optimiser.zero_grad()
    loss.backward()
    if longest is not None:
        clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], longest)
    optimiser.step()
    return value
