"""Xenium: the table of cells and ``cell_feature_matrix.h5``, of genes and of proteins."""

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from spclust.data.cell_files import PROTEIN, RNA, SPATIAL, set_unit
from spclust.errors import UserError
from spclust.io import expression, hdf5, tables
from spclust.io import rows as of_files

READS = ("*.h5", "*cells.csv", "*cells.csv.gz", "*cells.parquet")
FOLDER = (("*cells.parquet", "*cells.csv.gz", "*cells.csv"), ("*cell_feature_matrix.h5",))
PLACES = ["x_centroid", "y_centroid"]
# what is measured; any other type of feature is a control
MODALITIES = {
    "Gene Expression": RNA,
    "Protein Expression": PROTEIN,
    "Antibody Capture": PROTEIN,
}


def recognises(files):
    cells, matrices = _parted(files)
    alone = not matrices and any("transcript_counts" in tables.header(file) for file in cells)
    return bool(cells and matrices) or alone  # alone it is told what belongs to it


def read(files, cfg):
    """Genes and proteins of the cells, each a modality.

    Raises
    ------
    UserError
        When there is not one table and one matrix, or they have no cell in common.
    """
    cells, matrices = _parted(files)
    if len(cells) != 1 or len(matrices) != 1:
        raise UserError(
            f"{files[0]}: of Xenium one table of cells (cells.parquet or cells.csv.gz, with "
            "cell_id, x_centroid, y_centroid) and one cell_feature_matrix.h5 are read, there are "
            f"{len(cells)} and {len(matrices)}; name them as  path: [cells.parquet, "
            "cell_feature_matrix.h5]"
        )
    table = tables.read(cells[0], text=["cell_id"])
    tables.clean_text(table, "cell_id", "cell_id")
    tables.unique(table, ["cell_id"])
    matrix, barcodes, features = hdf5.whole(matrices[0], _matrix)
    ids = pd.Index(table.frame["cell_id"])
    rows = barcodes.get_indexer(ids)
    expression.say_in_common(rows, (barcodes, ids), (matrices[0], cells[0]))
    table = table.without(rows < 0, f"not in {matrices[0]}")
    rows = rows[rows >= 0]
    obs = table.frame.set_index("cell_id", drop=False).rename_axis(None)
    places = tables.numbers(table.frame, PLACES, table.place, "correct it, or remove the cell")
    controls = [kind not in MODALITIES for kind in features["feature_type"]]
    expression.without_controls(features["name"], controls, matrices[0])
    as_read = {"id": "cell_id", "x": PLACES[0], "y": PLACES[1]}
    noted = of_files.of_table(table, as_read, table.frame["cell_id"])
    parts = {}
    for modality in dict.fromkeys(MODALITIES.values()):
        own = np.flatnonzero(features["feature_type"].map(MODALITIES.get) == modality)
        if len(own):
            var = features.iloc[own].set_index("name").rename_axis(None)
            parts[modality] = anndata.AnnData(matrix[rows][:, own], obs=obs, var=var)
            parts[modality].obsm[SPATIAL] = places
            parts[modality].uns[of_files.NOTED] = noted
            set_unit(parts[modality], "µm")
    return parts


def _parted(files):
    """Tables of cells and matrices among some files."""
    matrices = [file for file in files if file.suffix.lower() == ".h5"]
    others = [file for file in files if file not in matrices]
    cells = [f for f in others if {"cell_id", *PLACES} <= {*tables.header_if_any(f)}]
    return cells, matrices


def _matrix(path):
    """Cells by features, names of cells, and what the features are."""
    import h5py

    with h5py.File(path) as file:
        if "matrix/features" not in file:
            raise UserError(
                f"{path}: not a matrix of 10x Genomics as of today, which has a group "
                "'matrix/features'; name cell_feature_matrix.h5"
            )
        group = file["matrix"]
        # features by cells, a column a cell
        shape = [int(n) for n in group["shape"][:]][::-1]
        indices, starts = (group[key][:].astype(np.int64) for key in ("indices", "indptr"))
        matrix = sp.csr_matrix((group["data"][:].astype(np.float32), indices, starts), shape=shape)
        barcodes = pd.Index([name.decode() for name in group["barcodes"][:]])
        features = pd.DataFrame(
            {
                key: [value.decode() for value in group["features"][key][:]]
                for key in ("name", "id", "feature_type")
            }
        )
    # two genes may bear one name
    twice = features["name"].duplicated(keep=False)
    features.loc[twice, "name"] = features["name"] + "_" + features["id"]
    return matrix, barcodes, features
