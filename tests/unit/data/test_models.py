"""Stored models: they describe themselves, come back as they were, and are no code."""

import json
from dataclasses import replace

import numpy as np
import pytest
from planted import METHODS, expression_types

from spclust.data.models import Model, distance_to_nearest
from spclust.errors import UserError
from spclust.methods import running


@pytest.fixture(scope="module")
def trained():
    cells, truth = expression_types(0)
    return cells, running.cluster(cells, 3, 0, METHODS["kmeans"]).model


def test_a_model_comes_back_as_it_was(trained, tmp_path):
    cells, model = trained
    model.save(tmp_path / "model")
    found = Model.load(tmp_path / "model")
    for name in ("recipe", "settings", "features", "graphs", "n_clusters", "clusters", "reach"):
        assert getattr(found, name) == getattr(model, name), name
    assert np.array_equal(found.centroids, model.centroids)
    assert {k: v.tolist() for k, v in found.weights.items()} == {
        k: v.tolist() for k, v in model.weights.items()
    }
    first, second = (running.predict(m, cells).labels for m in (model, found))
    assert np.array_equal(first, second)


def test_it_says_what_it_is_in_words(trained, tmp_path):
    cells, model = trained
    model.save(tmp_path / "model")
    facts = json.loads((tmp_path / "model/model.json").read_text())
    assert facts["recipe"] == "kmeans" and facts["features"] == {
        "protein": list(cells.names["protein"])
    }
    assert [entry["cluster"] for entry in facts["clusters"]] == [0, 1, 2]
    assert sum(entry["cells"] for entry in facts["clusters"]) == len(cells)
    assert facts["versions"]["numpy"] == np.__version__


def test_one_cell_in_a_hundred_lies_beyond_its_reach(trained):
    cells, model = trained
    beyond = distance_to_nearest(cells.matrix, model.centroids) > model.reach
    assert 0 < beyond.mean() <= 0.011


def test_an_empty_cluster_attracts_no_cell(trained):
    cells, model = trained
    weights = {"centres": np.zeros((4, 12), dtype=np.float32)}
    labels = running.predict(model, cells).labels
    other = Model.of("kmeans", {}, cells, labels, 4, None, weights)
    assert np.isnan(other.centroids[3]).all() and np.isfinite(other.reach)


@pytest.mark.parametrize("fault", ["nothing", "no json", "other format", "pickled"])
def test_what_is_no_model_is_refused_by_its_folder(trained, tmp_path, fault):
    folder = tmp_path / "extras/model"
    if fault != "nothing":
        trained[1].save(folder)
    if fault == "no json":
        (folder / "model.json").write_text("{")
    if fault == "other format":
        facts = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(facts | {"format": 0}))
    if fault == "pickled":
        np.savez(folder / "weights.npz", centroids=np.array([{}], dtype=object))
    with pytest.raises(UserError, match=r"model: no readable model .*--force"):
        Model.load(folder)


def test_a_model_of_other_versions_is_still_read(trained, tmp_path, caplog):
    model = replace(trained[1], versions={"numpy": "1.0"})
    model.save(tmp_path / "model")
    with caplog.at_level("INFO", logger="spclust"):
        Model.load(tmp_path / "model")
    assert "other versions: {'numpy': '1.0'}" in caplog.text
