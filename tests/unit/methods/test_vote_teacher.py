"""Training on a vote: the loss against NumPy, who teaches, and the return to the vote."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import expression_types, graphs_for, interrupted, run, votes_for
from sklearn.metrics import adjusted_rand_score

from spclust.errors import UserError
from spclust.methods.spclust.vote_teacher import Teacher, agreement, held, teacher_of
from spclust.methods.task import Clustering, Task
from spclust.nn.batches import Batch
from spclust.stages.oversample import SpaCSMOTE

QUICK = {"pretrain_epochs": 5, "epochs": 30}


@pytest.fixture(scope="module")
def taught():
    """Cells balanced by a vote, the vote, the truth of the measured ones, and graphs."""
    cells, reference = expression_types(0)
    votes = votes_for("spclust_vote", cells)
    balanced = SpaCSMOTE(random_state=0).balance(cells, votes.labels["vote"])
    return balanced, votes, reference, graphs_for("spclust_vote", balanced)


def task_of(taught, **changes):
    cells, votes, _, graphs = taught
    settings = {"weight_teacher": 1.0, "teacher_share": 0.4} | changes
    return Task(cells, 3, 0, settings, graphs=graphs, votes=votes)


def test_the_loss_is_the_weighted_cross_entropy():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), size=6).astype(np.float32)
    weights = np.array([1, 0, 2, 0.5, 0, 1], dtype=np.float32)
    logits = torch.from_numpy(rng.normal(size=(6, 3))).requires_grad_()
    whole = Batch(None, {"protein": torch.zeros(6, 2)}, {}, None)
    loss = Teacher(shares, weights).loss(logits.softmax(1), whole)
    loss.backward()
    q = np.exp(logits.detach().numpy())
    q /= q.sum(1, keepdims=True)
    w = weights / weights.sum()
    assert loss.item() == pytest.approx(-(w[:, None] * shares * np.log(q)).sum(), rel=1e-6)
    np.testing.assert_allclose(logits.grad, w[:, None] * (q - shares), atol=1e-7)
    # a low temperature makes soft labels zero
    hard = torch.tensor([[1.0, 0.0, 0.0]] * 6, requires_grad=True)
    loss = Teacher(shares, weights).loss(hard, whole)
    loss.backward()
    assert np.isfinite(loss.item()) and hard.grad.isfinite().all()
    rows = np.array([4, 0, 2])
    part = Batch(rows, {"protein": torch.zeros(3, 2)}, {}, None)
    own = Teacher(shares, weights).loss(torch.from_numpy(q[rows]), part)
    expected = -(weights[rows, None] * shares[rows] * np.log(q[rows])).sum() / weights[rows].sum()
    assert own.item() == pytest.approx(expected, rel=1e-6)


def test_sure_cells_teach_and_small_clusters_count_more(taught, caplog):
    task, (cells, votes, *_) = task_of(taught), taught
    teacher, n = teacher_of(task), taught[0].n_original
    assert len(cells) > n and not teacher.weights[n:].any()
    labels, sure = votes.labels["vote"], votes.confidence("vote")
    np.testing.assert_allclose(teacher.weights[:n] > 0, sure >= 0.4)
    at = [np.flatnonzero((labels == c) & (sure >= 0.4))[0] for c in range(3)]
    sizes = np.bincount(labels)
    np.testing.assert_allclose(teacher.weights[at] * np.sqrt(sizes), 1, rtol=1e-5)
    assert teacher_of(task_of(taught, weight_teacher=0.0)) is None
    hidden = replace(votes, shares={k: v * 0.3 for k, v in votes.shares.items()})
    teacher_of(replace(task, votes=hidden))
    assert "no cell has a share of 0.40" in caplog.text


def test_what_led_away_from_the_pool_gives_way_to_the_vote(taught, caplog):
    caplog.set_level(logging.INFO)
    task, (cells, votes, *_) = task_of(taught), taught
    n = cells.n_original
    drawn = np.random.default_rng(0).integers(3, size=len(cells))
    lost = Clustering(drawn, np.ones(len(cells)), np.zeros((len(cells), 1)))
    found = held(lost, task)
    assert np.array_equal(found.labels[:n], votes.labels["vote"])
    np.testing.assert_allclose(found.confidence[:n], votes.confidence("vote"))
    assert found.cost["returned"] == "vote" and "led away" in caplog.text
    kept = np.append(votes.labels["vote"], drawn[n:])
    same = Clustering(kept.copy(), np.ones(len(cells)), np.zeros((len(cells), 1)))
    assert held(same, task).cost["returned"] == "training"
    assert np.array_equal(same.labels, kept) and same.confidence.all()


def test_agreement_of_a_member_is_that_of_the_pool_and_its_own(taught):
    votes = taught[1]
    m, others = len(votes.members), votes.members["agreement"].iloc[1]
    expected = (1 + (m - 1) * others) / m
    assert agreement(votes.partitions[1], votes) == pytest.approx(expected, abs=1e-6)


def test_the_taught_method_finds_the_types_repeats_and_goes_on(taught, tmp_path):
    cells, votes, reference, graphs = taught
    whole, resumed = interrupted(
        "spclust_vote", cells, tmp_path / "c.pt", 22, graphs=graphs, **QUICK
    )
    assert np.array_equal(whole.labels, resumed.labels)
    assert whole.embedding.tobytes() == resumed.embedding.tobytes()
    found = adjusted_rand_score(reference, whole.labels)
    assert found > 0.9 and found > adjusted_rand_score(reference, votes.labels["vote"]) - 0.03
    sure, n = votes.confidence("vote").mean(), len(votes.ids)
    assert whole.confidence[:n].mean() == pytest.approx(sure, abs=0.05)
    history = whole.tables["history"].dropna(subset="teacher")
    assert history["teacher"].iloc[-1] < 0.7 * history["teacher"].iloc[0]


def test_the_temperature_is_that_at_which_the_shares_were_drawn():
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(size=(500, 4)))
    shares = (logits / 0.3).softmax(1).numpy().astype(np.float32)
    shares[400:] = 0  # synthetic cells have no say
    teacher = Teacher(shares, np.ones(500, dtype=np.float32))
    assert teacher.temperature(logits) == pytest.approx(0.3, rel=1e-3)
    assert teacher.temperature(5 * logits) == pytest.approx(1.5, rel=1e-3)


def test_without_a_vote_nobody_is_taught(taught):
    cells, _, _, graphs = taught
    with pytest.raises(UserError, match=r"weight_teacher: the run saw no vote.*spclust_vote"):
        run("spclust", cells, graphs=graphs, weight_teacher=1.0)
