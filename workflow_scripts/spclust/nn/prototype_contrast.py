"""Cells against the prototypes of their clusters, at one number of clusters or at several."""

import math
import warnings

import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

# a step of training moves cells little: from the centres of before KMeans needs few steps
STEPS, STARTS = 20, 10


def prototype_loss(z: Tensor, centres: Tensor, labels: Tensor, temperature=1.0) -> Tensor:
    """Cross-entropy of the cosines to the centres, which are constants.

    Parameters
    ----------
    z : Tensor, shape (n, d)
    centres : Tensor, shape (k, d)
    labels : Tensor of int64, shape (n,)
    temperature : float
    """
    normalize = torch.nn.functional.normalize
    cosines = normalize(z, dim=1) @ normalize(centres, dim=1).t()
    return torch.nn.functional.cross_entropy(cosines / temperature, labels)


def numbers_of_prototypes(n_clusters, granularity):
    """How many prototypes there are at each granularity, a growing list.

    Parameters
    ----------
    n_clusters : int
    granularity : sequence of float
        Multiples of it, as Spotscape's 1, 1.5 and 2.
    """
    numbers = []
    for share in granularity:
        number = math.ceil(n_clusters * share)
        numbers.append(max(number, numbers[-1] + 1) if numbers else max(number, 1))
    return numbers


def clusterings(z: Tensor, arrays: dict, numbers, seed: int):
    """KMeans of cells at several numbers of clusters, from the centres of before.

    Parameters
    ----------
    z : Tensor, shape (n, d)
        No gradient flows through it.
    arrays : dict of str to array
        ``centres_<k>`` are replaced; without them KMeans starts anew.
    numbers : sequence of int
        No more of them than cells are used.
    seed : int

    Yields
    ------
    (Tensor (k, d), Tensor of int64 (n,))
        Centres and labels.
    """
    values = z.detach().cpu().numpy()
    for k in dict.fromkeys(min(k, len(values)) for k in numbers):
        name = f"centres_{k}"
        start = {"init": arrays[name], "n_init": 1} if name in arrays else {"n_init": STARTS}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different cells than k
            model = KMeans(k, random_state=seed, max_iter=STEPS, **start).fit(values)
        arrays[name] = model.cluster_centers_
        labels = torch.from_numpy(model.labels_).long()
        yield torch.from_numpy(model.cluster_centers_).to(z), labels.to(z.device)


def contrast_at_granularities(z, clustered, arrays, numbers, temperature, seed) -> Tensor:
    """Mean over granularities of the prototypes' loss of ``z``, clusters those of ``clustered``.

    The prototypical contrast of Spotscape, with the minus sign that makes it a loss; arguments
    as in :func:`clusterings`.
    """
    of_granularities = clusterings(clustered, arrays, numbers, seed)
    terms = [
        prototype_loss(z, centres, labels, temperature) for centres, labels in of_granularities
    ]
    return torch.stack(terms).mean()
