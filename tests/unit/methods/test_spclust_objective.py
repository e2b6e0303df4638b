"""The terms of spClust's objective and what it clusters, against the equations."""

from itertools import combinations

import numpy as np
import pytest
import torch
from spclust_cells import SETTINGS

from spclust.methods.spclust import losses
from spclust.methods.spclust import spclust as recipe
from spclust.nn.batches import Batches
from spclust.nn.pairwise import Blocks
from spclust.nn.views import SpClust, expression_embedding

CPU = torch.device("cpu")


def drawn(given, n_clusters=3):
    """A new model and all cells as a batch."""
    cells, graphs, _ = given
    torch.manual_seed(0)
    model = SpClust([x.shape[1] for x in cells.features.values()], n_clusters, SETTINGS)
    return model, Batches(cells, graphs, CPU, 0).draw(0)


def test_terms_of_three_views_are_means_over_pairs_and_modalities(two_modalities):
    model, batch = drawn(two_modalities)
    torch.nn.init.normal_(model.prototypes)
    labels = torch.from_numpy(two_modalities[2])
    _, terms = recipe.objective(model, batch, labels, SETTINGS, Blocks())
    rna, adt, spatial = batch.graphs.values()
    z = model.encode(batch.features, batch.graphs, labels)
    (x, y), (encode_x, encode_y) = batch.features.values(), model.encoders
    e, f = model.importances
    expected = [
        encode_x(e[labels] * x, rna),
        encode_y(f[labels] * y, adt),
        (encode_x(x, spatial) + encode_y(y, spatial)) / 2,
    ]
    for found, zv in zip(z, expected, strict=True):
        torch.testing.assert_close(found, zv)
    h = [model.projection(zv) for zv in z]
    pairs = [losses.info_nce(a, b, SETTINGS["temperature"]).item() for a, b in combinations(h, 2)]
    assert len(pairs) == 3 and terms["contrastive"] == pytest.approx(np.mean(pairs), rel=1e-5)
    rebuilt = [
        losses.adjacency_cross_entropy(zv, g).item() for zv, g in zip(z, (rna, adt, spatial))
    ]
    assert terms["reconstruction"] == pytest.approx(sum(rebuilt), rel=1e-5)
    weights, fused = model.fuse(h)
    soft = model.assign(fused, SETTINGS["assignment_temperature"])
    modular = [losses.soft_modularity(soft, g).item() for g in (rna, adt)]
    assert terms["modularity"] == pytest.approx(np.mean(modular), rel=1e-4)
    aligned = [losses.importance_alignment(v, model.prototypes).item() for v in (e, f)]
    assert terms["alignment"] == pytest.approx(np.mean(aligned), rel=1e-4)
    of_expression = weights[:, :2].sum(1).mean().item()
    assert terms["fusion_expression"] == pytest.approx(of_expression, rel=1e-5)


@pytest.mark.parametrize("n_views", [2, 3])
def test_fusion_weights_sum_to_one_and_follow_eq_12(n_views):
    torch.manual_seed(0)
    model = SpClust([4] * (n_views - 1), 3, SETTINGS)
    h = [torch.nn.functional.normalize(torch.randn(6, 16), dim=1) for _ in range(n_views)]
    weights, fused = model.fuse(h)
    w, b = model.fusion.weight.detach().numpy(), model.fusion.bias.detach().numpy()
    logits = np.concatenate(h, axis=1) @ w.T + b
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(weights.detach(), expected, atol=1e-6)
    dense = sum(expected[:, v : v + 1] * hv.numpy() for v, hv in enumerate(h))
    assert np.allclose(fused.detach(), dense, atol=1e-6)


def test_clusters_of_several_modalities_live_in_the_mean_at_unit_length():
    h = [torch.nn.functional.normalize(torch.randn(6, 16), dim=1) for _ in range(2)]
    mean = (h[0] + h[1]).numpy() / 2
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert np.allclose(expression_embedding(h), expected, atol=1e-6)
    assert expression_embedding(h[:1]) is h[0]


def test_soft_labels_follow_eq_13():
    model = SpClust([4], 3, SETTINGS)
    p = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    model.prototypes.data = torch.from_numpy(p)
    z = torch.randn(5, 16)
    logits = z.numpy() @ (p / np.linalg.norm(p, axis=1, keepdims=True)).T
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(model.assign(z, 1.0).detach(), expected, atol=1e-5)


def test_eq_5_weights_the_expression_views_only(planted):
    class Recorder(torch.nn.Module):
        def forward(self, x, _):
            seen.append(x)
            return x

    seen, (model, batch) = [], drawn(planted)
    model.encoders = torch.nn.ModuleList([Recorder()])
    model.importances[0].data = torch.arange(30.0).reshape(3, 10)
    x, labels = batch.features["protein"], torch.from_numpy(planted[2])
    model.encode(batch.features, batch.graphs, labels)
    assert torch.equal(seen[0], model.importances[0].data[labels] * x)
    assert torch.equal(seen[1], x)


@pytest.mark.parametrize("term", ["contrast", "reconstruction", "modularity", "alignment"])
def test_a_term_without_weight_takes_no_part(planted, term):
    named = {"contrast": "contrastive"}.get(term, term)
    weights = {"contrastive": 1.0, "reconstruction": 10.0, "modularity": -10.0, "alignment": 0.01}
    chosen = SETTINGS | {f"weight_{term}": 0.0}
    cells, graphs, truth = planted
    torch.manual_seed(0)
    model = SpClust([10], 3, chosen)
    torch.nn.init.normal_(model.prototypes)
    batch = Batches(cells, graphs, CPU, 0).draw(0)
    loss, terms = recipe.objective(model, batch, torch.from_numpy(truth), chosen, Blocks())
    expected = sum(w * terms[name] for name, w in weights.items() if name != named)
    assert loss.item() == pytest.approx(expected, rel=1e-5) and terms[named]
