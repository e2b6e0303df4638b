"""Terms over all pairs of cells that compare the relations of cells in two views.

Where a term is the square of an inner-product matrix it needs no matrix of n x n and no sample of
its rows: the sum of the squares of ``a @ b.T`` is that of the elementwise product of ``a.T @ a``
and ``b.T @ b``, which are as wide as the embedding. So the similarity telescope and the
consistency with a graph are exact over all pairs in O(n d²). The largest similarities have no
such form: they are sought block by block (:class:`spclust.nn.pairwise.Blocks`), for all cells
or for a sample, the anchors.
"""

import torch
from torch import Tensor

from spclust.nn.neighbourhoods import Neighbourhoods
from spclust.nn.pairwise import Blocks


def relational_consistency(z1: Tensor, z2: Tensor) -> Tensor:
    """Mean squared difference of S and its transpose, S the cosines of two views' cells.

    The similarity telescope of Spotscape (Oh et al. 2025): cell i of one view is as similar to
    cell j of the other as cell j of the one is to cell i of the other.

    With u = z1 + z2 and v = z1 - z2, S - S' is half of v u' - u v', whose square is written in
    matrices that are as small as the views' difference, so that nothing large cancels.

    Parameters
    ----------
    z1, z2 : Tensor, shape (n, d)
        Of any length; rows are brought to unit length here.
    """
    z1, z2 = (torch.nn.functional.normalize(z, dim=1) for z in (z1, z2))
    u, v = z1 + z2, z1 - z2
    crossed = u.t() @ v
    squares = ((u.t() @ u) * (v.t() @ v)).sum() - (crossed * crossed.t()).sum()
    return 0.5 * squares / len(z1) ** 2


def graph_consistency(z1: Tensor, z2: Tensor, graph: Neighbourhoods) -> Tensor:
    """Mean squared difference of the cosines between two views and the edges of a graph.

    The cross-view consistency of scRCL (Eq. 9).

    Parameters
    ----------
    z1, z2 : Tensor, shape (n, d)
        Rows of unit length.
    graph : Neighbourhoods
        Symmetric, with self-loops.
    """
    pairs = ((z1.t() @ z1) * (z2.t() @ z2)).sum()
    on_edges = (z1 * graph.total(z2)).sum()
    return (pairs - 2 * on_edges + graph.weight.square().sum()) / len(z1) ** 2


@torch.no_grad()
def most_similar(rows: Tensor, columns: Tensor, k: int, exclude=None, blocks=None) -> Tensor:
    """The columns that each row is most similar to, by inner product.

    Parameters
    ----------
    rows : Tensor, shape (a, d)
    columns : Tensor, shape (m, d)
    k : int
        At most m, less than m where a column is left out.
    exclude : Tensor of int64, shape (a,), optional
        The one column that each row leaves out, -1 for none.
    blocks : Blocks, optional

    Returns
    -------
    Tensor of int64, shape (a, k)
    """

    def accumulate(size):
        nearest = []
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            similarity = rows[part] @ columns.t()
            if exclude is not None:
                out = exclude[part].unsqueeze(1)
                kept = torch.where(out < 0, similarity.gather(1, out.clamp(min=0)), -torch.inf)
                similarity.scatter_(1, out.clamp(min=0), kept)
            nearest.append(similarity.topk(k, dim=1).indices)
        return torch.cat(nearest)

    return (blocks or Blocks()).run(accumulate, rows, columns)


def mean_similarity(rows: Tensor, columns: Tensor, chosen: Tensor) -> Tensor:
    """Mean inner product of each row with its chosen columns (a, k), shape (a,)."""
    # the gradient of index_select adds rows in a fixed order, that of columns[...] in any
    near = columns.index_select(0, chosen.flatten()).view(*chosen.shape, -1)
    return (rows.unsqueeze(1) * near).sum(2).mean(1)


def scale_matching(
    z1: Tensor,
    z2: Tensor,
    slices: Tensor,
    k: int,
    itself: bool = False,
    anchors: Tensor | None = None,
    blocks: Blocks | None = None,
) -> Tensor:
    """How far similarities within slices and between them differ in scale.

    The similarity scale matching of Spotscape: squared difference of the mean of a cell's k
    largest similarities within its slice and that of its k largest to each other slice, summed
    over the other slices and averaged over cells.

    Parameters
    ----------
    z1, z2 : Tensor, shape (n, d)
        Two views; similarities are cosines of a cell of the first and one of the second.
    slices : Tensor of int64, shape (n,)
    k : int
        Of a smaller slice all cells.
    itself : bool
        Whether a cell's own other view counts among those within its slice.
    anchors : Tensor of int64, shape (a,), optional
        Average over these cells, a uniform sample, instead of all; they still look at all cells.
    blocks : Blocks, optional
        Of the training; by default of this call alone.

    Returns
    -------
    Tensor, scalar
        Zero where there is one slice, or where a slice is a single cell.
    """
    z1, z2 = (torch.nn.functional.normalize(z, dim=1) for z in (z1, z2))
    chosen = torch.arange(len(z1), device=z1.device) if anchors is None else anchors
    total = z1.new_zeros(())
    members = [torch.nonzero(slices == s).squeeze(1) for s in slices.unique()]
    for own in members:
        in_own = chosen[slices.index_select(0, chosen) == slices[own[0]]]
        others = len(own) - (not itself)
        if len(in_own) == 0 or others == 0:
            continue
        rows = z1.index_select(0, in_own)
        means = []
        for columns in members:
            there, exclude, size = z2.index_select(0, columns), None, min(k, len(columns))
            if columns is own and not itself:
                exclude, size = torch.searchsorted(own, in_own), min(k, others)
            near = most_similar(rows.detach(), there.detach(), size, exclude, blocks)
            means.append(mean_similarity(rows, there, near))
            if columns is own:
                within = means.pop()
        for between in means:
            total = total + (within - between).square().sum()
    return total / len(chosen)
