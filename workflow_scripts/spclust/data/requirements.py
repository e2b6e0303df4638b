"""What a method needs of cells that not all cells have, told in one line."""

from spclust.errors import UserError


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
