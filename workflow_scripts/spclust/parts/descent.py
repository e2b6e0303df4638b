"""One step of gradient descent, and the end of it where numbers fail."""

import math

from spclust.errors import UserError


def finite(loss, remedy):
    """The value of a loss.

    Raises
    ------
    UserError
        When it is no finite number; ``remedy`` says which settings to change.
    """
    value = loss.item()
    if not math.isfinite(value):
        raise UserError(f"the loss became {value} in training; {remedy}")
    return value


def descend(optimiser, loss, remedy):
    """Step down the gradient of a loss and return its value; see :func:`finite`."""
    value = finite(loss, remedy)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return value
