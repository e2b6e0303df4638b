"""What the recipe of an analysis gets and leaves.

A recipe is ``analyses/<name>.py`` with a function ``analyse(task)``, which returns an object for
each file that its card ``analyses/<name>.yaml`` declares::

    def analyse(task):
        shares = task.clusters["cluster"].value_counts(normalize=True)
        return {"shares.csv": shares.rename_axis("cluster").reset_index(name="share")}

Tables (.csv, .tsv) are data frames, values of cells (.npz) pairs of an array and the cells' ids,
facts (.json) what JSON can hold, cells (.h5ad, .h5mu, .zarr) AnnData, MuData or SpatialData,
pages (.html) and what other programs read (.geojson, .groovy) text. Of ``{image}.geojson`` in a
card there may be any number.
"""

import importlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spclust.data.atomic import whole_folder, write_json, write_table
from spclust.data.cell_files import read_cells, read_mudata, unit_of, write_mudata
from spclust.data.clusters import read_clusters, read_extras
from spclust.data.labels import read_labels
from spclust.data.samples import read_samples
from spclust.data.tables import read_written
from spclust.data.values import read_values, write_values
from spclust.errors import UserError


@dataclass(frozen=True)
class Task:
    """Everything a recipe may look at; a file is read when its property is asked for.

    What is not among the properties a recipe reads from its file: the tables of ``knowledge``
    (``files["proteins"]``, ``files["signatures"]``), and ``files["votes"]``, which is there where
    the run went through votes.

    Attributes
    ----------
    files : dict of str to path
        By what the card says it needs; other analyses as their folders.
    settings : dict
        The recipe's own.
    about : dict
        What it is of: ``dataset``, and of a run ``method`` and ``seed``.
    runs : list of Task
        Of an analysis over a cohort: that of each run.
    """

    files: dict
    settings: dict = field(default_factory=dict)
    about: dict = field(default_factory=dict)
    runs: list = field(default_factory=list)

    @property
    def seed(self):
        """Of every random draw; 0 where the analysis is not of one seed."""
        return int(self.about.get("seed", 0))

    @cached_property
    def imported(self):
        """Cells as measured, MuData."""
        return read_mudata(self.files["imported"], "imported")

    @property
    def unit(self):
        """Of the imported coordinates: ``µm``, ``px``, or None where none is known."""
        return unit_of(self.imported)

    @cached_property
    def samples(self):
        """What the sheet of samples says of each image, DataFrame; None where there is none."""
        return read_samples(self.files["samples"]) if "samples" in self.files else None

    @cached_property
    def cells(self):
        """Prepared cells."""
        return read_cells(self.files["cells"], "prepared")

    @cached_property
    def ids(self):
        """Ids of the cells, in the order of all properties with a row a cell, array of str (n,)."""
        if "cells" in self.files:
            return self.cells.ids
        if "imported" in self.files:
            return self.imported.obs_names.to_numpy(dtype=object)
        return read_clusters(self.files["clusters"]).index.to_numpy(dtype=object)

    @cached_property
    def labels(self):
        """Reference labels, Series (n,), missing where a cell is not scored."""
        return read_labels(self.files["labels"], self.ids)

    @cached_property
    def clusters(self):
        """``cluster`` and ``confidence`` of each cell, DataFrame (n, 2)."""
        return read_clusters(self.files["clusters"], self.ids)

    @cached_property
    def embedding(self):
        """What the clusters were found in, array (n, d)."""
        return read_values(self.files["embedding"], self.ids)[0]

    @cached_property
    def space(self):
        """What the method learnt, else the prepared features, array (n, d), and the cells' ids."""
        if str(self.files["space"]).endswith(".npz"):
            return read_values(self.files["space"])
        cells = read_cells(self.files["space"], "prepared")
        return cells.matrix, cells.ids

    @cached_property
    def extras(self):
        """What else the method said, tables by name."""
        return read_extras(self.files["extras"])

    @cached_property
    def additions(self):
        """Tables with a row a cell that other analyses add to the export, by folder."""
        tables = {}
        for folder in map(Path, self.files.get("additions", ())):
            file = self.about["adds"][folder.name.partition("-")[0]]
            table = read_written(folder / file, "cell").set_index("cell")
            tables[folder.name] = table.reindex(self.ids)
        return tables

    def table(self, analysis, file, *text):
        """A table of another analysis; ``text`` names columns in which a class may be called NA."""
        return read_written(Path(self.files[analysis]) / file, *text)

    def values(self, analysis, file):
        """Values of cells of another analysis, array (n, d)."""
        path = Path(self.files[analysis]) / file
        return read_values(path, self.ids, f"analyse_run ({analysis})")[0]


def run(module, task, folder, columns, optional=()):
    """Carry out an analysis and write what it leaves, whole or not at all.

    Parameters
    ----------
    module : str
        Dotted name of the recipe.
    task : Task
    folder : path
        Replaced.
    columns : dict of str to list of str
        Declared columns of each file it may write; none for files that are no tables.
    optional : list of str
        Of these files, those that not every run has.

    Raises
    ------
    UserError
        Where a recipe leaves what its card does not declare, or does not leave what it declares.
    """
    recipe, path = importlib.import_module(module), module.replace(".", "/")
    if not hasattr(recipe, "analyse"):
        raise UserError(f"{path}.py: the function analyse(task) is missing; write it")
    results = recipe.analyse(task)
    if not isinstance(results, dict):
        raise UserError(
            f"{path}.py: analyse(task) returns {type(results).__name__}; "
            "return a dict, name of a file to what is in it"
        )
    for name, result in results.items():
        _hold_against_card(module, name, result, columns)
    missing = [name for name in columns if name not in (*results, *optional)]
    if missing:
        raise UserError(
            f"{path}.yaml: {missing[0]} is declared and not written; write it in the recipe, or "
            f"add  optional: true  below {missing[0]}"
        )
    with whole_folder(folder) as out:
        for name, result in results.items():
            _write(result, out / name)


def _hold_against_card(module, name, result, columns):
    card = module.replace(".", "/") + ".yaml"
    declared = [n for n in columns if re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(n)), name)]
    if not declared:
        raise UserError(f"{card}: {name} is written and not declared; add it below  writes:")
    if name.endswith((".csv", ".tsv")) and not hasattr(result, "columns"):
        raise UserError(f"{card}: {name} is a table; return a data frame for it in the recipe")
    asked = columns[declared[0]]
    if hasattr(result, "columns") and list(result.columns) != asked:
        raise UserError(
            f"{card}: {name} has the columns {', '.join(map(str, result.columns))}, declared are "
            f"{', '.join(asked) or 'none'}; correct the card or the recipe"
        )


def _write(result, path):
    if path.suffix in (".csv", ".tsv"):
        write_table(result, path)
    elif path.suffix == ".npz":
        write_values(*result, path)
    elif path.suffix == ".json":
        write_json(result, path)
    elif path.suffix in (".html", ".geojson", ".groovy"):
        path.write_text(result, encoding="utf-8")
    elif path.suffix == ".h5mu":
        write_mudata(result, path)
    elif path.suffix == ".zarr":
        result.write(path)
    else:
        result.write_h5ad(path, compression="gzip")
