"""What a method needs of cells that not all cells have, told in one line."""

import pandas as pd

from spclust.errors import UserError


def enough_cells(n_cells, n_clusters):
    """Refuse fewer cells than clusters.

    Raises
    ------
    UserError
    """
    if n_cells < n_clusters:
        raise UserError(
            f"n_clusters: {n_clusters} clusters were asked of {n_cells} cells; lower it in the "
            "config"
        )


def refuse_one_point(coordinates, images, where):
    """Refuse an image all of whose cells lie at one point.

    Parameters
    ----------
    coordinates : array, shape (n, 2)
        Missing where a cell has no place.
    images : array, shape (n,)
    where : str
        What the cells are of, for the message.

    Raises
    ------
    UserError
    """
    places = pd.DataFrame(coordinates).groupby(images, observed=True)
    sizes = places.size()
    spans = (places.max() - places.min()).sum(axis=1)
    placed = places.count().min(axis=1) > 0
    for name in sizes.index[(spans == 0) & placed & (sizes > 1)]:
        x, y = coordinates[images == name][0]
        raise UserError(
            f"{where}: all {sizes[name]} cells of the image {name!r} lie at one point "
            f"({x:g}, {y:g}); check the columns named as  x:, y:  and  image:  of the dataset"
        )


def several_features(task):
    """Refuse cells of a single feature.

    Parameters
    ----------
    task : spclust.methods.task.Task

    Raises
    ------
    UserError
    """
    names = task.cells.feature_names
    if len(names) < 2:
        raise UserError(
            f"method.{task.name}: these cells have one feature, {names[0]!r}, which leaves the "
            "method nothing to learn relations from; give it at least 2 (dataset keys `proteins`, "
            "`exclude_proteins`, preprocess.<name>.panel), or run kmeans"
        )


def places(task):
    """Refuse cells whose place in the tissue is not known.

    Parameters
    ----------
    task : spclust.methods.task.Task

    Raises
    ------
    UserError
    """
    refuse_unplaced(task.cells, f"method.{task.name}: the method")


def refuse_unplaced(cells, needing):
    """Refuse cells whose place in the tissue is not known, for what needs it.

    Parameters
    ----------
    cells : Cells
    needing : str
        What needs it, with where it is set.

    Raises
    ------
    UserError
    """
    lost = ~cells.placed
    if lost.any():
        raise UserError(
            f"{needing} needs the place of each cell, and {lost.sum()} of {len(lost)} have none, "
            f"the first {cells.ids[lost][0]!r}; name their columns as  x:  and  y:  of the "
            "dataset, or run methods that need no places (scrcl, leiden, kmeans)"
        )
