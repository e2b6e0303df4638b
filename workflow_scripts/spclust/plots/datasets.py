"""Every figure of one dataset that can be drawn of it."""

from dataclasses import dataclass, field

from spclust.plots import analysed


@dataclass(frozen=True)
class DatasetData(analysed.Analysed):
    """What is known of a dataset before anything is clustered; see :class:`.Analysed`."""

    analyses: dict = field(default_factory=dict)


def plot_dataset(folder, analyses, pdf=False):
    """Draw one dataset into a folder.

    Parameters
    ----------
    folder : path
    analyses : dict of str to Path
    pdf : bool
        Each figure as PDF, too.
    """
    analysed.draw(folder, DatasetData(analyses), "dataset", pdf)
