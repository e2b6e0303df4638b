"""A known panel in the clothes that programs put on it, with columns that are no protein."""

import numpy as np
import pandas as pd

from spclust.knowledge.panel import key, read_proteins

# columns that laboratories have beside proteins, by what their values are like
CODES = (
    "cluster kmeans phenograph flowsom metacluster cell_type_code tumorYN immuneGroup is_tumour CN "
    "niche leiden_0.5 louvain seurat_clusters som_node timepoint dose batch plate neighborhood10 "
    "lintype_num tile_num cluster_id gt patient age n_neighbors is_edge"
).split()
GATES = "CD4_pos CD8_pos CD20+ in_tumor hasNucleus".split() + ["CD3+ CD8+", "T Helper", "Ki67 gate"]
MEASURES = (
    "PC1 PC_2 tSNE1 UMAP_1 UMAP2 prob_tumor pseudotime distance_to_vessel nuclear_ratio area "
    "Eccentricity perimeter_px Solidity MajorAxisLength aspect_ratio z_um doublet_score "
    "total_counts confidence entropy nearest_tumor_um cell_density Detection_probability "
    "orientation convex_area m.majoraxis iou thickness brightness contrast homogeneity LISA "
    "local_moran mahalanobis follow_up acq_time exposure_ms global_x x0 y1 xc theta LDA1 NMF_1 "
    "MDS1 spatial_1 harmony_1 G2M S.Score Macrophage T_cell Subcellular:_Channel_2:_Area"
).split()
MEASURES += ["p_T cell", "Distance to Tumor (µm)", "H-Score", "Signed distance to annotation µm"]
BACKGROUNDS = (
    "A488 AF488 AF_1 Autofluorescence_488nm Empty_c1_ch3 blank_Cy3_cyc15 Control_488nm bg2a "
    "NegPrb01 ArAr80 80ArAr 131Xe 134Xe 127I 208Pb 190BCKG Time Center Offset Residual DNA1 HH3 "
    "Hoechst DRAQ5 DAPI PolyT 80ArAr_80ArAr ArAr80(ArAr80Di) 140Ce_EQ4 191Ir_DNA1 Hematoxylin"
).split() + ["Ms IgG1", "Rb IgG"]
ROWS = ["Unnamed: 0", "index", "orig_index", "row"]


def panel(rng, size):
    """Names of as many proteins, each by one of its spellings."""
    proteins = read_proteins()
    proteins = proteins[(proteins["role"] != "technical") & ~proteins.index.str.startswith("H3K")]
    chosen = proteins.sample(size, random_state=rng)
    names = [rng.choice([name, *row["aliases"]]) for name, row in chosen.iterrows()]
    # what cannot stand in the middle of a program's name, or is a word of its own there
    return [n for n in names if not set(n) & set(":;()") and len(key(n)) > 2]


def _qupath(rng, values):
    order = rng.choice(["{c}: {m}: {s}", "{m}: {c}: {s}"])
    spread = {"Mean": 1, "Median": 0.9, "Max": 3, "Std.Dev.": 0.3}
    parts = {"Nucleus": 0.8, "Cytoplasm": 0.9, "Membrane": 1.1, "Cell": 1}
    columns = {
        order.format(c=c, m=m, s=s): v * f * g
        for m, v in values.items()
        for c, f in parts.items()
        for s, g in spread.items()
    }
    if rng.random() < 0.3:
        columns |= {f"Smoothed: 25 µm: Cell: {m}: Mean": v * 0.7 for m, v in values.items()}
    return columns, {"x": "Centroid X µm", "y": "Centroid Y µm", "id": "Object ID"}


def _halo(rng, values):
    average, total = [("", None), ("Average ", "Total ")][rng.integers(2)]
    dyes = [f" (Opal {d})" if rng.random() < 0.5 else "" for d in range(520, 520 + len(values))]
    columns = {}
    for dye, (m, v) in zip(dyes, values.items()):
        columns[f"{m}{dye} Positive"] = (v > np.median(v)).astype(int)
        for part, f in (("Nucleus", 0.8), ("Cytoplasm", 0.9), ("Cell", 1)):
            columns[f"{m}{dye} {average}{part} Intensity"] = v * f
            if total:
                columns[f"{m}{dye} {total}{part} Intensity"] = v * f * 90
        columns[f"{m}{dye} % Nucleus Completeness"] = rng.uniform(0, 100, len(v))
    return columns, {"x": "X", "y": "Y", "id": "Object Id"}


def _inform(rng, values):
    tail = rng.choice(["", " (Normalized Counts, Total Weighting)"])
    return {
        f"{c} {m} (Opal 520) {s}{tail}": v * f * g
        for m, v in values.items()
        for c, f in (("Nucleus", 0.8), ("Membrane", 1.1), ("Entire Cell", 1))
        for s, g in (("Min", 0.1), ("Mean", 1), ("Max", 3), ("Std Dev", 0.3), ("Total", 90))
    }, {"x": "Cell X Position", "y": "Cell Y Position", "id": "Cell ID"}


def _cellprofiler(rng, values):
    of = rng.choice(["", "Cells_"])
    return {
        f"{of}Intensity_{s}Intensity_{m}": v * g
        for s, g in (("Integrated", 90), ("Mean", 1), ("Max", 3), ("Std", 0.3), ("MeanEdge", 1))
        for m, v in values.items()
    }, {"x": "Location_Center_X", "y": "Location_Center_Y", "id": "ObjectNumber"}


def _codex(rng, values):
    if rng.random() < 0.5:
        names = {f"cyc{i // 4 + 1:03}_ch{i % 4 + 1:03}:{m}": v for i, (m, v) in _numbered(values)}
        return names, {"x": "x:x", "y": "y:y", "id": "cell_id:cell_id"}
    names = {
        f"{m} - a remark:Cyc_{i // 4 + 1}_ch_{i % 4 + 1}": v for i, (m, v) in _numbered(values)
    }
    return names, {"x": "X", "y": "Y", "id": "CellID"}


def _numbered(values):
    return enumerate(values.items())


def _mcmicro(rng, values):
    mask = rng.choice(["", "_cellMask"])
    columns = {f"{m}{mask}": v for m, v in values.items()}
    if rng.random() < 0.5:
        columns |= {f"{m}{mask}_intensity_median": v * 0.9 for m, v in values.items()}
        columns |= {f"{m}{mask}_gini_index": rng.uniform(0, 1, len(v)) for m, v in values.items()}
    return columns, {"x": "X_centroid", "y": "Y_centroid", "id": "CellID"}


def _histocat(rng, values):
    return {f"Cell_{m}": v for m, v in values.items()}, {
        "x": "X_position",
        "y": "Y_position",
        "id": "CellId",
    }


def _metals(rng, values):
    form = rng.choice(["{i}Er_{m}", "{m}_{i}Er", "{m}(Er{i}Di)"])
    names = {form.format(i=140 + i % 36, m=m): v for i, (m, v) in _numbered(values)}
    return names, {"x": "Pos_X", "y": "Pos_Y", "id": "ObjectNumber"}


def _plain(rng, values):
    form = rng.choice(["{}", "{}_mean", "mean_{}", "{} (mean)", "{}_intensity"])
    roles = [("x", "y", "cell_id"), ("X (µm)", "Y (µm)", "Cell ID"), ("m.cx", "m.cy", "CellNb")]
    x, y, number = roles[rng.integers(3)]
    return {form.format(m): v for m, v in values.items()}, {"x": x, "y": y, "id": number}


def _by_lab(rng, values):
    form = rng.choice(["log_{m}", "{m}_scaled", "ch{i:02}_{m}", "{i}-{m}", "{m}_c{i}", "Ch: {m}"])
    columns = {form.format(m=m, i=i + 1): v for i, (m, v) in _numbered(values)}
    return columns, {"x": "Object Center X (µm)", "y": "Object Center Y (µm)", "id": "Object"}


PROGRAMS = {
    "qupath": _qupath,
    "halo": _halo,
    "inform": _inform,
    "cellprofiler": _cellprofiler,
    "codex": _codex,
    "mcmicro": _mcmicro,
    "histocat": _histocat,
    "metals": _metals,
    "plain": _plain,
    "lab": _by_lab,
}


def dressed(rng, program, n=150, junk=8):
    """A made table of a program, and its panel.

    Returns
    -------
    DataFrame
        With ``cell_type``, the reference labels, which some proteins follow.
    list of str
        Names of the proteins in it.
    """
    names = panel(rng, int(rng.integers(8, 40)))
    types = rng.integers(0, 5, n)
    whole = rng.random() < 0.2  # some programs write counts
    values = {}
    for name in dict.fromkeys(names):
        of_type = rng.random(5) < 0.3
        v = rng.lognormal(rng.normal(3, 1), 0.6, n) * np.where(of_type[types], 4, 1)
        values[name] = np.round(v * 20) if whole else np.round(v, 4)
    columns, roles = PROGRAMS[program](rng, values)
    ids = {roles["id"]: np.arange(1, n + 1)}
    rest = {roles["x"]: rng.uniform(0, 900, n), roles["y"]: rng.uniform(0, 900, n)}
    rest["cell_type"] = np.array(["T", "B", "tumour", "stroma", "vessel"])[types]
    # of mcmicro the place of the columns tells what they are
    first = program == "mcmicro" or rng.random() < 0.5
    table = pd.DataFrame(ids | columns | rest if first else ids | rest | columns)
    _insert(rng, table, _junk(rng, junk, types, list(values.values())))
    return table, list(values)


def _junk(rng, number, types, measured):
    """Columns that are no proteins, some of them with a protein's own values."""
    n, columns = len(types), {}
    for _ in range(number):
        kind = rng.choice(["codes", "leak", "gates", "measures", "backgrounds", "rows"])
        if kind == "codes":
            columns[rng.choice(CODES)] = rng.integers(0, rng.integers(2, 20), n)
        elif kind == "leak":
            columns[rng.choice(CODES)] = (types + 1) * (rng.random() < 0.8) + (types > 2)
        elif kind == "gates":
            columns[rng.choice(GATES)] = rng.integers(0, 2, n)
        elif kind == "measures":
            columns[rng.choice(MEASURES)] = measured[rng.integers(len(measured))] * rng.choice(
                [1, 0.01]
            )
        elif kind == "backgrounds":
            columns[rng.choice(BACKGROUNDS)] = measured[rng.integers(len(measured))] * 0.5
        else:
            columns[rng.choice(ROWS)] = np.arange(n) + rng.integers(0, 2)
    return columns


def _insert(rng, table, columns):
    for name, values in columns.items():
        if name not in table:
            table.insert(int(rng.integers(0, table.shape[1] + 1)), name, values)
