"""Where and how reproducibly a model trains."""

import logging
import sys

import torch
from tqdm import tqdm

from spclust.errors import UserError

log = logging.getLogger(__name__)


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
            "built for it (README, section GPU)"
        )
    name = torch.cuda.get_device_name() if choice == "cuda" else choice
    log.info("torch %s on %s", torch.__version__, name)
    return torch.device(choice)


def seed_everything(seed, threads):
    """Make a run repeatable: torch's generator, and a fixed number of CPU threads."""
    torch.manual_seed(seed)
    # sums over a different number of threads round differently
    torch.set_num_threads(threads)


def progress(epochs, label, done=0):
    """Epochs ``done + 1 .. epochs`` under a progress bar, silent without a terminal."""
    return tqdm(
        range(done + 1, epochs + 1), desc=label, unit="epoch", initial=done, total=epochs,
        disable=not sys.stderr.isatty(), leave=False,
    )  # fmt: skip
