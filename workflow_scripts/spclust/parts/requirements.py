"""What a method needs of cells that not all cells have, told in one line."""

import numpy as np

from spclust.errors import UserError


def several_features(task):
    """Refuse cells of a single feature.

    Parameters
    ----------
    task : spclust.methods.Task

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
    task : spclust.methods.Task

    Raises
    ------
    UserError
    """
    lost = ~np.isfinite(task.cells.coordinates).all(axis=1)
    if lost.any():
        raise UserError(
            f"method.{task.name}: {lost.sum()} of {len(lost)} cells have no place in the tissue, "
            f"the first is {task.cells.ids[lost][0]!r}, and the method needs one of each; name "
            "the columns as  x:  and  y:  of the dataset, or run a method without (scrcl, leiden)"
        )
