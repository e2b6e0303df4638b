"""Importances: by their definition, of a sample, and of planted proteins."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import METHODS, cells_of, graphs_for, two_modalities
from spclust_cells import graphs_of

from spclust.data.votes import Votes
from spclust.methods import running
from spclust.methods.spclust.importances import attributions, contrast, importance_tables, sample
from spclust.methods.spclust.spclust import model_of
from spclust.methods.task import Machine, Task
from spclust.nn.batches import Batches
from spclust.stages import simulate

QUICK = {"pretrain_epochs": 5, "epochs": 40, "guard": False}


def test_the_contrast_is_the_logit_less_the_mean_of_the_others():
    z = np.random.default_rng(0).normal(size=(5, 4))
    expected = [[row[k] - np.delete(row, k).mean() for k in range(4)] for row in z]
    found = contrast(torch.from_numpy(z))
    np.testing.assert_allclose(found, expected)
    shifted = contrast(torch.from_numpy(z + np.arange(5)[:, None]))
    np.testing.assert_allclose(shifted, found, atol=1e-12)


def test_attributions_follow_their_definition():
    """Against NumPy, on a score that looks at neighbours; the last cell is no member."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    w, near = rng.normal(size=(5, 4)), rng.random((9, 9))
    usual = [np.median(a, axis=0), np.median(b, axis=0)]
    labels = np.array([0, 0, 1, 1, 1, 3, 3, 0, -1])

    def score(parts):
        return torch.tanh(torch.from_numpy(near) @ torch.cat(parts, dim=1) @ torch.from_numpy(w))

    def gains(x):
        z = np.tanh(near @ x @ w)
        own = [z[i, k] - np.delete(z[i], k).mean() for i, k in enumerate(labels[:-1])]
        return np.array([np.mean(np.array(own)[labels[:-1] == k]) for k in (0, 1, 3)])

    def tensors(arrays):
        return [torch.from_numpy(x) for x in arrays]

    given = torch.from_numpy(labels)
    found = attributions(score, tensors([a, b]), tensors(usual), given, 4)
    whole = np.hstack([a, b])
    for j, level in enumerate(np.concatenate(usual)):
        less = whole.copy()
        less[:, j] = np.minimum(less[:, j], level)
        np.testing.assert_allclose(found[[0, 1, 3], j], gains(whole) - gains(less), rtol=1e-9)
    assert np.isnan(found[2]).all()  # nobody is in it
    assert np.array_equal(whole, np.hstack([a, b]))
    # where nothing stands out nothing is lost
    unmoved = attributions(score, tensors([a, b]), tensors([a.max(0), b.max(0)]), given, 4)
    assert not unmoved[[0, 1, 3]].any()


def test_a_sample_has_as_many_of_each_cluster_and_all_of_the_small_ones():
    labels = np.repeat([0, 1, 3], [500, 300, 7])
    rows = sample(labels, 4, 100, 5)
    assert (np.diff(rows) > 0).all()
    assert np.bincount(labels[rows]).tolist() == [25, 25, 0, 7]
    assert np.array_equal(rows, sample(labels, 4, 100, 5))
    assert not np.array_equal(rows, sample(labels, 4, 100, 6))


def tissue_of(seed, n=560):
    """A small tissue that all votes see as it is, and the proteins planted in each type."""
    made = simulate.simulate_tissue(n, 24, 1, noise=1.0, seed=seed, imbalance=1)
    x = np.log1p(made.X / made.X.sum(axis=1, keepdims=True)).astype(np.float64)
    types = made.obs["cell_type"].cat
    codes = types.codes.to_numpy(np.int64)
    cells = cells_of((x - x.mean(0)) / x.std(0), made.obsm["spatial"], names=list(made.var_names))
    shares = np.eye(7, dtype=np.float32)[codes]
    votes = Votes(cells.ids, {"vote": codes}, {"vote": shares}, None, codes[None], np.arange(n))
    planted = [set(made.uns["planted"][kind]) for kind in types.categories]
    return replace(cells, pseudolabels=codes), votes, planted


def trained(cells, votes, graphs=None, n_clusters=7, **changes):
    graphs = graphs_for("spclust_vote", cells) if graphs is None else graphs
    settings = METHODS["spclust_vote"] | QUICK | changes
    machine = Machine("cpu")
    return graphs, running.cluster(
        cells, n_clusters, 1, settings, "mine", graphs, machine, votes=votes
    )


@pytest.fixture(scope="module")
def taught():
    """Of three tissues: cells, planted proteins, graphs, and what was trained on them."""
    found = []
    for seed in (1, 2, 3):
        cells, votes, planted = tissue_of(seed)
        found.append((cells, planted, *trained(cells, votes, learn_importance=True)))
    return found


def recovered(table, planted):
    """Share of clusters whose planted proteins are among their first five."""
    values = table.set_index("cluster")
    first = [set(values.loc[k].nlargest(5).index) for k in values.index]
    return np.mean([own <= top for own, top in zip(planted, first, strict=True)])


def test_the_first_five_are_the_planted_ones(taught):
    def share(name):
        return np.mean([recovered(result.tables[name], own) for _, own, _, result in taught])

    assert share("attribution") >= 0.9
    # what the paper learns is another thing
    assert share("importance") < 0.5


def test_a_sample_of_the_cells_finds_them_too_and_the_same_again(taught):
    cells, planted, graphs, result = taught[0]
    task = Task(cells, 7, 1, result.model.settings, graphs=graphs)
    model, weights = model_of(task), result.model.weights
    model.load_state_dict({name: torch.from_numpy(weights[name]) for name in model.state_dict()})
    data = Batches(cells, graphs, torch.device("cpu"), 1, 250)
    first, again = (
        importance_tables(model, data, result.labels, task)["attribution"] for _ in range(2)
    )
    assert recovered(first, planted) >= 0.8
    assert first.equals(again) and not first.equals(result.tables["attribution"])


def test_features_of_all_modalities_have_theirs():
    cells, votes, _ = tissue_of(1, 200)
    cells = two_modalities(cells)
    tables = trained(cells, votes, graphs_of(cells), epochs=2, pretrain_epochs=1)[1].tables
    assert set(tables) == {"attribution", "history"}
    assert list(tables["attribution"]) == ["cluster", *cells.feature_names]


def test_of_a_single_cluster_there_is_nothing_to_say():
    cells, votes, _ = tissue_of(1, 200)
    none = np.zeros(200, dtype=np.int64)
    votes = replace(votes, labels={"vote": none}, shares={"vote": np.ones((200, 1))})
    cells = replace(cells, pseudolabels=none)
    _, result = trained(cells, votes, n_clusters=1, epochs=1, pretrain_epochs=1)
    assert "attribution" not in result.tables
