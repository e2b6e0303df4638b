"""The pool of first labels: which members, how they vote, how a sample's votes are extended."""

import logging

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from spclust.data.votes import Votes
from spclust.errors import UserError
from spclust.knowledge import panel
from spclust.plan.stages import STAGES
from spclust.stages import votes as pools
from spclust.stages.preprocess import preparation

mudata.set_options(pull_on_update=False)
DEFAULTS, VOTES = STAGES["preprocess"].defaults, STAGES["votes"].defaults
QUICK = VOTES | {"transforms": ["total_median", "arcsinh_median"], "heads": ["kmeans", "ward"]}


def tissue(seed=0, n=500, d=12):
    """Imported intensities of three types and the type of each cell.

    Cells differ in size, proteins in gain, and a few cells have an artefact in one protein: no
    single transform copes with all three.
    """
    rng = np.random.default_rng(seed)
    types = rng.choice(3, size=n, p=[0.6, 0.3, 0.1])
    level = 1.0 + 9.0 * (np.arange(d) % 3 == types[:, None])
    x = rng.gamma(2, level / 2) * rng.lognormal(0, 0.7, size=(n, 1)) * rng.lognormal(0, 1.5, size=d)
    spoiled = rng.random((n, d)) < 0.01
    return imported(protein=np.where(spoiled, 60 * x, x)), types


def imported(**tables):
    parts = {}
    for name, x in tables.items():
        parts[name] = anndata.AnnData(
            np.asarray(x, dtype=np.float32),
            obs=pd.DataFrame(index=[f"c{i}" for i in range(len(x))]),
            var=pd.DataFrame(index=[f"{name}{j}" for j in range(x.shape[1])]),
        )
    data = mudata.MuData(parts)
    data.obs["image"], data.obs["slice"] = "image", "slice"
    data.obsm["spatial"] = np.zeros((data.n_obs, 2), dtype=np.float32)
    return data


def poll(data, n_clusters=3, seed=0, prepared=None, **changes):
    cells = preparation.prepare(data, DEFAULTS | (prepared or {}))
    return pools.vote(data, cells, n_clusters, seed, **QUICK | changes)


def test_the_pool_sees_the_panel_as_prepared_whatever_tables_it_went_by(tmp_path):
    data, _ = tissue(n=60)
    rows = [f"protein{j},{'state' if j < 4 else 'lineage'}" for j in range(12)]
    (tmp_path / "mine.csv").write_text("\n".join(["name,role", *rows]) + "\n")
    mine = panel.read_proteins([tmp_path / "mine.csv"])
    cells = preparation.prepare(data, DEFAULTS | {"panel": "lineage"}, mine)
    assert cells.matrix.shape == (60, 8)
    turns = [("total", "all"), ("arcsinh", "all"), ("arcsinh", "auto")]
    views = {turn: view.matrix for turn, view in pools._views(data, cells, turns)}
    assert np.array_equal(views[turns[0]], cells.matrix)
    assert views[turns[1]].shape == views[turns[2]].shape == (60, 8)


def test_transforms_take_the_panels_in_turn_and_signatures_vote_where_names_tell_types(caplog):
    caplog.set_level(logging.INFO)
    names = "CD3 CD4 CD8 CD20 CD68 CD31 PanCK aSMA CD11c CD45 Ki67 PD-1".split()
    data, _ = tissue(n=200)
    data.mod["protein"].var_names = names
    votes = poll(data, panels=["all", "lineage"], heads=["kmeans", "signatures"])
    found = list(zip(votes.members["transform"], votes.members["panel"], votes.members["head"]))
    assert found == [
        (t, p, h)
        for t, p in (("total_median", "all"), ("arcsinh_median", "lineage"))
        for h in ("kmeans", "signatures")
    ]
    assert (
        "10 of 12 features cluster; left to markers, figures and export: Ki67, PD-1" in caplog.text
    )
    cells = preparation.prepare(data, DEFAULTS)
    (_, all_), (_, part) = pools._views(data, cells, [("total", "all"), ("total", "lineage")])
    assert np.array_equal(part.matrix, all_.matrix[:, :10])
    assert np.array_equal(part.whole().matrix, all_.matrix)


@pytest.fixture(scope="module")
def planted():
    data, types = tissue()
    return data, types, poll(data, **VOTES)


def test_every_transform_meets_every_head(planted):
    _, _, votes = planted
    pairs = list(zip(votes.members["transform"], votes.members["head"]))
    heads = ["kmeans", "ward", "leiden", "mixture"]  # signatures want names of proteins
    assert pairs == [(t, h) for t in VOTES["transforms"] for h in heads]
    assert votes.partitions.shape == (24, 500) and votes.members["central"].sum() == 12
    assert (votes.members["agreement"] <= 1).all() and (votes.members["weight"] >= 0).all()


def test_the_vote_finds_what_single_transforms_miss(planted):
    _, types, votes = planted
    members = [adjusted_rand_score(types, labels) for labels in votes.partitions]
    found = {name: adjusted_rand_score(types, labels) for name, labels in votes.labels.items()}
    assert min(members) < 0.3, "no transform fails here, so this says nothing"
    assert found["vote"] > np.median(members) + 0.05
    assert found["vote"] > 0.8


def test_sure_cells_are_more_often_right(planted):
    _, types, votes = planted
    right = pd.crosstab(votes.labels["vote"], types).idxmax(axis=1)[votes.labels["vote"]] == types
    sure = votes.confidence("vote") >= 0.9
    assert right[sure].mean() > right[~sure].mean() + 0.1


def test_same_seed_same_bytes(tmp_path):
    data, _ = tissue(n=200)
    for name in "ab":
        votes = poll(data, heads=VOTES["heads"])
        files = [tmp_path / f"{name}{end}" for end in (".npz", ".csv", "_m.csv", ".json")]
        votes.write(*files)
    for one, other in (("a.npz", "b.npz"), ("a.csv", "b.csv"), ("a_m.csv", "b_m.csv")):
        assert (tmp_path / one).read_bytes() == (tmp_path / other).read_bytes()


def test_what_was_written_is_read(tmp_path, planted):
    data, _, votes = planted
    cost = tmp_path / "cost.json"
    votes.write(tmp_path / "v.npz", tmp_path / "v.csv", tmp_path / "m.csv", cost)
    again = Votes.read(tmp_path / "v.npz", data.obs_names, cost)
    assert again.cost == votes.cost and again.cost["seconds"] > 0
    assert again.cost["peak_memory_mb"] > 10
    pd.testing.assert_frame_equal(again.members, votes.members, check_dtype=False)
    for name in votes.labels:
        assert np.array_equal(again.labels[name], votes.labels[name])
        assert np.array_equal(again.shares[name], votes.shares[name])
    assert np.array_equal(again.partitions, votes.partitions)
    table = pd.read_csv(tmp_path / "v.csv")
    assert list(table) == ["cell", "vote", "vote_share", "spectral", "spectral_share"]
    assert np.allclose(table["vote_share"], votes.confidence("vote"), atol=1e-6)
    with pytest.raises(UserError, match="has other cells.*--force"):
        Votes.read(tmp_path / "v.npz", data.obs_names[::-1])
    (tmp_path / "v.npz").write_text("no archive")
    with pytest.raises(UserError, match="cannot be read.*--force"):
        Votes.read(tmp_path / "v.npz", data.obs_names)


def test_a_sample_votes_and_its_neighbours_follow(caplog):
    caplog.set_level(logging.INFO)
    data, types = tissue(n=600)
    whole, part = poll(data), poll(data, sample_cells=300)
    assert "a sample of 300 of the 600 cells votes" in caplog.text
    assert part.partitions.shape == (4, 300) and part.labels["vote"].shape == (600,)
    others = np.setdiff1d(np.arange(600), part.sample)
    assert adjusted_rand_score(whole.labels["vote"][others], part.labels["vote"][others]) > 0.7
    np.testing.assert_allclose(part.shares["vote"].sum(1), 1, rtol=1e-5)


def extended(x, sample, labels, shares):
    """Labels and shares of all cells by one operator."""
    found, everywhere = pools.extended(x, sample, {"vote": labels}, {"vote": shares})
    return found["vote"], everywhere["vote"]


def test_extension_keeps_the_sample_and_averages_the_nearest():
    x = np.r_[np.zeros(20), np.full(20, 9.0), np.full(5, 8.9)][:, None]
    sample, labels = np.arange(40), np.repeat([1, 0], 20)
    shares = np.where(labels[:, None] == [0, 1], 0.75, 0.25).astype(np.float32)
    labels[3] = 0  # an oddity of the sample stays
    found, everywhere = extended(x, sample, labels, shares)
    assert found[:40].tolist() == labels.tolist() and found[40:].tolist() == [0] * 5
    np.testing.assert_allclose(everywhere[40:], [[0.75, 0.25]] * 5)


def test_ids_go_by_size_over_all_cells():
    x = np.r_[np.zeros(10), np.ones(8), np.ones(30)][:, None]
    labels = np.repeat([0, 1], [10, 8])
    shares = np.eye(2, dtype=np.float32)[labels]
    found, everywhere = extended(x, np.arange(18), labels, shares)
    assert found.tolist() == [1] * 10 + [0] * 38
    assert np.array_equal(everywhere.argmax(1), found)


def test_transforms_that_the_values_do_not_allow_are_left_out_with_a_reason(caplog):
    data, _ = tissue(n=200)
    data.mod["protein"].X[7] = 0
    votes = poll(data, prepared={"normalisation": "arcsinh"})
    assert set(votes.members["transform"]) == {"arcsinh_median"}
    assert "transform total_median is left out: cell 'c7'" in caplog.text
    with pytest.raises(UserError, match="votes.<name>.transforms: none of them is possible.*'c7'"):
        poll(data, prepared={"normalisation": "arcsinh"}, transforms=["total_median"])


def test_modalities_that_are_reduced_or_transformed_stay_as_prepared(caplog):
    caplog.set_level(logging.INFO)
    rng = np.random.default_rng(0)
    data, types = tissue(n=200)
    rna = rng.poisson(2 + 8 * (np.arange(40) % 3 == types[:, None]))
    both = imported(rna=rna, protein=data.mod["protein"].X)
    settings = {"modalities": {"rna": {"target_sum": 1e4, "pca_components": 10}}}
    votes = poll(both, prepared=settings)
    assert "rna: as prepared in all transforms" in caplog.text
    assert set(votes.members["transform"]) == set(QUICK["transforms"])
    assert adjusted_rand_score(types, votes.labels["vote"]) > 0.9
    scores = poll(data, prepared={"normalisation": "none"})
    assert list(scores.members["transform"]) == [pools.PREPARED] * 2


@pytest.mark.parametrize("d", [1, 70])
def test_few_and_many_features_go_through(d):
    rng = np.random.default_rng(0)
    types = np.arange(90) % 2
    x = rng.gamma(3, 1 + 20 * types[:, None], size=(90, d))
    x = np.c_[x, rng.gamma(3, 1, size=90)]
    votes = poll(imported(protein=x), 2, heads=VOTES["heads"], transforms=["none", "sqrt"])
    assert adjusted_rand_score(types, votes.labels["vote"]) > 0.5


def test_one_cluster_is_no_error_and_too_many_are():
    data, _ = tissue(n=100)
    assert not poll(data, 1, heads=VOTES["heads"]).labels["vote"].any()
    with pytest.raises(UserError, match="101 clusters were asked of 100 cells"):
        poll(data, 101)
