"""The forecast: right sizes, memory near what is used, and a refusal that helps."""

import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spclust.errors import UserError
from spclust.parts import budget
from spclust.parts.budget import Budget
from spclust.parts.encoders import GraphAttentionEncoder

SMALL = Budget(
    cells=3000, slice_edges=90_000, step_cells=3000, step_edges=90_000, anchors=3000,
    widths=(21, 64, 32, 16), heads=2, steps=(10, 30),
)  # fmt: skip
CPU = torch.device("cpu")


@pytest.fixture
def encoder():
    return GraphAttentionEncoder(21, [64, 32, 16], 2)


def test_a_training_that_will_not_fit_names_the_settings(monkeypatch, encoder):
    monkeypatch.setattr(budget, "available_memory", lambda device: 1e6)
    with pytest.raises(UserError, match=r"3000 cells in exact mode needs about 0\.\d GB") as caught:
        budget.announce(SMALL, encoder, CPU, "exact")
    for setting in ("mode: stochastic", "batch_cells", "imbalance_ratio"):
        assert setting in str(caught.value)


def test_size_and_time_are_told_and_the_time_reaches_the_user(caplog, encoder):
    caplog.set_level(logging.INFO)
    budget.announce(SMALL, encoder, CPU, "exact")
    size, duration = caplog.records
    assert "3000 cells with 90000 edges" in size.getMessage()
    assert duration.for_user and "roughly" in duration.getMessage()


def test_the_probe_draws_from_no_generator_and_leaves_no_gradient(encoder):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert min(budget.speed(encoder, 21, CPU)) > 0
    assert torch.equal(before, torch.get_rng_state())
    assert all(p.grad is None for p in encoder.parameters())


def test_more_of_anything_takes_longer_and_larger_ones_more_memory():
    time, memory = SMALL.seconds(1e9, 1e7), SMALL.memory("cpu")
    assert replace(SMALL, steps=(10, 60)).seconds(1e9, 1e7) > time
    assert replace(SMALL, anchors=1000).seconds(1e9, 1e7) < time
    assert replace(SMALL, cells=10**6, slice_edges=10**8).memory("cpu") > memory
    # what a step sees is bounded in stochastic mode, so its time is too
    assert replace(SMALL, cells=10**6, slice_edges=10**8).seconds(1e9, 1e7) == time


def test_memory_is_foretold_within_a_factor_of_two():
    script = """if True:
        import anndata, numpy as np, psutil, yaml
        from spclust import logs, methods
        from spclust.contracts import Graphs
        from spclust.parts import budget
        from spclust.parts.graphs import knn_graph
        from spclust.settings import CONFIG_FOLDER

        def data(n):
            rng = np.random.default_rng(0)
            cells = anndata.AnnData(rng.normal(size=(n, 21)).astype(np.float32))
            cells.obs["pseudolabel"], cells.obs["image"] = rng.integers(3, size=n), "one"
            cells.obsm["spatial"] = rng.random((n, 2))
            places, image = cells.obsm["spatial"], np.zeros(n)
            graphs = Graphs(knn_graph(places, image, 15), knn_graph(places, image, 15), places, 15)
            return cells, graphs

        told = []
        real = budget.Budget.memory
        budget.Budget.memory = lambda self, kind: told.append(real(self, kind)) or told[-1]
        settings = yaml.safe_load((CONFIG_FOLDER / "config.yaml").read_text())["methods"]["spclust"]
        settings |= {"pretrain_epochs": 1, "epochs": 1, "mode": "exact", "refresh_every": 1}
        for n in (300, 20_000):
            cells, graphs = data(n)
            before = psutil.Process().memory_info().rss
            methods.cluster(cells, 3, 0, settings, graphs, methods.Machine("cpu"))
            used = logs.peak_memory() * 2**20 - before
        print(told[-1], used)
    """
    library = Path(budget.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=library, capture_output=True, text=True, check=True
    )
    told, used = map(float, done.stdout.split()[-2:])
    assert used / 2 < told < 2 * used
