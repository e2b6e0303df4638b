"""Ids, places, images and labels of a per-cell table, told by the names of its columns."""

import re

import numpy as np
import pandas as pd

from spclust.knowledge.other_columns import background

# compared without case, spaces and punctuation; earlier names win
_CELL_ID = (
    "cellid cellids objectid objectnumber object cellbarcode barcode cellname cell cellindex id "
    "cellnb cellno cellnr cellnumber celllabelinimage objectlabel uniquelabel "
    "cellsnumberobjectnumber cellsobjectnumber numberobjectnumber entityid unnamed0 index"
).split()
# finer divisions first, so that no graph crosses images
_IMAGE = (
    "image imageid imagename imagenumber imgid imgname fov fovid fovname roi roiid roiname "
    "acquisition acquisitionid acname point pointid pointnum pointnumber filename file filenamex "
    "imagefilename imagefile imagelocation imagetag scene sceneid samplename sampleid sample core "
    "coreid tmacore tmacoreid tmaspot slice sliceid slide slideid libraryid uniqueregion region "
    "regionid regionindex "
    "regionnumber regionname"
).split()
# a column of nothing but these parts one image, whatever it is called
_PARTS_OF_AN_IMAGE = set(
    "core edge center centre central margin border rim periphery peripheral inside outside in out "
    "tumor tumour nontumor nontumour stroma stromal normal invasive front necrosis necrotic "
    "background other none unknown epithelium epithelial tissue glass adjacent distal proximal "
    "intratumoral peritumoral of the and non region area".split()
)
# these also part one image into areas of the tissue
_AREAS = "region regionid core roi roiname".split()
_LABEL = (
    "celltype celltypes celltypename cellphenotype phenotype phenotypes cellmetacluster finalannot "
    "finalannotation cellannotation annotation annotations celllabel clustername groundtruth "
    "phenotypename classname classification class population scgp label labels"
).split()
_COORDINATES = (
    "{} {}centroid centroid{} cell{}position {}position position{} pos{} {}pos coord{} {}coord "
    "{}coordinate coordinate{} {}coordinates spatial{} locationcenter{} areashapecenter{} "
    "center{} {}center {}cent {}{} centroid{}um centroid{}m centroid{}px {}um {}px "
    "pixel{} {}pixel {}location location{} global{} {}global center{}globalpx center{}um "
    "center{}localpx mc{}"
).split()
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NO_PLACE = set(
    "umap tsne sne pca phate latent embedding min max minimum maximum bbox bounding tile within "
    "orientation shift offset size scale width height resolution nucleus nuclei nuclear".split()
)
_OF_CELLS = {"cell", "cells", "object"}
_MIDDLE = {"center", "centre", "centroid", "location", "position", "mid", "middle"}
# share of neighbours from the own group, above chance, that areas of one image have
_APART = 0.5


def plain(name):
    """A column name without case, spaces and punctuation, said once where a program doubles it."""
    first, _, second = str(name).partition(":")
    text = (first if first == second else str(name)).replace("µ", "u").replace("μ", "u")
    return re.sub(r"[^a-z0-9]", "", text.strip().lower().removeprefix("metadata_"))


def _first(columns, names):
    by_plain_name = {}
    for column in columns:
        by_plain_name.setdefault(plain(column), column)
    return next((by_plain_name[name] for name in names if name in by_plain_name), None)


def cell_id(columns):
    """Column of cell ids, or None."""
    return _first(columns, _CELL_ID)


def coordinates(columns):
    """Columns of x and y, or (None, None)."""
    columns = list(columns)
    for form in _COORDINATES:
        x, y = (_first(columns, [form.format(axis, axis)]) for axis in "xy")
        if x is not None and y is not None:
            return x, y
    # scikit-image counts rows first: centroid-0 is y
    x, y = (_first(columns, [f"centroid{axis}"]) for axis in "10")
    return (x, y) if x is not None and y is not None else _by_axis(columns)


def _by_axis(columns):
    """Two columns whose names differ in a word x and a word y only, or (None, None)."""
    words = {c: tuple(w.lower() for w in _WORD.findall(str(c))) for c in columns}
    by_words = {names: c for c, names in reversed(words.items())}
    found = []
    for column, names in words.items():
        other = by_words.get(tuple("y" if word == "x" else word for word in names))
        if names.count("x") == 1 and other is not None and not _NO_PLACE & set(names):
            rank = [not (_OF_CELLS & set(names)), not (_MIDDLE & set(names))]
            found.append((rank, len(found), (column, other)))
    return min(found)[-1] if found else (None, None)


def image(frame):
    """Column of images, or None.

    A column whose groups are called core and edge parts one image, and so does one such as
    ``region`` whose groups share an extent and keep apart within it. Of several the first counts,
    but where ids start anew in images of another, or another parts its images: ``ROI`` 1 to 3 of
    each ``sample_id``.
    """
    images, number = list(_images(frame)), cell_id(frame.columns)
    first = next(iter(images), None)
    if len(images) > 1 and number is not None and _twice(frame, [first, number]):
        first = next((c for c in images if not _twice(frame, [c, number])), first)
    if len(images) > 1 and not plain(first).startswith(("image", "file")):
        parts = {c: frame[[first, c]].drop_duplicates() for c in images if c != first}
        finer = [
            c for c, p in parts.items() if len(p) == frame[c].nunique() > frame[first].nunique() > 1
        ]
        return (finer or [first])[0]
    return first


def across(frame, image):
    """Another column that may name images, within several of whose images one image lies."""
    for other in _images(frame):
        parts = frame[[image, other]].drop_duplicates()
        if len(parts) > max(frame[image].nunique(), frame[other].nunique()):
            return other
    return None


def _images(frame):
    names = list(_IMAGE)
    while (column := _first(_groupings(frame, names), names)) is not None:
        if not (_names_parts(frame[column]) or _parts_one_image(frame, column)):
            yield column
        names.remove(plain(column))


def _twice(frame, columns):
    return frame.duplicated(columns).any()


def label(frame):
    """Column of reference labels, or None."""
    near = [c for c in _groupings(frame, _LABEL) if not is_cell_number(frame, c)]
    return _first([c for c in near if frame[c].nunique() > 1], _LABEL)


def is_text(column):
    """Whether a column, by its name, holds ids or images, which are no numbers."""
    return plain(column) in _CELL_ID or plain(column) in _IMAGE


def is_cell_number(frame, column):
    """Whether a column counts the cells, anew in each image: ``label`` of a mask."""
    values = pd.to_numeric(frame[column], errors="coerce")
    if values.isna().any() or (values % 1 != 0).any() or len(values) < 3:
        return False
    within = image(frame.drop(columns=column))
    twice = frame.duplicated([column] if within is None else [within, column])
    return not twice.any()


def _groupings(frame, names):
    # a column that names nearly every cell anew is an id, whatever it is called
    near = [c for c in frame.columns if plain(c) in names and not background(c)]
    return [c for c in near if frame[c].nunique() * 2 <= max(len(frame), 2)]


def _names_parts(column):
    values = column.dropna().unique()
    words = {word for value in values for word in re.findall(r"[^\W_]+", str(value).lower())}
    return len(values) > 1 and words <= _PARTS_OF_AN_IMAGE


def _parts_one_image(frame, column):
    """Whether groups of cells share one extent and keep apart within it."""
    from sklearn.neighbors import NearestNeighbors

    if plain(column) not in _AREAS:
        return False
    x, y = coordinates([c for c in frame.columns if c != column])
    if x is None:
        return False
    rows = np.unique(np.linspace(0, len(frame) - 1, 5000).astype(int))
    places = frame[[x, y]].iloc[rows].apply(pd.to_numeric, errors="coerce")
    known = places.notna().all(axis=1).to_numpy()
    places, groups = places[known].to_numpy(), frame[column].iloc[rows][known].astype(str)
    sizes = groups.value_counts()
    if len(places) < 20 or len(sizes) < 2:
        return False
    low, high = (places.min(axis=0), places.max(axis=0))
    boxes = pd.DataFrame(places, index=groups).groupby(level=0).agg(["min", "max"]).to_numpy()
    share = np.prod((boxes[:, 1::2] - boxes[:, ::2]) / np.maximum(high - low, 1e-12), axis=1)
    if share.sum() < 1.2:  # groups side by side: cores of one slide
        return False
    near = NearestNeighbors(n_neighbors=min(6, len(places))).fit(places).kneighbors()[1]
    groups = groups.to_numpy()
    own = (groups[near] == groups[:, None]).mean()
    chance = ((sizes / sizes.sum()) ** 2).sum()
    return own > chance + _APART * (1 - chance)
