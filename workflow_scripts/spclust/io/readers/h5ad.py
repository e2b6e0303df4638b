"""AnnData files: one of all cells, or one a modality."""

from spclust.errors import UserError
from spclust.io import hdf5

READS = ("*.h5ad", "*.h5", "*.hdf5", "*.loom", "*.h5seurat")
PRIORITY = 1


def read(files, cfg):
    """An AnnData or, where ``path`` names files by modality, one each."""
    if isinstance(cfg.get("path"), dict):
        return {name: hdf5.read_anndata(file) for name, file in zip(cfg["path"], files)}
    path, *others = files
    if others:
        raise UserError(
            f"{others[0]}: one h5ad file a dataset; make {path} a dataset of its own or, if the "
            f"files hold two modalities of the same cells, name them: "
            f" path: {{rna: {path.name}, adt: {others[0].name}}}"
        )
    return hdf5.read_anndata(path)
