"""Input formats, one module each; this folder is the list of them.

To add a format, put a module here, named as ``format:`` of a dataset is to name it, with::

    READS = ("*.csv",)
    PRIORITY = 0


    def recognises(files):
        ...


    def read(files, cfg):
        ...

``READS``
    Names of the files that it may read, without capitals, as patterns of :mod:`fnmatch`; with the
    folder where that matters, ``"regionprops/*.csv"``; ``"tables"`` are all tables, in text,
    parquet, feather or Excel. Written out, since Snakemake reads it without running the module: an
    edit of a reader imports again what it may read, no other file, and so does a new one. With
    ``format:`` the reader named there counts alone.

``FOLDER``
    Left out, a folder counts as all tables in it. Where a program's folder holds much else, for
    each file that is needed the names that it may have, of which the first that is there counts:
    ``(("*cells.parquet", "*cells.csv.gz"), ("*cell_feature_matrix.h5",))``.

``recognises(files)``
    Whether the files (list of Path; of a folder all its tables, a Zarr store as its folder), of
    which it may read one, are of this format, told by names or first lines; some may be of another
    kind, such as labels beside them. Left out, they are where it may read all of them. Readers are
    asked by ``PRIORITY``, smallest first, then by name; the first to say yes reads. Left out,
    ``PRIORITY`` is 0; the readers that take any file of a suffix have 1 (``h5ad``, ``h5mu``) and 2
    (``table``).

``read(files, cfg)``
    The cells, as whichever of these is the least work. ``cfg`` holds the keys of the dataset.

    AnnData
        Of one modality. Cell ids are ``obs_names`` (they may start anew in each image), places
        ``obsm['spatial']`` or columns of ``obs`` named like x and y.
    MuData, or dict of modality name to AnnData
        Of several. Cells are joined on ``obs_names``.
    Table (:mod:`spclust.io.tables`)
        Rows of text files; messages about a value then name its file and line. Its ``roles`` are
        the columns whose meaning the format settles. :mod:`spclust.io.images` reads files of
        several images, :mod:`spclust.io.joining` joins what lies beside.

    What is neither settled by the format nor said by the user is judged by the names of the
    columns. Finite numbers, unique names, places, labels and images are checked behind the
    reader, alike for every format.

A text format whose columns have names of their own, in full::

    import anndata
    import pandas as pd


    READS = ("*_cells.tsv",)


    def read(files, cfg):
        frame = pd.read_csv(files[0], sep="\\t", dtype={"cell": str}).set_index("cell")
        values = frame.filter(regex="^mean_").rename(columns=lambda name: name[5:])
        places = frame[["um_right", "um_down"]].to_numpy()
        return anndata.AnnData(values, obs=frame[["fov"]], obsm={"spatial": places})
"""

import importlib

from spclust.data import first_bytes, formats
from spclust.errors import UserError


def load(name):
    """The reader of a format."""
    return importlib.import_module(f"{__name__}.{name}")


def recognise(files):
    """Name of the format of some files.

    Raises
    ------
    UserError
        When no reader takes them.
    """
    inside = [at for file in files for at in (file.iterdir() if file.is_dir() else [file])]
    reader = next((name for name in formats.reading(inside) if _takes(name, files)), None)
    if reader is None:
        # says of what is never read what to export instead
        kinds = [first_bytes.of(file) for file in files if file.is_file()]
        likely = "h5ad" if first_bytes.HDF5 in kinds else "table"
        raise UserError(
            f"{', '.join(map(str, files[:3]))}: the format is not clear from the names; write e.g. "
            f" format: {likely}  in the dataset's entry (or {', '.join(sorted(formats.names()))})"
        )
    return reader


def _takes(name, files):
    recognises = getattr(load(name), "recognises", None)
    return recognises(files) if recognises else all(formats.may_read(name, f) for f in files)
