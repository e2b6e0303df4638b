"""What the columns of a per-cell table mean, judged by their names."""

import re

import pandas as pd

# compared without case, spaces and punctuation; earlier names win
_CELL_ID = (
    "cellid cellids objectid objectnumber object cellbarcode barcode cellname cell cellindex id "
    "unnamed0 index"
).split()
# finer divisions first, so that no graph crosses images
_IMAGE = (
    "image imageid imagename imagenumber imgid fov fovid fovname roi roiid roiname acquisition "
    "acquisitionid metadataroi metadataacquisition metadataimage metadatafov metadatacore point "
    "pointid pointnumber filename filenamex imagefilename imagelocation imagetag scene samplename "
    "sampleid sample core coreid tmacore tmacoreid tmaspot slice sliceid slide slideid libraryid "
    "uniqueregion region regionid"
).split()
# a column of nothing but these parts one image, whatever it is called
_PARTS_OF_AN_IMAGE = set(
    "core edge center centre central margin border rim periphery peripheral inside outside in out "
    "tumor tumour nontumor nontumour stroma stromal normal invasive front necrosis necrotic "
    "background other none unknown epithelium epithelial tissue glass adjacent distal proximal "
    "intratumoral peritumoral of the and non region area".split()
)
_LABEL = (
    "celltype celltypes celltypename cellphenotype phenotype phenotypes finalannot "
    "finalannotation cellannotation annotation annotations celllabel clustername groundtruth "
    "classname class population scgp label labels"
).split()
_COORDINATES = (
    "{} {}centroid centroid{} cell{}position {}position position{} pos{} {}pos coord{} {}coord "
    "{}coordinate coordinate{} {}coordinates spatial{} locationcenter{} areashapecenter{} "
    "center{} {}center centroid{}um centroid{}m centroid{}px {}um {}px pixel{} {}pixel {}location "
    "location{} global{} {}global center{}globalpx center{}localpx"
).split()

# channels that are measured but name no protein; `exclude_proteins` replaces them
EXCLUDED = [
    r"(?i)(^|[^a-z])([ds]s)?dna[ _-]?\d*($|[^a-z0-9 _-]|[ _-](?!pk))",
    r"(?i)dapi|hoechst|draq\s?5|sytox|iridium|(^|[^a-z0-9])19[13]ir|ir19[13]",
    r"(?i)^(background|blank|empty|autofluorescence)([ _-]?\d+)?$",
    r"^(Au|Ca|Fe|Na|P|Si|Ta)$",
]
# channel names as the CODEX processor writes them: "CD4 - T helper cells:Cyc_6_ch_3"
_CODEX = re.compile(r":Cyc_\d+_ch_\d+$")

# a column with one of these words in its name is no protein (singular; camel case is split)
_WORDS = set(
    "acquisition annotation area aspect axis batch bbox boundary centroid circularity cluster "
    "compactness convex coord coordinate core count diameter distance donor eccentricity "
    "elongation euler extent feret file fov height homogeneity image index leiden length louvain "
    "neighborhood neighbourhood neighbor neighbour orientation patient perimeter phenotype "
    "position region roi roundness sample scgp size slide slice solidity spot tile tma umap "
    "unnamed volume width".split()
)
_WHOLE = set(
    "x y z age cell cells class diagnosis gender grade group groups label labels object sex stage "
    "status survival tissue type".split()
)


def plain(name):
    """A column name without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


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
    for form in _COORDINATES:
        x, y = (_first(columns, [form.format(axis)]) for axis in "xy")
        if x is not None and y is not None:
            return x, y
    # scikit-image counts rows first: centroid-0 is y
    x, y = (_first(columns, [f"centroid{axis}"]) for axis in "10")
    return (x, y) if x is not None and y is not None else (None, None)


def image(frame):
    """Column of images, or None."""
    whole = [c for c in _groupings(frame, _IMAGE) if not _parts_an_image(frame[c])]
    return _first(whole, _IMAGE)


def label(frame):
    """Column of reference labels, or None."""
    return _first(_groupings(frame, _LABEL), _LABEL)


def is_text(column):
    """Whether a column, by its name, holds ids or images, which are no numbers."""
    return plain(column) in _CELL_ID or plain(column) in _IMAGE


def _parts_an_image(column):
    values = column.dropna().unique()
    words = {word for value in values for word in re.findall(r"[^\W_]+", str(value).lower())}
    return len(values) > 1 and words <= _PARTS_OF_AN_IMAGE


def _groupings(frame, names):
    # a column that names nearly every cell anew is an id, whatever it is called
    near = [c for c in frame.columns if plain(c) in names]
    return [c for c in near if frame[c].nunique() * 2 <= len(frame)]


def proteins(frame, taken):
    """Columns that look like measured proteins, channels without a protein still among them.

    Parameters
    ----------
    frame : DataFrame
    taken : set of str
        Columns known to be something else.

    Returns
    -------
    list of str
    """
    codex = [c for c in frame.columns if _CODEX.search(str(c))]
    if len(codex) > 2:
        return codex
    return [
        c for c in frame.columns if c not in taken and not _other(c) and _mostly_numbers(frame[c])
    ]


def _other(name):
    """Whether a column name tells of the cell's shape, place or origin."""
    # pandas numbers repeated names: X.1 is a second X
    name = re.sub(r"\.\d+$", "", str(name))
    words = [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    return (
        plain(name) in _WHOLE
        or any({word, word.removesuffix("s")} & _WORDS for word in words)
        or words[-1:] == ["id"]
        or name.endswith("+")  # a gate, "CD8+Ki67+"
    )


def _mostly_numbers(column):
    # a protein column with one typing error is still meant as one, and refused later by name
    if pd.api.types.is_bool_dtype(column) or column.isna().all():
        return False
    if pd.api.types.is_numeric_dtype(column):
        return True
    return pd.to_numeric(column, errors="coerce").notna().sum() * 2 > column.notna().sum()


def short_names(columns):
    """Readable protein names: ``CD4 - T helper cells:Cyc_6_ch_3`` becomes ``CD4``.

    Names stay as they are where the short ones would not be unique.
    """
    short = [_CODEX.sub("", c).split(" - ")[0].strip() if _CODEX.search(c) else c for c in columns]
    return short if len(set(short)) == len(short) else list(columns)
