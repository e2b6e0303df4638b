"""Devices, generators, and what a user is told of a training."""

import logging

import pytest
import torch
from planted import expression_types
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info

from spclust.errors import UserError
from spclust.methods.task import Machine, Task
from spclust.nn import training

CPU = torch.device("cpu")


def test_a_device_that_is_not_there_is_named():
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(UserError, match="device: cuda was asked.*set device to auto or cpu"):
        training.pick_device("cuda")


def test_a_start_sets_seed_and_threads_of_everything_that_sums():
    cells, _ = expression_types(0, n=30)
    KMeans(2).fit(cells.matrix)
    task = Task(cells, 3, 5, {}, machine=Machine("cpu", 1))
    draws = []
    for _ in range(2):
        assert training.start(task) == CPU
        draws.append(torch.rand(3))
    assert torch.equal(*draws) and torch.get_num_threads() == 1
    assert {pool["num_threads"] for pool in threadpool_info()} == {1}


@pytest.mark.parametrize("shape", [(17, 64), (300, 512), (2100, 1500)])
def test_products_are_those_of_float32_whoever_multiplies(shape):
    training.multiply_by_onednn()
    # all 24 bits of a number count, and a permutation rounds nothing
    rows = 1 + torch.randint(2**23, shape, generator=training.generator(CPU, 0)) * 2.0**-23
    order = torch.randperm(shape[1], generator=training.generator(CPU, 1))
    assert torch.equal(rows @ torch.eye(shape[1])[:, order], rows[:, order])


@pytest.mark.parametrize(
    "here,taken",
    [
        ({"cpu_name": "AMD EPYC", "amx_tile": False}, "bf16"),
        ({"cpu_name": "AMD of some day", "amx_tile": True}, "none"),
        ({"cpu_name": "Intel Xeon", "amx_tile": False}, "none"),
        ({"architecture": "arm64"}, "none"),
    ],
)
def test_onednn_multiplies_only_where_it_has_no_lower_precision(monkeypatch, here, taken):
    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision  # a property that monkeypatch cannot put back
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: here)
    try:
        matmul.fp32_precision = "none"
        training.multiply_by_onednn()
        assert matmul.fp32_precision == taken
    finally:
        matmul.fp32_precision = before


def test_a_generator_is_a_function_of_its_key():
    keys = [(1, "train", 2), (1, "train", 3), (2, "train", 2), (1, "pretrain", 2), (1, 2)]
    draws = [torch.rand(4, generator=training.generator(CPU, *key)) for key in keys]
    assert len({tuple(draw.tolist()) for draw in draws}) == len(keys)
    before = torch.get_rng_state()
    again = torch.rand(4, generator=training.generator(CPU, *keys[0]))
    assert torch.equal(again, draws[0]) and torch.equal(before, torch.get_rng_state())


def test_memory_that_runs_out_becomes_advice():
    with (
        pytest.raises(UserError, match="memory of the cpu device ran out; take fewer cells"),
        training.advised(CPU, "take fewer cells"),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    "an_epoch,told,said",
    [
        (104.0, True, "104 s an epoch, about 62 minutes left for the other 36"),
        (0.01, False, "0.01 s an epoch, about 0.36 s left for the other 36"),
    ],
)
def test_the_rest_of_a_phase_is_foretold_from_its_first_epochs(
    monkeypatch, caplog, an_epoch, told, said
):
    clock = iter([100.0, 100.0 + 3 * an_epoch])
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    caplog.set_level(logging.INFO)
    assert list(training.progress(50, "train", done=10)) == list(range(11, 51))
    (record,) = caplog.records
    assert f"train: {said}" in record.getMessage()
    assert "GB of memory so far" in record.getMessage() and record.for_user is told


def test_a_phase_that_is_soon_over_is_not_foretold(caplog):
    caplog.set_level(logging.INFO)
    for epochs in (0, 1, 4):
        assert list(training.progress(epochs, "train")) == list(range(1, epochs + 1))
    assert not caplog.records
