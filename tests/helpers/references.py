"""What losses are held against: gradients by differences, dense graphs."""

import numpy as np
import scipy.sparse as sp


def numeric_gradient(f, x, step=1e-6):
    """Central differences of a scalar function of an array."""
    grad = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        grad[place] = (f(up) - f(down)) / (2 * step)
    return grad


def random_graph(rng, n, density=0.3):
    """A symmetric binary sparse graph without self-loops."""
    upper = np.triu(rng.random((n, n)) < density, 1).astype(np.float32)
    return sp.csr_matrix(upper + upper.T)


def normalised(adjacency):
    """``D^-1/2 A D^-1/2`` of a dense matrix."""
    root = 1 / np.sqrt(adjacency.sum(1))
    return adjacency * root[:, None] * root
