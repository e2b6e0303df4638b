"""The vote and the spectral consensus, by hand and whatever the order of members and ids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from spclust.clustering.matching import matched
from spclust.clustering.voting import Pool, spectral, vote, vote_shares

few = settings(deadline=None, max_examples=30)


def noisy(truth, rng, wrong=0.3):
    """The truth with a share of the cells in a random cluster."""
    other = rng.integers(truth.max() + 1, size=len(truth))
    return np.where(rng.random(len(truth)) < wrong, other, truth)


def pool_of(seed, m=5, n=60, c=3, wrong=0.3):
    rng = np.random.default_rng(seed)
    truth = np.r_[np.arange(c), rng.integers(c, size=n - c)]
    return truth, [noisy(truth, rng, wrong) for _ in range(m)]


def test_a_vote_counted_by_hand():
    a = [0, 0, 0, 0, 1, 1, 1, 1]
    b = [5, 5, 5, 2, 2, 2, 2, 2]  # other ids; cell 3 in the other cluster
    pool = Pool.of([a, a, b])
    outcome = vote(pool, 2)
    assert outcome.labels.tolist() == a
    ari = adjusted_rand_score(a, b)
    # handed back in the order of the members, whatever that of the pool
    np.testing.assert_allclose(pool.as_given(pool.agreement), [(1 + ari) / 2] * 2 + [ari])
    heavy, light = ((1 + ari) / 2) ** 2, ari**2
    np.testing.assert_allclose(pool.as_given(pool.weights), [heavy, heavy, light])
    unsure = 2 * heavy / (2 * heavy + light)
    expected = [1, 1, 1, unsure, 1, 1, 1, 1]
    np.testing.assert_allclose(outcome.confidence, expected, rtol=1e-6)


def test_agreement_is_sklearns():
    _, members = pool_of(0, m=4)
    rand = Pool.of(members)
    found = rand.rand[np.ix_(np.argsort(rand.order), np.argsort(rand.order))]
    expected = [[adjusted_rand_score(a, b) for b in members] for a in members]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_central_half_is_that_which_agrees():
    truth, members = pool_of(1, m=3, wrong=0.1)
    rng = np.random.default_rng(9)
    members += [rng.permutation(truth) for _ in range(3)]
    pool = Pool.of(members)
    assert pool.as_given(pool.central()).tolist() == [True] * 3 + [False] * 3


def test_clusters_are_matched_one_to_one_and_surplus_ones_to_the_best():
    score = np.array([[0.9, 0.8], [0.7, 0.1], [0.2, 0.3]])
    assert matched(score).tolist() == [1, 0, 1]  # 0.8 + 0.7 is more than 0.9 + 0.3
    assert matched(np.array([[0.2, 0.5, 0.1]])).tolist() == [1]


def test_shares_of_a_ballot_sum_to_one_and_worthless_members_count_alike():
    rng = np.random.default_rng(0)
    pool = Pool.of([[0, 1, 0, 1], [0, 1, 1, 0]])
    assert pool.weights.tolist() == [1, 1]
    np.testing.assert_allclose(vote_shares(pool, np.array([0, 0, 1, 1])).sum(1), 1)
    pool = Pool.of(rng.integers(4, size=(6, 50)))
    np.testing.assert_allclose(vote_shares(pool, pool.partitions[0]).sum(1), 1, rtol=1e-6)


@few
@given(st.integers(0, 10**6), st.permutations(range(5)))
def test_neither_the_order_of_members_nor_ids_matter(seed, order):
    _, members = pool_of(seed)
    rng = np.random.default_rng(seed)
    renamed = [rng.permutation(7)[members[i]] for i in order]
    first, second = Pool.of(members), Pool.of(renamed)
    for judge in (lambda pool: vote(pool, 3), lambda pool: spectral(pool, 3, 0)):
        one, other = judge(first), judge(second)
        assert one.labels.tobytes() == other.labels.tobytes()
        assert one.shares.tobytes() == other.shares.tobytes()
    weights = first.as_given(first.weights)[list(order)]
    assert weights.tobytes() == second.as_given(second.weights).tobytes()


@few
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6))
def test_whatever_the_pool_labels_go_by_size_and_shares_are_shares(seed, m, c):
    rng = np.random.default_rng(seed)
    pool = Pool.of([rng.integers(rng.integers(1, 6), size=30) for _ in range(m)])
    for outcome in (vote(pool, c), spectral(pool, c, 0)):
        sizes = np.bincount(outcome.labels)
        assert (np.diff(sizes) <= 0).all() and sizes.min() > 0
        assert outcome.shares.shape[1] >= len(sizes)
        np.testing.assert_allclose(outcome.shares.sum(1), 1, rtol=1e-5)
        assert (outcome.confidence >= 0).all() and (outcome.confidence <= 1 + 1e-6).all()


@pytest.mark.parametrize("judge", [vote, lambda pool, c: spectral(pool, c, 0)])
def test_many_weak_partitions_find_what_each_misses(judge):
    truth, members = pool_of(3, m=15, n=400, c=4, wrong=0.4)
    single = max(adjusted_rand_score(truth, labels) for labels in members)
    found = adjusted_rand_score(truth, judge(Pool.of(members), 4).labels)
    assert found > 0.9 > 0.7 > single


def test_a_vote_without_members_is_refused():
    with pytest.raises(ValueError, match="at least one partition"):
        Pool.of([])
