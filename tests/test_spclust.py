"""The method as a whole: finds planted structure, repeats, keeps to the original cells."""

import io
from types import SimpleNamespace

import anndata
import numpy as np
import pytest
import torch
import yaml
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import kneighbors_graph

from spclust import methods
from spclust.contracts import Graphs
from spclust.errors import UserError
from spclust.methods.spclust import SpClust
from spclust.parts import training
from spclust.parts.graphs import symmetrised
from spclust.settings import CONFIG_FOLDER

SETTINGS = yaml.safe_load((CONFIG_FOLDER / "config.yaml").read_text())["methods"]["spclust"]


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [120, 100, 80])
    x = rng.normal(size=(300, 10)).astype(np.float32)
    x[np.arange(300), truth] += 4
    cells = anndata.AnnData(x)
    cells.obs["pseudolabel"] = truth[rng.permutation(300)]
    cells.obs["synthetic"] = np.arange(300) >= 280
    cells.obs["image"] = "one"
    places = rng.random((300, 2)) + truth[:, None]
    cells.obsm["spatial"] = places
    graphs = [symmetrised(kneighbors_graph(a, 10)) for a in (x, places)]
    return cells, Graphs(*graphs, x, 10), truth


def run(planted, seed=1, n_clusters=3, **changes):
    cells, graphs, _ = planted
    settings = SETTINGS | {"pretrain_epochs": 20, "epochs": 20} | changes
    return methods.cluster(cells, n_clusters, seed, settings, graphs, methods.Machine("cpu"))


def test_finds_planted_clusters_whatever_the_pseudolabels(planted):
    result = run(planted)
    assert adjusted_rand_score(planted[2][:280], result.labels) > 0.9


def test_labels_only_the_original_cells(planted):
    result = run(planted, epochs=1, pretrain_epochs=1)
    assert len(result.labels) == len(result.confidence) == len(result.embedding) == 280
    assert len(result.tables["fusion"]) == 280
    assert ((result.confidence > 1 / 3 - 1e-6) & (result.confidence <= 1)).all()


def test_same_seed_same_bytes_and_other_seed_other_bytes(planted):
    first, again, other = run(planted), run(planted), run(planted, seed=2)
    assert first.embedding.tobytes() == again.embedding.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.embedding.tobytes() != other.embedding.tobytes()


def test_history_has_a_row_per_epoch_and_the_loss_falls(planted):
    history = run(planted).tables["history"]
    train = history[history.phase == "train"]
    assert len(history) == 40 and list(train.epoch) == list(range(1, 21))
    assert train.loss.iloc[-1] < train.loss.iloc[0]
    refreshed = train[train.changed_labels.notna()].epoch
    assert list(refreshed) == [10, 20]


def test_frozen_importance_stays_at_one(planted):
    table = run(planted, learn_importance=False, epochs=3).tables["importance"]
    assert (table.drop(columns="cluster") == 1).all().all()


def test_literal_learnable_weights_drive_the_third_below_zero(planted):
    def gammas(**changes):
        model = torch.load(io.BytesIO(run(planted, epochs=15, **changes).model))
        return model["state"]["gammas"]

    assert gammas(learn_weights=True)[2] < 0
    assert gammas()[2] == pytest.approx(0.01)


def test_fusion_weights_sum_to_one_and_follow_eq_12():
    torch.manual_seed(0)
    model = SpClust(4, 3, SETTINGS)
    h1, h2 = (torch.nn.functional.normalize(torch.randn(6, 16), dim=1) for _ in range(2))
    weights, fused = model.fuse(h1, h2)
    w, b = model.fusion.weight.detach().numpy(), model.fusion.bias.detach().numpy()
    logits = np.concatenate([h1, h2], axis=1) @ w.T + b
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(weights.detach(), expected, atol=1e-6)
    dense = expected[:, :1] * h1.numpy() + expected[:, 1:] * h2.numpy()
    assert np.allclose(fused.detach(), dense, atol=1e-6)


def test_soft_labels_follow_eq_13():
    model = SpClust(4, 3, SETTINGS)
    p = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    model.prototypes.data = torch.from_numpy(p)
    z = torch.randn(5, 16)
    logits = z.numpy() @ (p / np.linalg.norm(p, axis=1, keepdims=True)).T
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(model.assign(z, 1.0).detach(), expected, atol=1e-5)


def test_eq_5_weights_the_first_view_only():
    class Recorder(torch.nn.Module):
        def forward(self, x, _):
            seen.append(x)
            return x

    seen, model = [], SpClust(10, 3, SETTINGS)
    model.encoder = Recorder()
    model.importance.data = torch.arange(30.0).reshape(3, 10)
    x, labels = torch.randn(4, 10), torch.tensor([2, 0, 1, 2])
    model.encode(x, [SimpleNamespace(neighbourhoods=None)] * 2, labels)
    assert torch.equal(seen[0], model.importance.data[labels] * x) and torch.equal(seen[1], x)


def test_more_clusters_than_cells_is_refused(planted):
    with pytest.raises(UserError, match="281 clusters were asked of 280 cells; lower n_clusters"):
        run(planted, n_clusters=281)


def test_widths_that_heads_do_not_divide_are_refused(planted):
    with pytest.raises(UserError, match="hidden_dims: 15 is no multiple of heads"):
        run(planted, hidden_dims=[16, 15])


def test_one_cluster_is_no_error(planted):
    cells, graphs, truth = planted
    cells = cells.copy()
    cells.obs["pseudolabel"] = 0
    result = run((cells, graphs, truth), n_clusters=1, epochs=2, pretrain_epochs=1)
    assert set(result.labels) == {0}


def test_a_device_that_is_not_there_is_named():
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(UserError, match="device: cuda was asked.*set device to auto or cpu"):
        training.pick_device("cuda")
