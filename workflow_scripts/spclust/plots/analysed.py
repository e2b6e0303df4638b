"""What figures are drawn of: folders of analyses, and what else is known; and the drawing."""

import importlib
import logging
from dataclasses import replace

from spclust.data.tables import read_written
from spclust.plots import captions, style

log = logging.getLogger(__name__)


class Analysed:
    """Something that analyses were made of.

    Attributes
    ----------
    analyses : dict of str to Path
        Their folders, ``<name>-<setting>`` for another than the default.
    """

    def table(self, analysis, file, *text):
        """A table of an analysis; ``text`` names columns in which a class may be called NA."""
        return read_written(self.analyses[analysis] / file, *text)

    def has(self, need):
        """Whether there is what a figure needs; see :mod:`spclust.plots.figures`."""
        _, analysis, *table = need.split(".")
        if analysis not in self.analyses:
            return False
        return not table or len(self.table(analysis, f"{table[0]}.csv")) > 0

    def by_setting(self, needs):
        """Itself, and as seen by each other setting of the analyses a figure needs.

        Yields
        ------
        (str, Analysed)
            Ending of the figure's name, empty for the default, and what it is drawn of.
        """
        yield "", self
        named = [need.split(".")[1] for need in needs if need.startswith("analyses.")]
        for name in dict.fromkeys(named):
            for folder, path in self.analyses.items():
                if folder.startswith(f"{name}-"):
                    yield (
                        folder.removeprefix(name),
                        replace(self, analyses=self.analyses | {name: path}),
                    )


def draw(folder, seen, over, pdf=False):
    """Draw every figure of something that has what they need into a folder.

    Parameters
    ----------
    folder : path
    seen : Analysed
    over : {'run', 'dataset'}
        What it is.
    pdf : bool
        Each figure as PDF, too.
    """
    with style.drawing(folder, pdf) as save:
        for name in captions.modules(over):
            module, figure = importlib.import_module(name), name.rpartition(".")[2]
            missing = [need for need in module.NEEDS if not seen.has(need)]
            if missing:
                log.info("not drawn: %s, which needs %s", figure, " and ".join(missing))
                continue
            for setting, one in seen.by_setting(module.NEEDS):
                save(module.draw(one), figure + setting)
