"""Where and how reproducibly a model trains, and what its user is told of it."""

import logging
import sys
import time
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from spclust.engine import logs
from spclust.errors import UserError

log = logging.getLogger(__name__)

# Epochs after which the length of a phase is foretold; the first of them, in which graphs are
# prepared, is not counted.
MEASURED_EPOCHS = 4
SOON = 5.0  # seconds


def resolve_device(choice):
    """Name of the device that the config key ``device`` stands for; see :func:`pick_device`."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if choice == "auto":
        choice = next(name for name, ok in there.items() if ok)
    if not there[choice]:
        raise UserError(
            f"device: {choice} was asked, but torch {torch.__version__} (built for CUDA "
            f"{torch.version.cuda}) sees none; set device to auto or cpu, or install a torch "
            "built for it (config/docs/running.md, section GPU)"
        )
    return choice


def pick_device(choice):
    """The device of the config key ``device``; ``auto`` takes a GPU where there is one.

    Parameters
    ----------
    choice : {'auto', 'cpu', 'cuda', 'mps'}

    Raises
    ------
    UserError
        When the asked device is not there.
    """
    kind = resolve_device(choice)
    name = torch.cuda.get_device_name() if kind == "cuda" else kind
    log.info("torch %s on %s", torch.__version__, name)
    return torch.device(kind)


def seed_everything(seed, threads):
    """Make a run repeatable: torch's generator, and a fixed number of CPU threads."""
    torch.manual_seed(seed)
    # sums over a different number of threads round differently, those of KMeans too
    torch.set_num_threads(threads)
    threadpool_limits(threads)


def multiply_by_onednn():
    """Let oneDNN multiply matrices on AMD's processors, for which MKL takes slower kernels.

    torch hands it products of float32 only where bfloat16 is allowed within them. oneDNN has that
    for processors with AMX, which AMD's lack: there the products stay those of float32, at about
    twice the speed for wide layers (tests/measured/benchmarks/training.md).
    """
    here = torch.cpu.get_capabilities()
    if "AMD" in here.get("cpu_name", "") and not here.get("amx_tile", True):
        torch.backends.mkldnn.matmul.fp32_precision = "bf16"


def start(task):
    """The device of a task (:class:`spclust.methods.task.Task`), with seed and threads set."""
    device = pick_device(task.machine.device)
    seed_everything(task.seed, task.machine.threads)
    multiply_by_onednn()
    return device


def generator(device, *key):
    """A generator of random numbers that is a function of its key alone.

    With one for each epoch a training that goes on repeats its bits, and no state of a generator
    needs to be kept.

    Parameters
    ----------
    device : torch.device
    key : int or str
        E.g. seed, phase, epoch.
    """
    words = [int.from_bytes(part.encode()) if isinstance(part, str) else part for part in key]
    drawn = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(drawn))


@contextmanager
def advised(device, remedy):
    """Turn a GPU's lack of memory that smaller blocks did not cure into advice."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(f"the memory of the {device.type} device ran out; {remedy}") from error


def progress(epochs, label, done=0):
    """Epochs ``done + 1 .. epochs`` under a progress bar, silent without a terminal.

    After the first few it is told once how long the others will take.
    """
    bar = tqdm(
        range(done + 1, epochs + 1),
        desc=label,
        unit="epoch",
        initial=done,
        total=epochs,
        disable=not sys.stderr.isatty(),
        leave=False,
    )
    for epoch in bar:
        if epoch == done + 2:
            started = time.monotonic()
        yield epoch
        if epoch == done + MEASURED_EPOCHS and epoch < epochs:
            foretell(label, epochs - epoch, (time.monotonic() - started) / (MEASURED_EPOCHS - 1))


def foretell(label, epochs, seconds):
    """Tell what the rest of a phase takes if its epochs go on at this pace, in seconds each.

    It is told to the user unless it is over before it is read.
    """
    memory = f"{logs.peak_memory() / 1000:.1f} GB of memory"
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        memory += f", {torch.cuda.max_memory_allocated() / 1e9:.1f} GB on the GPU"
    log.info(
        "%s: %s an epoch, about %s left for the other %d; at most %s so far",
        label,
        logs.duration(seconds),
        logs.duration(seconds * epochs),
        epochs,
        memory,
        extra={"for_user": seconds * epochs > SOON},
    )
