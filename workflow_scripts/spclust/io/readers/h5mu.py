"""MuData files: several modalities of the same cells."""

from spclust.errors import UserError
from spclust.io import hdf5

READS = ("*.h5mu",)
PRIORITY = 1


def read(files, cfg):
    path, *others = files
    if others:
        raise UserError(f"{others[0]}: one h5mu file a dataset; make {path} a dataset of its own")
    return hdf5.read_mudata(path)
