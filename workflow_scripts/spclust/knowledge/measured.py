"""Measured proteins on one scale, by what their names mean."""

import numpy as np

from spclust.knowledge.panel import recognise

LOWEST, HIGHEST = -3.0, 5.0  # standard deviations


def by_protein(cells, proteins):
    """Standardised values of each recognised protein, mean of the features that measure it.

    Parameters
    ----------
    cells : Cells, n of them
    proteins : DataFrame

    Returns
    -------
    dict of str to array, shape (n,)
        By canonical name, within -3 and 5 standard deviations.
    """
    columns = {}
    for modality, x in cells.features.items():
        for column, name in enumerate(recognise(cells.names[modality], proteins)["canonical"]):
            values = x[:, column].astype(np.float64)
            if name is not None and values.std() > 0:
                z = (values - values.mean()) / values.std()
                columns.setdefault(name, []).append(z.clip(LOWEST, HIGHEST))
    return {name: np.mean(z, axis=0) for name, z in columns.items()}
