"""A model on another slice: the same types found again, and what is unlike said."""

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
from planted import METHODS
from sklearn.metrics import adjusted_rand_score

from spclust.methods import running
from spclust.methods.task import Machine
from spclust.plan.stages import STAGES
from spclust.stages import transfer
from spclust.stages.preprocess import preparation

SETTINGS = STAGES["preprocess"].defaults | {"normalisation": "none", "clip": None}


def imported(seed, n=300, shift=0.0, names=None):
    """Three types by proteins, as import_cells leaves them, and the type of each cell."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    x = rng.normal(size=(n, 9)) + 4 * (np.arange(9) % 3 == truth[:, None]) + shift
    ids = [f"c{i}" for i in range(n)]
    names = names or [f"p{j}" for j in range(9)]
    mudata.set_options(pull_on_update=False)
    part = anndata.AnnData(
        x.astype(np.float32), obs=pd.DataFrame(index=ids), var=pd.DataFrame(index=names)
    )
    data = mudata.MuData({"protein": part})
    data.obs["image"] = data.obs["slice"] = pd.Categorical(["one"] * n)
    data.obsm["spatial"] = rng.uniform(0, 100, size=(n, 2)).astype(np.float32)
    return data, truth


@pytest.fixture(scope="module")
def model():
    cells = preparation.prepare(imported(0)[0], SETTINGS)
    return running.cluster(cells, 3, 0, METHODS["kmeans"]).model


def test_the_same_types_are_found_on_a_new_slice(model):
    data, truth = imported(1)
    cells, result, facts = transfer.label(model, data, 0, Machine("cpu"))
    assert adjusted_rand_score(truth, result.labels) > 0.95
    assert len(cells) == len(facts["distance"]) == 300 and facts["unlike"] < 0.05


def test_labels_do_not_depend_on_which_cells_are_labelled_with_them(model):
    # the constants are the model's: a slice of one type only keeps its type
    data, truth = imported(1)
    whole = transfer.label(model, data, 0, Machine("cpu"))[1].labels
    part = transfer.label(model, data[truth == 2].copy(), 0, Machine("cpu"))[1].labels
    assert np.array_equal(part, whole[truth == 2])


def test_a_slice_that_looks_otherwise_is_warned_of(model, caplog):
    facts = transfer.label(model, imported(1, shift=6)[0], 0, Machine("cpu"))[2]
    assert facts["unlike"] > 0.5 and "the slice does not look like those" in caplog.text


def test_a_missing_protein_is_said(model):
    names = [f"p{j}" for j in range(8)] + ["other"]
    facts = transfer.label(model, imported(1, names=names)[0], 0, Machine("cpu"))[2]
    assert facts["missing"] == {"protein": ["p8"]}


def test_scores_stand_beside_those_of_training_on_the_slice():
    scores = pd.DataFrame({"slice": ["all", "a"], "metric": ["ARI", "ARI"], "value": [0.5, 0.1]})
    clusters = pd.Series([0, 0, 1, 1], index=list("abcd"))
    found = {
        "place": {"dataset": "d", "source": "s", "run": "r", "seed": 1},
        "scores": scores,
        "clusters": clusters,
        "facts": {"unlike": 0.02, "missing": {"protein": ["p8", "p9"]}},
        "own_scores": scores.assign(value=[0.7, 0.3]),
        "own_clusters": pd.Series([5, 5, 3, 3], index=list("badc")),
    }
    alone = found | {"own_scores": None, "own_clusters": None}
    table = transfer.summarise([found, alone])
    assert table.loc[0, ["ARI", "ARI_own", "agreement", "unlike"]].tolist() == [0.5, 0.7, 1.0, 0.02]
    assert table.loc[0, "missing"] == "p8 p9" and np.isnan(table.loc[1, "ARI_own"])
