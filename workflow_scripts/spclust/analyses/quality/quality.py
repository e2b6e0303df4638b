"""Quality of a dataset before anything is clustered."""

import logging

import numpy as np
import pandas as pd

from spclust.analyses.quality import batches, images, markers, outliers, page, spill_over
from spclust.analyses.quality.suggestions import suggestions
from spclust.analyses.quality.tissue import tissue_of
from spclust.data.cell_files import unit_of
from spclust.knowledge.signatures import read_knowledge_tables
from spclust.stages.preprocess.batch import batches as batches_of

log = logging.getLogger(__name__)

# reason of a flag to the column of images that counts it
COUNTED = {
    "empty": "empty",
    "saturated": "saturated",
    "area": "area_odd",
    "nuclear stain": "nuclear_stain_odd",
}


def analyse(task):
    """Look at the imported cells of a dataset; see the card for what is left."""
    signatures, proteins = read_knowledge_tables(task.files)
    data, settings = task.imported, task.settings
    tissue = tissue_of(data, batches_of, settings["sampled_cells"], task.seed)
    stains = tissue.nuclear(proteins)
    flags, limits = outliers.flagged_cells(tissue, stains, settings["deviations"])

    x = tissue.scaled(tissue.sample).astype(np.float64)
    names, grid, density, deviation = images.distributions(x, tissue.image[tissue.sample])
    shift = images.shifts(grid, density, deviation)
    of_images = _image_table(tissue, data, flags, names, shift)
    # what is stained apart would be a second population of every marker
    usual = tissue.without(of_images["image"][of_images["outlier"]])
    usual_x = usual.scaled(usual.sample).astype(np.float64)
    of_markers = markers.marker_table(tissue, usual, usual_x)
    batch_shift = images.shifts(*images.distributions(x, tissue.batch[tissue.sample])[1:])

    corrections = batches.corrections(tissue, x, task.seed)
    advice = suggestions(tissue, of_markers, limits, batch_shift, corrections)
    for row in advice.itertuples():
        log.warning("%s: %s", row.reason, row.line or "nothing to paste")
    tables = {
        "suggestions": advice,
        "images": of_images,
        "markers": of_markers.drop(columns="cutoff"),
        "pairs": spill_over.pair_table(usual, of_markers, signatures, proteins),
        "corrections": corrections,
    }
    shown = {row.what: None for row in limits.itertuples() if row.reason != "empty"}
    values = stains | {c: tissue.obs[c].to_numpy() for c in shown if c in tissue.obs}
    return {
        **{f"{name}.csv": table for name, table in tables.items()},
        "marker_images.csv": images.marker_images(tissue, x, names, shift),
        "correlations.csv": markers.correlations(
            usual.names, markers.within(usual_x, usual.image[usual.sample])
        ),
        "densities.csv": images.shown_densities(tissue, names, grid, density, shift),
        "flagged_cells.csv": flags,
        "limits.csv": limits,
        "histograms.csv": outliers.histograms(tissue, {w: values[w] for w in shown}),
        "quality.html": page.page(task.about.get("dataset", "dataset"), tables),
    }


def _image_table(tissue, data, flags, names, shift):
    table = images.sizes(tissue, unit_of(data)).set_index("image")
    usual = np.median(tissue.total)
    by_image = pd.Series(tissue.total).groupby(tissue.image).median()
    table["brightness"] = by_image / usual if usual > 0 else np.nan
    for reason in COUNTED:
        counted = flags[flags["reason"] == reason].drop_duplicates("cell")["image"].value_counts()
        table[COUNTED[reason]] = counted.reindex(table.index).fillna(0) / table["cells"]
    several = len(names) > 1 and shift.shape[1] > 0
    far = np.median(np.abs(shift), axis=1) if several else np.nan
    table["shift"] = pd.Series(far, names, dtype=float).reindex(table.index)
    farthest = np.abs(shift).argmax(axis=1) if several else []
    table["farthest"] = pd.Series(
        np.array(tissue.names, dtype=object)[farthest], names[: len(farthest)]
    )
    table["outlier"] = table["shift"] > images.OUTLIER
    return table.reset_index()
