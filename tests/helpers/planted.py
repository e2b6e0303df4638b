"""Small slices of two images with a known partition, to see whether a method finds it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from spclust.data.cells import Cells
from spclust.plan import cards
from spclust.plan.stages import STAGES

CARDS = cards.load()
METHODS = {name: {"recipe": name, **card.defaults} for name, card in CARDS.items()}


def cells_of(x, coordinates=None, image=None, names=None, **others):
    """Prepared cells of one modality; places at random, one image, unless given."""
    x = np.asarray(x, dtype=np.float32)
    n, d = x.shape
    if coordinates is None:
        coordinates = np.random.default_rng(0).uniform(0, 100, size=(n, 2))
    return Cells(
        ids=np.array([f"cell_{i}" for i in range(n)], dtype=object),
        features={"protein": x},
        names={"protein": np.array(names or [f"p{j}" for j in range(d)], dtype=object)},
        coordinates=np.asarray(coordinates, dtype=np.float32),
        image=np.full(n, "image", dtype=object) if image is None else np.asarray(image, object),
        slice=others.pop("slice", np.full(n, "slice", dtype=object)),
        preprocessing={"protein": {"settings": {}, "constants": {}}},
        **others,
    )


def reference_of(cells, truth):
    """Reference labels of cells as evaluation and controls get them."""
    names = np.array([f"type_{c}" for c in truth], dtype=object)
    return pd.Series(names, index=pd.Index(cells.ids), name="label")


def slice_of(x, truth, places, images):
    """Scaled features of a slice as preprocess_cells leaves them, and their reference labels."""
    cells = cells_of((x - x.mean(0)) / x.std(0), places, images)
    return cells, reference_of(cells, truth)


def expression_types(seed, n=400, n_proteins=12):
    """Three cell types, each with proteins of its own, that mix in space."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    x = rng.normal(size=(n, n_proteins))
    x += 3 * (np.arange(n_proteins) % 3 == truth[:, None])
    images = np.array(["a", "b"])[rng.integers(2, size=n)]
    return slice_of(x, truth, rng.uniform(0, 100, size=(n, 2)), images)


def spatial_domains(seed, n=600, n_proteins=12):
    """Three bands of tissue in both images; a cell's proteins alone tell little of its band."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 90, size=(n, 2))
    truth = (places[:, 0] // 30).astype(int)
    x = rng.normal(size=(n, n_proteins))
    x += 0.6 * (np.arange(n_proteins) % 3 == truth[:, None])
    images = np.array(["a", "b"])[rng.integers(2, size=n)]
    return slice_of(x, truth, places, images)


def shifted_slices(seed, n=360, n_proteins=20):
    """Three bands of tissue in three slices, whose proteins differ more by slice than by band."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 90, size=(n, 2))
    truth, which = (places[:, 0] // 30).astype(int), np.arange(n) % 3
    x = rng.normal(size=(n, n_proteins)) + (np.arange(n_proteins) % 3 == truth[:, None])
    x += 1.5 * rng.normal(size=(3, n_proteins))[which]
    names = np.array(["a", "b", "c"], dtype=object)[which]
    cells, reference = slice_of(x, truth, places, names)
    return replace(cells, slice=names), reference


def gene_programmes(seed, n=300, n_genes=48):
    """Four cell types, each with gene programmes that run at a level of each cell's own."""
    rng = np.random.default_rng(seed)
    truth, programme = rng.integers(4, size=n), np.arange(n_genes) % 6
    on = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1], [1, 0, 1, 0, 1, 0]])
    level = np.exp(0.8 * rng.normal(size=(n, 1)))
    x = (1.5 * level * on[truth])[:, programme] + 0.6 * rng.normal(size=(n, n_genes))
    return slice_of(x, truth, rng.uniform(0, 100, size=(n, 2)), np.full(n, "image"))


def oversampled(cells, n_synthetic=100):
    """The slice as oversample_minorities leaves it: synthetic cells last, between real ones."""
    rng = np.random.default_rng(0)
    parents = rng.integers(len(cells), size=(n_synthetic, 2))
    both = cells.take(np.r_[np.arange(len(cells)), parents[:, 0]])
    names = [f"synthetic_{i}" for i in range(n_synthetic)]
    between = {m: x[parents].mean(axis=1) for m, x in cells.features.items()}
    return replace(
        both,
        ids=np.r_[cells.ids, np.array(names, dtype=object)],
        features={m: np.concatenate([x, between[m]]) for m, x in cells.features.items()},
        parents=parents,
    )


def crossing(graph, images):
    """Number of edges of a sparse graph that join two images."""
    edges = graph.tocoo()
    images = np.asarray(images)
    return int((images[edges.row] != images[edges.col]).sum())


def two_modalities(cells):
    """The same cells with their features in two tables, as a multimodal file has them."""
    x, names = cells.features["protein"], cells.names["protein"]
    half = x.shape[1] // 2
    return replace(
        cells,
        features={"rna": x[:, :half], "adt": x[:, half:]},
        names={"rna": names[:half], "adt": names[half:]},
        preprocessing={m: {"settings": {}, "constants": {}} for m in ("rna", "adt")},
    )


def half_told_domains(seed, n=400, n_features=12, strength=1.0, rare=0.0):
    """Four quarters of a tissue: genes tell left from right only, tags top from bottom.

    With ``rare``, so strong in features of its own in both, 2 % of the cells in one place are a
    fifth type.
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 100, size=(n, 2))
    right, top = (places > 50).T.astype(int)
    truth = 2 * right + top
    rarest = np.argsort(np.square(places - rng.uniform(25, 75, 2)).sum(1))[: n // 50]
    tables = []
    for which in (right, top):
        x = rng.normal(size=(n, n_features))
        x += strength * (np.arange(n_features) % 3 == which[:, None])
        x[rarest] += rare * (np.arange(n_features) % 3 == 2)
        tables.append(x)
    truth[rarest] = 4 if rare else truth[rarest]
    cells, reference = slice_of(np.hstack(tables), truth, places, np.full(n, "image"))
    return two_modalities(cells), reference


def best_f1(reference, labels, name):
    """F1 of a class and the cluster that is most like it."""
    own = np.asarray(reference) == name
    common = [
        2 * (own & (labels == k)).sum() / (own.sum() + (labels == k).sum())
        for k in np.unique(labels)
    ]
    return max(common)


def graphs_for(recipe, cells, seed=0, **changes):
    """Graphs as build_graphs makes them for a method; None where it needs none."""
    from spclust.stages import graphs

    card = CARDS[recipe]
    if "graphs" not in card.needs:
        return None
    settings = STAGES["graphs"].defaults | card.stages.get("graphs", {}) | changes
    return graphs.build(cells, seed, **settings)


def votes_for(recipe, cells, n_clusters=3, seed=0):
    """Votes on the original cells as vote_labels makes them, of the features as they are.

    None where the method needs none.
    """
    from spclust.stages import votes as pools

    if "votes" not in CARDS[recipe].needs:
        return None
    cells = cells.original()
    settings = STAGES["preprocess"].defaults | {"normalisation": "none"}
    entries = {m: {"settings": settings, "constants": {}} for m in cells.features}
    own = STAGES["votes"].defaults | {"heads": ["kmeans", "ward", "mixture"]}
    return pools.vote(None, replace(cells, preprocessing=entries), n_clusters, seed, **own)


def run(recipe, cells, seed=0, n_clusters=3, graphs=None, machine=None, reference=None, **changes):
    """Cluster with a method as its card has it, but for the settings given."""
    from spclust.methods import running
    from spclust.methods.task import Machine

    graphs = graphs_for(recipe, cells, seed) if graphs is None else graphs
    machine = Machine("cpu") if machine is None else machine
    settings = METHODS[recipe] | changes
    votes = votes_for(recipe, cells, n_clusters, seed)
    return running.cluster(
        cells, n_clusters, seed, settings, recipe, graphs, machine, reference, votes
    )


def interrupted(recipe, cells, path, stop, graphs=None, **changes):
    """A clustering trained at once, and the same cut off before an epoch and gone on with.

    Parameters
    ----------
    path : Path
        Of the checkpoint, which is written every second epoch of a phase.
    stop : int
        Epoch, counted over all phases.
    """
    import pytest

    from spclust.methods.task import Machine
    from spclust.nn import checkpoints

    graphs = graphs_for(recipe, cells) if graphs is None else graphs
    machine = Machine("cpu", 1, path, 2)
    whole = run(recipe, cells, graphs=graphs, **changes)
    progress, seen = checkpoints.progress, []

    def cut_off(*args):
        for epoch in progress(*args):
            seen.append(epoch)
            if len(seen) == stop:
                raise KeyboardInterrupt
            yield epoch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "progress", cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(recipe, cells, graphs=graphs, machine=machine, **changes)
        resumed = run(recipe, cells, graphs=graphs, machine=machine, **changes)
    # it went on from the file instead of from the start
    assert stop < len(seen) < stop + len(whole.tables["history"])
    return whole, resumed


def assert_same_bytes(first, second):
    """Two clusterings of one training are the same to the byte, and so are their histories."""
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.tables["history"].equals(second.tables["history"])


def assert_a_seed_repeats(recipe, cells, **changes):
    """A seed gives the same bytes again, and another seed gives others."""
    first, second, other = (run(recipe, cells, seed, **changes) for seed in (3, 3, 4))
    assert_same_bytes(first, second)
    assert first.embedding.tobytes() != other.embedding.tobytes()


def better_base_line(cells, reference, n_clusters):
    """The better ARI of KMeans and Leiden on all features side by side."""
    from sklearn.metrics import adjusted_rand_score

    found = (run(name, cells, 0, n_clusters).labels for name in ("kmeans", "leiden"))
    return max(adjusted_rand_score(reference, labels) for labels in found)
