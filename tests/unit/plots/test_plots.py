"""The figures of a run and of all runs."""

import atexit
import logging
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import anndata
import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from planted import cells_of, oversampled, votes_for

from spclust.analyses import markers, neighbours, niches, states
from spclust.analyses.kinds import Kinds
from spclust.clustering import colours as colours_of
from spclust.data.atomic import write_table
from spclust.data.values import write_values
from spclust.errors import UserError
from spclust.plots import captions, maps, runs, style
from spclust.plots.figures import (
    composition,
    confusion,
    errors,
    map,
    niche_types,
    slices,
    touching,
    training,
    umap,
)
from spclust.plots.figures import neighbours as contacts
from spclust.plots.figures import niches as tissue_by_niche


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Pixels take most of the time."""
    monkeypatch.setattr(style, "DPI", 60)


def tissue(
    n=200,
    images=1,
    slices=1,
    labels=True,
    seed=0,
    importance=None,
    clusters=None,
    truth=None,
    names=None,
    types=None,
    **others,
):
    """What is known of a run; ``truth`` and ``clusters`` are made up unless given."""
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 4, n)
    x = rng.normal(size=(n, 5)) + code[:, None]
    of_slice = np.array([f"slice {i}" for i in np.arange(n) % slices], dtype=object)
    name = "image {}" if slices == 1 else "slice {1}_image {0}"
    image = [name.format(i // slices % images, i % slices) for i in range(n)]
    cells = cells_of(
        x,
        rng.uniform(size=(n, 2)) * [300, 200],
        image,
        [f"CD{i}" for i in range(5)],
        slice=of_slice,
    )
    if truth is None:
        truth = np.array(["T", "B", "NK", np.nan], dtype=object)[code]
    if clusters is None:
        clusters = np.where(rng.uniform(size=n) < 0.9, 3 - code, code)
    table = pd.DataFrame({"cluster": clusters, "confidence": rng.uniform(size=n)}, index=cells.ids)
    return runs.RunData(
        cells,
        pd.Series(truth if labels else np.full(n, np.nan), index=cells.ids, dtype=object),
        table,
        analysed(cells, clusters, importance, rng.normal(size=(n, 2)), names, types),
        **others,
    )


def analysed(cells, clusters, importance, umap, names=None, types=None):
    """Folders of the analyses that figures read."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    table = markers.rank(cells, clusters, importance, importance)
    write_table(table, folder / "markers/markers.csv")
    write_values(umap, cells.ids, folder / "umap/umap.npz")
    if names is not None:
        write_table(names, folder / "names/cluster_names.csv")
    if types is not None:
        for table, name in zip(types, ("types.csv", "type_summary.csv")):
            write_table(table, folder / "types" / name)
        kinds = Kinds(["B cell", "T cell", "unknown"], np.arange(len(cells)) % 3, "type")
        for name, table in niches.find(cells, kinds, 0, number=3).items():
            write_table(table, folder / "niches" / name)
        values = pd.DataFrame(np.exp(cells.matrix[:, :2]), cells.ids, ["Ki67", "PD-1"])
        for name, table in states.states(values, cells, kinds, 0).items():
            write_table(table, folder / "states" / name)
        for name, table in neighbours.compare(cells, kinds).items():
            write_table(table, folder / "neighbours" / name)
    return {path.name: path for path in folder.iterdir()}


def types_of(n):
    """Tables of the analysis of types: every third cell of each of two, the rest unsure."""
    kinds = np.array(["B cell", "T cell", "unknown"], dtype=object)[np.arange(n) % 3]
    cells = {
        "cell": [f"cell_{i}" for i in range(n)],
        "type": kinds,
        "unsure": np.arange(n) % 6 == 0,
    }
    names = ["Leukocyte", "T cell", "B cell", "unknown"]
    counts = [int((kinds == name).sum()) for name in names]
    return pd.DataFrame(cells), pd.DataFrame({"type": names, "cells": counts})


def test_a_niche_has_its_colour_in_the_tissue_and_beside_its_types():
    run = tissue(n=60, images=2, types=types_of(60))
    with style.in_use():
        in_tissue, of_types = (figure.draw(run) for figure in (tissue_by_niche, niche_types))
    (legend,) = in_tissue.legends
    in_legend = {t.get_text(): d.get_color() for t, d in zip(legend.texts, legend.legend_handles)}
    rows = {label.get_text(): label.get_color() for label in of_types.axes[0].get_yticklabels()}
    assert len(rows) == 3 and in_legend == rows


def test_contacts_have_both_ways_one_colour_and_a_dot_where_all_images_agree():
    rng = np.random.default_rng(0)
    places, codes = rng.uniform(size=(1200, 2)), rng.integers(2, size=1200)
    codes[places[:, 0] < 0.4] = 2
    image = [f"image {i % 6}" for i in range(1200)]
    cells = cells_of(np.zeros((1200, 1)), places, image)
    # of the last kind there are too few cells for anything to be said
    codes[:2] = 3
    tables = neighbours.compare(cells, Kinds(["a", "b", "c", "d"], codes, "type"))
    run = SimpleNamespace(table=lambda analysis, file, *text: tables[file])
    ax = contacts.draw(run).axes[0]
    shown = ax.images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(shown, shown.T)
    assert np.isnan(shown[3]).all() and not np.isnan(shown[:3, :3]).any()
    assert shown[0, 2] < -0.4 and shown[2, 2] > 0.2
    dots = {(int(x), int(y)) for x, y in ax.collections[0].get_offsets()}
    assert {(0, 2), (2, 0), (2, 2)} <= dots and (3, 3) not in dots
    ax = touching.draw(run).axes[0]
    shown = ax.images[0].get_array().filled(np.nan)
    assert np.isnan(shown[3]).all() and shown[2, 0] < -0.2 < 0 < shown[0, 1]
    table = tables["touching.csv"].query("of == 'slice' and type == 'c' and touched == 'a'")
    written = {t.get_position(): t.get_text() for t in ax.texts}
    assert written[0, 2] == f"{100 * table['share'].iloc[0]:.0f}"


def test_a_type_has_its_colour_whichever_others_are_there():
    colours, entries = tissue(n=60, types=types_of(60)).cell_types
    assert [text for _, text in entries] == ["T cell (20)", "B cell (20)", "unknown (20)"]
    of = {text.partition(" (")[0]: colour for colour, text in entries}
    # by the places in the table of types, in which leukocytes are the first
    assert of == {
        "T cell": style.PALETTE[1],
        "B cell": style.PALETTE[2],
        "unknown": style.BACKGROUND,
    }
    assert (colours[1::3] == of["T cell"]).all()
    assert (colours[::6] == style.BACKGROUND).all() and (colours[3::6] == of["B cell"]).all()
    nothing = (types_of(60)[0], pd.DataFrame({"type": [], "cells": []}))
    assert tissue(n=60, types=nothing).cell_types is None and tissue().cell_types is None


def balanced_of(run):
    made = oversampled(run.cells, 50)
    clusters = run.clusters["cluster"].to_numpy()
    return replace(made, pseudolabels=np.r_[clusters, clusters[:50]])


def history():
    pretrain = [{"phase": "pretrain", "epoch": i, "reconstruction": 5.0 - i} for i in range(3)]
    train = [
        {"phase": "train", "epoch": i, "loss": 1.0 / (i + 1), "reconstruction": 2.0}
        for i in range(20)
    ]
    train[9]["changed_labels"] = 0.1
    return pd.DataFrame(pretrain + train)


def drawn(folder, kinds=("png",)):
    names = {p.stem for p in folder.iterdir()}
    assert {p.name for p in folder.iterdir()} == {f"{n}.{k}" for n in names for k in kinds}
    assert all(p.stat().st_size > 1000 for p in folder.iterdir())
    return names


def test_a_run_with_everything_gives_every_figure(tmp_path):
    importance = pd.DataFrame(np.ones((4, 5)), columns=[f"CD{i}" for i in range(5)])
    extras = {"attribution": importance, "history": history()}
    run = tissue(images=2, slices=3, importance=importance, extras=extras, types=types_of(200))
    votes = votes_for("consensus", run.cells)
    runs.plot_run(tmp_path / "figures", replace(run, balanced=balanced_of(run), votes=votes))
    assert drawn(tmp_path / "figures") == set(captions.captions())
    assert [p.name for p in tmp_path.iterdir()] == ["figures"]


def test_a_run_of_cells_without_places_has_no_maps(tmp_path):
    run = tissue()
    cells = replace(run.cells, coordinates=np.full_like(run.cells.coordinates, np.nan))
    runs.plot_run(tmp_path / "figures", replace(run, cells=cells))
    assert drawn(tmp_path / "figures") == {"umap", "markers", "confusion", "reliability"}


def test_a_run_without_labels_or_training_gives_the_rest_and_says_why(tmp_path, caplog):
    run = tissue(labels=False)
    run.clusters["confidence"] = 1.0
    with caplog.at_level(logging.INFO):
        runs.plot_run(tmp_path / "figures", run, pdf=True)
    assert drawn(tmp_path / "figures", ("png", "pdf")) == {"umap", "map", "markers"}
    for why in (
        "confidence, which needs varying_confidence",
        "errors, which needs classes",
        "synthetic, which needs synthetic_cells",
        "training, which needs extras.history",
        "slices, which needs several_slices",
        "composition, which needs several_parts",
    ):
        assert f"not drawn: {why}" in caplog.text


def test_legends_name_clusters_where_there_are_no_labels():
    names = pd.DataFrame(
        {
            "cluster": range(4),
            "type": ["B cell", None, None, "T cell"],
            "markers": ["", "CD1+ CD2+", np.nan, ""],
            "name": "",
        }
    )
    groups = tissue(labels=False, names=names).groups
    assert groups.title() == "cluster · proposed name"
    said = [text for _, text in groups.entries()]
    assert said == ["0 · B cell", "1 · CD1+ CD2+", "2", "3 · T cell"]
    matched = tissue(names=names).groups
    assert matched.title() == "cluster · class" and matched.name(0) in ("0 · NK", "0")
    assert tissue(labels=False).groups.title() == "cluster"


def test_a_single_cluster_at_a_single_place_can_be_drawn(tmp_path):
    run = tissue(n=5, clusters=np.zeros(5, int))
    run.cells.coordinates[:] = 1
    runs.plot_run(tmp_path / "figures", run)
    assert "map" in drawn(tmp_path / "figures")


def test_a_failure_leaves_the_figures_of_before(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "umap.png").write_text("before")
    run = tissue()
    write_table(pd.DataFrame({"cluster": [0]}), run.analyses["markers"] / "markers.csv")
    with pytest.raises(KeyError):
        runs.plot_run(folder, run)
    assert (folder / "umap.png").read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["figures"]


def test_a_need_that_no_run_can_meet_is_named():
    with pytest.raises(UserError, match="'labls'; there are: classes, .*extras"):
        tissue(n=20).has("labls")
    assert not tissue(n=20).has("extras.history") and tissue(n=20).has("classes")


def test_a_new_file_is_a_new_figure_with_its_caption(tmp_path, monkeypatch):
    text = '"""Nothing."""\n\nCAPTION = (\n    "One " "caption."\n)\nNEEDS = ()\n'
    (tmp_path / "mine.py").write_text(text)
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(captions, "FOLDER", tmp_path)
    assert captions.captions() == {"mine": "One caption."}
    assert captions.modules() == ["spclust.plots.figures.mine"]
    for text in ("NEEDS = ()\n", "CAPTION = str(3)\n"):
        (tmp_path / "mine.py").write_text(text)
        with pytest.raises(UserError, match=r"mine.py: no caption .* add e.g.  CAPTION = "):
            captions.captions()


def test_a_figure_of_a_dataset_is_none_of_a_run(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        'CAPTION = "One."\nNEEDS = ("analyses.a.b",)\nOVER = "dataset"\n'
    )
    (tmp_path / "other.py").write_text('CAPTION = "Two."\nNEEDS = ("umap",)\n')
    monkeypatch.setattr(captions, "FOLDER", tmp_path)
    captions.analyses.cache_clear()
    assert captions.captions("dataset") == {"mine": "One."}
    assert captions.captions() == {"other": "Two."}
    assert captions.analyses("dataset") == {"a"} and captions.analyses() == {"names", "umap"}
    captions.analyses.cache_clear()


def test_the_captions_need_the_standard_library_only():
    code = (
        "from spclust.plots import captions; captions.captions(); import sys; print(*sys.modules)"
    )
    scripts = Path(captions.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True)
    assert "spclust.plots.captions" in done.stdout.split(), done.stderr
    assert not {"numpy", "pandas", "matplotlib", "yaml"} & set(done.stdout.split())


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for name in "ab":
        style.save(umap.draw(tissue()), name, tmp_path, pdf=True)
    for kind in ("png", "pdf"):
        first, second = ((tmp_path / f"{name}.{kind}").read_bytes() for name in "ab")
        assert first == second


def titles(fig):
    return [ax.get_title() for ax in fig.axes if ax.get_title()]


def test_maps_point_down_and_keep_their_proportions():
    for ax in map.draw(tissue()).axes:
        assert ax.yaxis_inverted() and ax.get_aspect() == 1


def test_at_most_nine_images_are_drawn_and_the_title_says_so():
    fig = map.draw(tissue(images=12, labels=False))
    assert len(titles(fig)) == 9
    assert fig.get_suptitle() == "the 9 largest of 12 images"


def test_maps_of_a_cohort_name_slice_and_image():
    assert titles(map.draw(tissue(slices=3, labels=False))) == [
        f"slice {i}\nclusters" for i in range(3)
    ]
    assert titles(slices.draw(tissue(slices=2, images=2))) == [
        f"slice {i}\nimage {j}" for i in range(2) for j in range(2)
    ]
    assert titles(map.draw(tissue(labels=False))) == ["clusters"]
    assert titles(map.draw(tissue(labels=False, images=2)))[0] == "image 0\nclusters"


def test_every_slice_is_seen_before_a_second_image_of_any():
    run = tissue(n=400, slices=2)
    # slice 0 falls into 20 images, each larger than the one of slice 1
    image = np.where(run.cells.slice == "slice 0", np.arange(400) // 2 % 20, 99)
    run = replace(run, cells=replace(run.cells, image=image.astype(str).astype(object)))
    keep = np.r_[np.flatnonzero(run.cells.slice == "slice 0"), [1, 3]]
    drawn_cells = run.cells.take(keep)
    fig, _ = maps.tissue(drawn_cells, [("", np.zeros(len(keep)), np.ones(len(keep), bool))])
    assert "slice 1" in titles(fig) and len(titles(fig)) == 9


def test_the_slices_are_drawn_larger_than_in_the_general_map():
    run = tissue(slices=4)
    general, own = (figure.draw(run) for figure in (map, slices))
    for fig in (general, own):
        fig.draw_without_rendering()
    width = [fig.axes[0].get_window_extent().width for fig in (general, own)]
    assert width[1] > 1.5 * width[0]


def bars(fig):
    """Colour and width of the bars of each panel, by their line."""
    panels = []
    for ax in fig.axes:
        lines = {}
        for bar in ax.patches:
            line = round(bar.get_y() + bar.get_height() / 2)
            lines.setdefault(line, []).append(
                (to_hex(bar.get_facecolor()).upper(), bar.get_width())
            )
        panels.append(lines)
    return panels


def test_the_composition_has_the_shares_of_each_slice_in_the_colours_of_the_maps():
    clusters = np.array([0, 1] * 4 + [1, 1] * 4)
    truth = np.array(["T", np.nan] * 8, dtype=object)
    run = tissue(n=16, slices=2, clusters=clusters, truth=truth)
    run = replace(run, cells=replace(run.cells, slice=np.repeat(["b", "a"], 8).astype(object)))
    fig = composition.draw(run)
    colour = run.groups.cluster_colours
    found, labels = bars(fig)
    assert found[0] == [(colour[0], 0.5), (colour[1], 0.5)]
    assert found[1] == [(colour[0], 0), (colour[1], 1)]
    assert labels[0] == [(run.groups.class_colours["T"], 0.5), (style.BACKGROUND, 0.5)]
    lines = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert lines == ["b (8)", "a (8)"]


def test_the_composition_is_of_images_where_there_is_one_slice():
    fig = composition.draw(tissue(images=3, labels=False))
    lines = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert lines == ["image 0 (67)", "image 1 (67)", "image 2 (66)"]
    assert not tissue(images=31).has("several_parts") and not tissue().has("several_parts")
    assert tissue(slices=2).has("several_parts")


def test_a_cohort_has_its_slices_in_the_umap():
    assert titles(umap.draw(tissue(slices=3, images=2)))[-1] == "slices (3)"
    assert titles(umap.draw(tissue(images=2)))[-1] == "images (2)"


def test_a_panel_of_very_many_cells_shows_a_sample(monkeypatch):
    monkeypatch.setattr(style, "MOST_POINTS", 20)
    run = tissue()
    shown = [len(ax.collections[0].get_offsets()) for ax in map.draw(run).axes if ax.collections]
    assert len(run.cells) > 100 and shown == [20] * len(shown)


def test_right_cells_are_grey_and_wrong_ones_have_the_colour_of_their_class():
    truth = np.array(["T", "T", "T", "B", "B", "B", "B", np.nan], dtype=object)
    run = tissue(n=8, truth=truth, clusters=np.array([0, 0, 1, 1, 1, 1, 0, 0]))
    (points,) = errors.draw(run).axes[0].collections
    colours = sorted(tuple(c) for c in points.get_facecolors()[:, :3].tolist())
    b, t = (to_rgb(run.groups.class_colours[name]) for name in "BT")
    assert colours == sorted([to_rgb(style.RIGHT)] * 5 + [b, t])


def test_confusion_has_the_counts_with_matched_clusters_on_the_diagonal():
    truth = np.array(["B", "B", "B", "T", "T", np.nan], dtype=object)
    fig = confusion.draw(tissue(n=6, truth=truth, clusters=np.array([5, 5, 2, 2, 2, 2])))
    ax = fig.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["5", "2"]
    assert [t.get_text() for t in ax.texts] == ["2", "1", "2"]


def test_a_history_without_phases_can_be_drawn():
    table = pd.DataFrame({"epoch": range(5), "loss": np.arange(5.0)})
    fig = training.draw(tissue(n=20, extras={"history": table}))
    assert titles(fig) == ["loss"] and fig.get_supxlabel() == "epoch"


def test_clusters_take_the_colour_of_their_class_and_others_a_free_one():
    clusters = np.array([4, 4, 7, 7, 1])
    labels = np.array(["b", "b", "a", "a", None], dtype=object)
    classes, colours = (
        colours_of.class_colours(labels),
        colours_of.cluster_colours(clusters, labels),
    )
    assert (colours[4], colours[7]) == (classes["b"], classes["a"])
    assert colours[1] not in classes.values()


def test_clusters_without_labels_have_colours_of_their_own():
    colours = colours_of.cluster_colours(np.arange(32))
    assert len(set(colours.values())) == 32
    assert len(colours_of.cluster_colours(np.arange(50))) == 50


def test_the_palette_keeps_off_the_greys_with_a_meaning():
    assert len(set(colours_of.PALETTE)) == len(colours_of.PALETTE) >= 30
    for colour in colours_of.PALETTE:
        assert np.ptp(to_rgb(colour)) > 0.15


def test_text_stays_text_in_vector_files():
    with style.in_use():
        assert matplotlib.rcParams["pdf.fonttype"] == 42
        assert matplotlib.rcParams["svg.fonttype"] == "none"


def test_a_real_slice_of_three_images_and_long_protein_names(tmp_path, real_data):
    data = anndata.read_h5ad(real_data / "cytomapper_pancreas_imc.h5ad")
    x = (data.X - data.X.mean(0)) / data.X.std(0)
    cells = cells_of(x, data.obsm["spatial"], data.obs["sample"].astype(str), list(data.var_names))
    clusters = pd.DataFrame({"cluster": (x[:, 0] > 0).astype(int), "confidence": 1.0}, cells.ids)
    labels = pd.Series(data.obs["cell_type"].astype(object).to_numpy(), cells.ids)
    made = analysed(cells, clusters["cluster"], None, x[:, :2])
    runs.plot_run(tmp_path / "figures", runs.RunData(cells, labels, clusters, made))
    assert drawn(tmp_path / "figures") == {
        "umap",
        "map",
        "markers",
        "errors",
        "confusion",
        "composition",
    }
