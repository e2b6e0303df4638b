"""The figures of a run and of all runs."""

import logging
from pathlib import Path

import anndata
import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from spclust import markers, metrics, plots, style
from spclust.plots import maps, summary, tables

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def tissue(n=200, images=1, labels=True, seed=0):
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 4, n)
    cells = anndata.AnnData((rng.normal(size=(n, 5)) + code[:, None]).astype(np.float32))
    cells.obs_names, cells.var_names = [f"c{i}" for i in range(n)], [f"CD{i}" for i in range(5)]
    cells.obs["image"] = pd.Categorical([f"image {i}" for i in np.arange(n) % images])
    cells.obsm["spatial"] = rng.uniform(size=(n, 2)) * [300, 200]
    if labels:
        cells.obs["label"] = pd.Categorical(np.array(["T", "B", "NK", None], dtype=object)[code])
    clusters = np.where(rng.uniform(size=n) < 0.9, 3 - code, code)
    table = pd.DataFrame({"cluster": clusters, "confidence": rng.uniform(size=n)})
    return cells, table.set_index(cells.obs_names), rng.normal(size=(n, 2))


def balanced_of(cells, clusters):
    """The cells and one synthetic cell for every fourth."""
    made = cells[::4].copy()
    made.obs_names = [f"synthetic {i}" for i in range(made.n_obs)]
    both = anndata.concat([cells, made])
    both.obs["synthetic"] = np.arange(both.n_obs) >= cells.n_obs
    clusters = clusters["cluster"].to_numpy()
    both.obs["pseudolabel"] = np.r_[clusters, clusters[::4]]
    return both


def history():
    pretrain = [{"phase": "pretrain", "epoch": i, "reconstruction": 5.0 - i} for i in range(3)]
    train = [
        {"phase": "train", "epoch": i, "loss": 1.0 / (i + 1), "reconstruction": 2.0}
        for i in range(20)
    ]
    train[9]["changed_labels"] = 0.1
    return pd.DataFrame(pretrain + train)


def drawn(folder):
    names = {p.stem for p in folder.iterdir()}
    for name in names:
        for kind in ("png", "pdf"):
            assert (folder / f"{name}.{kind}").stat().st_size > 1000
    return names


def test_a_run_with_everything_gives_every_figure(tmp_path):
    cells, clusters, umap = tissue(images=3)
    importance = pd.DataFrame(np.ones((4, 5)), columns=cells.var_names)
    ranked = markers.rank(cells, clusters["cluster"].to_numpy(), importance)
    plots.plot_run(
        tmp_path / "figures", cells, clusters, umap, ranked, balanced_of(cells, clusters), history()
    )
    assert drawn(tmp_path / "figures") == {
        "umap", "map", "confidence", "markers", "importance", "errors", "confusion", "synthetic",
        "training",
    }  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["figures"]


def test_a_run_without_labels_or_training_gives_the_rest(tmp_path, caplog):
    cells, clusters, umap = tissue(labels=False)
    clusters["confidence"] = 1.0
    ranked = markers.rank(cells, clusters["cluster"].to_numpy())
    with caplog.at_level(logging.INFO):
        plots.plot_run(tmp_path / "figures", cells, clusters, umap, ranked)
    assert drawn(tmp_path / "figures") == {"umap", "map", "markers"}
    assert "all cells have the confidence 1.0: no map of it" in caplog.text


def test_a_single_cluster_at_a_single_place_can_be_drawn(tmp_path):
    cells, clusters, umap = tissue(n=5)
    clusters["cluster"], cells.obsm["spatial"] = 0, np.ones((5, 2))
    ranked = markers.rank(cells, clusters["cluster"].to_numpy())
    plots.plot_run(tmp_path / "figures", cells, clusters, umap, ranked)
    assert "map" in drawn(tmp_path / "figures")


def test_a_failure_leaves_the_figures_of_before(tmp_path):
    cells, clusters, umap = tissue()
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "umap.png").write_text("before")
    with pytest.raises(KeyError):
        plots.plot_run(folder, cells, clusters, umap, pd.DataFrame({"cluster": [0]}))
    assert (folder / "umap.png").read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["figures"]


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    cells, clusters, umap = tissue()
    groups = maps.Groups.of(cells, clusters["cluster"].to_numpy())
    for name in "ab":
        style.save(maps.umap(cells, groups, umap), tmp_path, name)
    for kind in ("png", "pdf"):
        first, second = ((tmp_path / f"{name}.{kind}").read_bytes() for name in "ab")
        assert first == second


def test_maps_point_down_and_keep_their_proportions():
    cells, clusters, _ = tissue()
    fig = maps.clusters_and_labels(cells, maps.Groups.of(cells, clusters["cluster"].to_numpy()))
    for ax in fig.axes:
        assert ax.yaxis_inverted() and ax.get_aspect() == 1


def test_at_most_nine_images_are_drawn_and_the_title_says_so():
    cells, clusters, _ = tissue(images=12)
    fig = maps.confidence(cells, clusters["confidence"].to_numpy())
    titles = [ax.get_title() for ax in fig.axes]
    assert sum(t.startswith("image") for t in titles) == 9
    assert fig.get_suptitle() == "the 9 largest of 12 images"


def test_right_cells_are_grey_and_wrong_ones_have_the_colour_of_their_class():
    cells, _, _ = tissue(n=8)
    cells.obs["label"] = pd.Categorical(["T", "T", "T", "B", "B", "B", "B", None])
    groups = maps.Groups.of(cells, np.array([0, 0, 1, 1, 1, 1, 0, 0]))
    (points,) = maps.errors(cells, groups).axes[0].collections
    colours = sorted(map(tuple, points.get_facecolors()[:, :3].tolist()))
    b, t = (to_rgb(groups.class_colours[name]) for name in "BT")
    assert colours == sorted([to_rgb(style.RIGHT)] * 5 + [b, t])


def test_confusion_has_the_counts_with_matched_clusters_on_the_diagonal():
    cells, _, _ = tissue(n=6)
    cells.obs["label"] = pd.Categorical(["B", "B", "B", "T", "T", None])
    fig = tables.confusion(maps.Groups.of(cells, np.array([5, 5, 2, 2, 2, 2])))
    ax = fig.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["5", "2"]
    assert [t.get_text() for t in ax.texts] == ["2", "1", "2"]


def test_clusters_take_the_colour_of_their_class_and_others_a_free_one():
    clusters = np.array([4, 4, 7, 7, 1])
    labels = np.array(["b", "b", "a", "a", None], dtype=object)
    classes, colours = style.class_colours(labels), style.cluster_colours(clusters, labels)
    assert (colours[4], colours[7]) == (classes["b"], classes["a"])
    assert colours[1] not in classes.values()


def test_clusters_without_labels_have_colours_of_their_own():
    colours = style.cluster_colours(np.arange(32))
    assert len(set(colours.values())) == 32
    assert len(style.cluster_colours(np.arange(50))) == 50


def test_the_palette_keeps_off_the_greys_with_a_meaning():
    assert len(set(style.PALETTE)) == len(style.PALETTE) >= 30
    for colour in style.PALETTE:
        assert np.ptp(to_rgb(colour)) > 0.15


def long_table(seeds=3):
    rng = np.random.default_rng(0)
    rows, scores, clusters = [], [], []
    for i, run in enumerate(["good", "better", "random"]):
        for seed in range(seeds):
            rows.append(["slice", run, run, seed])
            value = [0.5, 0.8, 0.9][i]
            scores.append(
                pd.DataFrame(
                    {"metric": ["ARI", "rare_F1", "n_clusters"], "value": [value, np.nan, 4]}
                )
            )
            clusters.append(pd.Series(rng.integers(0, 2, 30)))
    return metrics.collect(rows, scores, clusters)


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_summary_has_a_table_and_a_figure_for_each_slice(tmp_path, seeds):
    both = pd.concat([long_table(seeds), long_table(seeds).assign(dataset="other")])
    plots.plot_summary(tmp_path / "figures", both, ["random"])
    assert drawn(tmp_path / "figures") == {
        "table_slice", "metrics_slice", "table_other", "metrics_other",
    }  # fmt: skip


def test_the_best_run_is_bold_and_no_control_ever_is():
    texts = summary.table(long_table(), "slice", ["random"]).axes[0].texts
    bold = [t.get_text() for t in texts if t.get_weight() == "bold"][1:]  # the first is the title
    ari = [t.get_text() for t in texts if t.get_text() in ("0.500", "0.800", "0.900")]
    assert ari == ["0.500", "0.800", "0.900"] and "0.800" in bold and "0.900" not in bold
    assert [t.get_text() for t in texts].count("–") == 3


def test_text_stays_text_in_vector_files():
    with style.in_use():
        assert matplotlib.rcParams["pdf.fonttype"] == 42
        assert matplotlib.rcParams["svg.fonttype"] == "none"


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real slices are not at {SHARED}")
def test_a_real_slice_of_three_images_and_long_protein_names(tmp_path):
    cells = anndata.read_h5ad(SHARED / "cytomapper_pancreas_imc.h5ad")
    cells.X = (cells.X - cells.X.mean(0)) / cells.X.std(0)
    cells.obs["image"], cells.obs["label"] = cells.obs["sample"], cells.obs["cell_type"]
    clusters = pd.DataFrame({"cluster": (cells.X[:, 0] > 0).astype(int), "confidence": 1.0})
    clusters.index = cells.obs_names
    ranked = markers.rank(cells, clusters["cluster"].to_numpy())
    plots.plot_run(tmp_path / "figures", cells, clusters, cells.X[:, :2], ranked)
    assert drawn(tmp_path / "figures") == {"umap", "map", "markers", "errors", "confusion"}
