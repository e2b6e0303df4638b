"""SpaMCA and SpatialGlue: what neither modality tells alone, each term, the mended faults."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import METHODS, better_base_line, graphs_for, half_told_domains, interrupted
from planted import run as run_any
from references import normalised, numeric_gradient, random_graph
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods import spatialglue
from spclust.methods.spamca import spamca
from spclust.neighbours.knn import with_self_loops
from spclust.nn.cluster_contrast import cluster_contrast
from spclust.nn.dual_graphs import DualGraphs
from spclust.nn.neighbourhoods import Neighbourhoods

QUICK = {"epochs": 5, "labels": "kmeans"}
NAMES = ["spatialglue", "spamca"]
N = 9


def run(name, cells, seed=0, n_clusters=4, **changes):
    return run_any(name, cells, seed, n_clusters, **changes)


@pytest.fixture(scope="module")
def planted():
    return half_told_domains(0)


@pytest.fixture(scope="module")
def cells(planted):
    return planted[0]


@pytest.fixture(scope="module")
def base_line(planted):
    return better_base_line(*planted, n_clusters=4)


@pytest.mark.parametrize("name", NAMES)
def test_domains_that_no_modality_tells_alone_are_found(planted, base_line, name):
    cells, reference = planted
    # neither table is worth more than the other here
    equal = {"weight_reconstruction": 1.0} if name == "spatialglue" else {}
    result = run(name, cells, epochs=100, lr=0.002, **equal)
    assert adjusted_rand_score(reference, result.labels) > base_line + 0.2
    assert result.embedding.shape == (400, METHODS[name]["width"])
    shares = result.per_cell["spatial_share"]
    assert list(shares.columns) == ["rna", "adt"] and len(shares) == 400
    assert shares.to_numpy().min() > 0 and shares.to_numpy().max() < 1
    assert ("fusion" in result.per_cell) == (name == "spatialglue")


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_repeats_to_the_byte_and_another_differs(cells, name):
    first, second, other = (run(name, cells, seed, **QUICK) for seed in (3, 3, 4))
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert np.array_equal(first.labels, second.labels)
    assert first.embedding.tobytes() != other.embedding.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_training_ends_with_the_same_bytes(cells, tmp_path, name):
    whole, resumed = interrupted(name, cells, tmp_path / "c.pt", 4, epochs=8, labels="kmeans")
    assert resumed.embedding.tobytes() == whole.embedding.tobytes()
    assert resumed.labels.tobytes() == whole.labels.tobytes()
    assert resumed.tables["history"].equals(whole.tables["history"])


@pytest.mark.parametrize("name", NAMES)
def test_one_and_three_modalities(cells, name, caplog):
    rna = {"rna": cells.features["rna"]}
    one = replace(cells, features=rna, names={"rna": cells.names["rna"]})
    assert len(run(name, one, **QUICK).labels) == 400
    assert "the cells have one modality, so there is nothing to fuse" in caplog.text
    x, names = cells.features["adt"], cells.names["adt"]
    parts = {"adt": x[:, :5], "atac": x[:, 5:]}
    named = {"rna": cells.names["rna"], "adt": names[:5], "atac": names[5:]}
    three = replace(cells, features=rna | parts, names=named)
    result = run(name, three, **QUICK)
    assert list(result.per_cell["spatial_share"].columns) == ["rna", "adt", "atac"]


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_trained_is_told(cells, name):
    for key in ("spatial_graph", "expression_space"):
        graphs = graphs_for(name, cells, **{key: "none"})
        with pytest.raises(UserError, match=rf"graphs\.<name>\.{key}: the method needs"):
            run(name, cells, graphs=graphs, **QUICK)
    with pytest.raises(UserError, match=rf"the loss became .*; lower method\.{name}\.lr"):
        run(name, cells, lr=1e30, **QUICK)
    nothing = {"weight_reconstruction": 0.0}
    if name == "spamca":  # has other terms, with which its authors train one of their slices
        assert len(run(name, cells, **nothing, **QUICK).labels) == 400
    else:
        with pytest.raises(UserError, match=r"spatialglue\.weight_reconstruction: every modality"):
            run(name, cells, **nothing, **QUICK)


@pytest.mark.parametrize("name", NAMES)
def test_the_history_has_the_terms_of_each_epoch(cells, name):
    history, own = run(name, cells, **QUICK).tables["history"], METHODS[name]
    assert list(history["epoch"]) == [1, 2, 3, 4, 5] and set(history["phase"]) == {"train"}
    if name == "spatialglue":
        expected = history["reconstruction"] + history["correspondence"]
    else:
        expected = history["reconstruction"]
        for term in ("alignment", "clustering", "target"):
            expected = expected + own[f"weight_{term}"] * history[term]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


@pytest.fixture
def small():
    """A double-precision model of two modalities, its features and graphs, sparse and dense."""
    rng = np.random.default_rng(0)
    graphs = [random_graph(rng, N) for _ in range(3)]
    edges = [Neighbourhoods.from_scipy(with_self_loops(g).astype(np.float64)) for g in graphs]
    edges = [replace(g, weight=g.weight.double()) for g in edges]
    dense = [normalised(g.toarray() + np.eye(N)) for g in graphs]
    settings = METHODS["spamca"] | {"width": 3}
    torch.manual_seed(0)
    model = spamca.Model([4, 2], 3, settings).double()
    features = [torch.from_numpy(rng.normal(size=(N, d))) for d in (4, 2)]
    return model, features, edges[:2], edges[2], dense


def test_the_encoder_against_dense_matrices(small):
    model, features, expression, space, dense = small
    encoded = model.encode(zip(features, features), expression, space)
    parts = []
    for i, x in enumerate(features):
        hidden = x @ model.encoders[i].weight.t()
        views = [torch.from_numpy(g) @ hidden for g in (dense[2], dense[i])]
        part, shares = model.within[i](views)
        assert torch.allclose(encoded.within[i], shares)
        parts.append(part)
    assert all(torch.allclose(a, b) for a, b in zip(encoded.parts, parts))
    assert torch.allclose(encoded.z, model.between(torch.cat(parts, dim=1)))
    for decoded, layer in zip(model.decode(encoded.z, space), model.decoders):
        assert torch.allclose(decoded, torch.from_numpy(dense[2]) @ encoded.z @ layer.weight.t())


def test_fusion_by_attention_weighs_modalities():
    model = DualGraphs([2, 2], 3, "attention")
    parts = [torch.randn(5, 3) for _ in range(2)]
    z, shares = model.between(parts)
    assert torch.allclose(z, shares[:, :1] * parts[0] + shares[:, 1:] * parts[1])


def test_correspondence_against_dense_matrices(small):
    model, features, expression, space, dense = small
    part = np.random.default_rng(1).normal(size=(N, 3))
    decoder, encoder = (
        layers[1].weight.detach().numpy() for layers in (model.decoders, model.encoders)
    )

    def reference(part):
        return ((part - dense[2] @ (dense[2] @ part @ decoder.T) @ encoder.T) ** 2).mean()

    given = torch.from_numpy(part).requires_grad_()
    ways = model.correspondence([given, torch.zeros(N, 3).double()], space)
    ways[0].backward()
    assert ways[0].item() == pytest.approx(reference(part)) and ways[1].item() == 0
    np.testing.assert_allclose(given.grad, numeric_gradient(reference, part), atol=1e-7)
    alone = DualGraphs([4], 3, "attention").double()
    assert alone.correspondence([given], space)[0].item() == 0  # there is no other


def test_spatialglue_weighs_errors_of_modalities(small):
    _, features, expression, space, _ = small
    model = DualGraphs([4, 2], 3, "attention").double()
    args = (model, features, expression, space)
    _, plain = spatialglue.objective(*args, [1.0, 1.0], [1.0, 0.0])
    loss, terms = spatialglue.objective(*args, [1.0, 5.0], [3.0, 0.0])
    assert terms["correspondence"].item() == pytest.approx(3 * plain["correspondence"].item())
    encoded = model.encode(zip(features, features), expression, space)
    second = (features[1] - model.decode(encoded.z, space)[1]).square().mean()
    more = 4 * second + 2 * plain["correspondence"]
    assert loss.item() == pytest.approx((sum(plain.values()) + more).item())


def test_alignment_against_a_loop():
    rng = np.random.default_rng(0)
    a, b = np.abs(rng.normal(size=(2, 6, 3)))

    def reference(a):
        cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        return -np.log(((1 + cosine) / 2) ** 2).mean()

    given = torch.from_numpy(a).requires_grad_()
    loss = spamca.alignment(given, torch.from_numpy(b))
    loss.backward()
    assert loss.item() == pytest.approx(reference(a))
    np.testing.assert_allclose(given.grad, numeric_gradient(reference, a), atol=1e-7)
    x = torch.from_numpy(a)
    assert torch.isfinite(spamca.alignment(x, -x)) and spamca.alignment(x, 2 * x).item() < 1e-9


def test_the_target_is_a_distribution_unless_literal():
    rng = np.random.default_rng(0)
    soft = [rng.dirichlet(np.ones(3), size=7) for _ in range(3)]
    largest = np.maximum.reduce(soft)
    given = [torch.from_numpy(v) for v in soft]
    weighed = largest**2 / largest.sum(0)
    np.testing.assert_allclose(
        spamca.sharpened(given, False), weighed / weighed.sum(1, keepdims=True)
    )
    literal = spamca.sharpened(given, True)
    squared = largest**2
    np.testing.assert_allclose(literal, squared / np.linalg.norm(squared, axis=1, keepdims=True))
    assert (literal.sum(1) > 1).all()


def test_both_graphs_hide_the_same_cells_unless_literal():
    device = torch.device("cpu")
    for literal in (False, True):
        settings = {"mask": 0.2, "literal": literal}
        drawn = spamca.masks(50, 2, settings, 0, "mask", 1, device=device)
        assert all(rows.sum() == 10 for pair in drawn for rows in pair)
        assert all(torch.equal(*pair) != literal for pair in drawn)
        assert not torch.equal(drawn[0][0], drawn[1][0])  # each modality has cells of its own
        other = spamca.masks(50, 2, settings, 0, "mask", 2, device=device)
        assert not torch.equal(drawn[0][0], other[0][0])


def test_nothing_of_a_hidden_cell_reaches_its_reconstruction(small):
    model, features, expression, space, _ = small
    rows = torch.zeros(N, dtype=torch.bool)
    rows[4] = True
    x = [v.clone().requires_grad_() for v in features]
    both = [(rows, rows), (torch.zeros_like(rows),) * 2]
    encoded = model.encode(spamca.hide(x, both), expression, space)
    model.decode(encoded.z, space)[0].sum().backward()
    assert not x[0].grad[4].any() and x[0].grad[~rows].any(1).all() and x[1].grad[4].any()


def test_only_the_literal_reading_hides_cells_at_inference(small, cells):
    model, features, expression, space, _ = small
    whole = model.encode(zip(features, features), expression, space).z

    class Task:
        seed = 0

        def __init__(self, literal):
            self.settings = {"mask": 0.3, "literal": literal}

    for literal in (False, True):
        z = spamca.encode(model, features, expression, space, Task(literal)).z
        assert torch.equal(z, whole) != literal


def test_each_term_of_spamca_is_what_it_says(small):
    model, features, expression, space, _ = small
    settings = {
        "mask": 0.3,
        "literal": False,
        "temperature": 0.5,
        "weight_alignment": 2.0,
        "weight_clustering": 3.0,
        "weight_target": 4.0,
    }
    rows = spamca.masks(N, 2, settings, 0, device=torch.device("cpu"))
    args = (model, features, expression, space, rows)
    loss, terms = spamca.objective(*args, settings, [0.5, 2.0])
    encoded = model.encode(spamca.hide(features, rows), expression, space)
    decoded = model.decode(encoded.z, space)
    errors = [(x - y)[pair[0]].square().mean() for x, y, pair in zip(features, decoded, rows)]
    assert terms["reconstruction"].item() == pytest.approx((0.5 * errors[0] + 2 * errors[1]).item())
    projected = [project(z) for project, z in zip(model.projectors, encoded.parts)]
    assert terms["alignment"].item() == pytest.approx(spamca.alignment(*projected).item())
    assert terms["alignment"].item() != pytest.approx(spamca.alignment(*encoded.parts).item())
    p, q, y = (model.clusters(z) for z in (*encoded.parts, encoded.z))
    assert terms["clustering"].item() == pytest.approx(cluster_contrast(p, q, 0.5).item())
    target = spamca.sharpened([p, q, y], False)
    assert not target.requires_grad and y.requires_grad  # drawn to it, not it to them
    divergence = (target * (target.log() - y.log())).sum(1).mean()
    assert terms["target"].item() == pytest.approx(divergence.item())
    weights = {"reconstruction": 1, "alignment": 2, "clustering": 3, "target": 4}
    expected = sum(weights[name] * term.item() for name, term in terms.items())
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("changes", [{"literal": True}, {"mask": 0.0}, {"fusion": "attention"}])
def test_every_switch_changes_the_training(cells, changes):
    plain, other = run("spamca", cells, **QUICK), run("spamca", cells, **QUICK, **changes)
    assert plain.embedding.tobytes() != other.embedding.tobytes()
    assert np.isfinite(other.embedding).all()
