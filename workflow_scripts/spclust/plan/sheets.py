"""What is read of sheets of samples before anything runs: the size of pixels.

Imported by Snakemake itself, so it may use the standard library only.
"""

from dataclasses import asdict

from spclust.data import sample_sheet
from spclust.errors import UserError


def refuse_unreadable(slices):
    """Refuse sheets of samples that cannot be read, before anything runs.

    Parameters
    ----------
    slices : dict of str to dict
        Definition of each dataset.

    Raises
    ------
    UserError
    """
    for definition in slices.values():
        pixel_sizes(definition)


def pixel_sizes(definition):
    """What the sheet of samples of a dataset says of coordinates.

    Parameters
    ----------
    definition : dict
        Of the dataset.

    Returns
    -------
    dict
        ``pixel_size`` as the import takes it; empty where no sheet says anything of it.

    Raises
    ------
    UserError
        When the sheet cannot be read, or the dataset has a ``pixel_size`` of its own.
    """
    if "samples" not in definition:
        return {}
    sheet = sample_sheet.with_pixel_sizes(definition["samples"])
    if sheet is None:
        return {}
    if "pixel_size" in definition:
        raise UserError(
            f"{definition['samples']}: it has a column of `pixel_size`, which the dataset has, "
            "too; take one of the two out"
        )
    return {"pixel_size": asdict(sheet)}
