"""How tables of laboratories are read: a row a file, beside what is right.

    python tests/measured/reading/read_tables.py ../shared

writes read_tables.md of the folder's ``tables`` and ``cases``.
"""

import csv
import logging
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[2] / "workflow_scripts")]

from spclust.data import folders  # noqa: E402
from spclust.errors import UserError  # noqa: E402
from spclust.io.importing import import_slice  # noqa: E402
from spclust.knowledge.channel_names import take_apart  # noqa: E402

PANEL = "CD3 CD20 CD68 PanCK SMA CD31 CD8 CD4"
COLUMNS = ["file", "id", "image", "x", "y", "markers", "verdict"]


class Said(logging.Handler):
    """What an import says."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.text = ""

    def emit(self, record):
        self.text += record.getMessage() + "\n"


def read(files):
    """Cells, labels and rows of some files, or the refusal, and what was said."""
    said, log = Said(), logging.getLogger("spclust")
    log.addHandler(said)
    before, log.level = log.level, logging.INFO
    try:
        return import_slice(files, {"name": "read"}), said.text
    except UserError as error:
        return error, said.text
    finally:
        log.removeHandler(said)
        log.level = before


def of_program(folder, row):
    """How a table of ``tables`` is read, against its row of ``expected.tsv``."""
    files = sorted(folder.glob(row["file"]))
    files = folders.of_cells(files[0]) if files[0].is_dir() else files
    got, _ = read(files)
    line = {"file": row["file"]}
    if isinstance(got, UserError):
        return line | {"verdict": f"refused: {got}"}
    data, _, rows = got
    raw, rows = _raw(files), rows[rows["cell"].notna()]
    for part in ("id", "image", "x", "y"):
        line[part] = _column_of(rows[part], rows, raw, row[part])
    features = [f for part in data.mod.values() for f in part.var_names]
    line["markers"] = str(len(features))
    wrong = [part for part in ("id", "image", "x", "y") if not _alike(line[part], row[part])]
    if row["markers"] == "all others":
        wrong += ["markers"] if len(features) != int(row["n_markers"]) else []
    elif row["markers"].startswith("from "):
        wrong += [] if features else ["markers"]
    elif sorted(map(_plain, features)) != sorted(map(_plain, row["markers"].split("|"))):
        wrong += ["markers"]
    return line | {"verdict": f"wrong: {', '.join(wrong)}" if wrong else "right"}


def of_case(folder, name, right):
    """How an input of ``cases`` is read, against what is right."""
    got, said = read([folder / file for file in right["files"]])
    line = {"file": name}
    if isinstance(got, UserError):
        asked = "refused" in right and right["refused"] in str(got)
        return line | {"verdict": "refused, rightly" if asked else f"refused: {got}"}
    data, labels, _ = got
    markers = " ".join(f for part in data.mod.values() for f in part.var_names)
    images = " ".join(data.obs["image"].cat.categories)
    line |= {"image": images, "markers": str(len(markers.split()))}
    wrong = ["refused"] if "refused" in right else []
    wrong += ["markers"] if markers != right.get("markers", PANEL) else []
    wrong += ["cells"] if data.n_obs != right.get("cells") else []
    wrong += ["image"] if images != right.get("images", images) else []
    classes = labels["label"].nunique()
    wrong += ["labels"] if classes != right.get("labels", classes) else []
    wrong += ["nothing said"] if right.get("said", "") not in said else []
    return line | {"verdict": f"wrong: {', '.join(wrong)}" if wrong else "right"}


def _raw(files):
    """Values of text tables as they stand, by file and column."""
    frames = {}
    for file in files:
        if file.suffix in (".csv", ".tsv", ".txt"):
            separator = "," if file.suffix == ".csv" else "\t"
            frames[str(file)] = pd.read_csv(
                file, sep=separator, dtype=str, encoding_errors="replace"
            )
    return frames


def _column_of(values, rows, raw, right):
    """Name of the column that some values are from, of several the right one."""
    if values.isna().all():
        return ""
    files = rows["file"].astype(str)
    names = list(dict.fromkeys(name for file in files.unique() for name in raw[file]))
    for name in sorted(names, key=lambda name: name != right):
        same = [
            name in raw[file]
            and _same(
                values[of.index], raw[file][name].iloc[rows.loc[of.index, "row"].astype(int) - 2]
            )
            for file, of in rows.groupby(files)
        ]
        if all(same):
            return name
    return "made of several"


def _same(values, column):
    text = values.astype(str).str.strip().to_numpy()
    if (column.astype(str).str.strip().to_numpy() == text).all():
        return True
    numbers = pd.to_numeric(column.str.replace(",", "."), errors="coerce").to_numpy()
    wanted = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy()
    return np.allclose(numbers, wanted, rtol=1e-5)


def _alike(got, right):
    # "(XMin+XMax)/2" is made of several; of "fov and cell_ID", "centroid-0 or as named" it is one
    if "+" in right:
        return got == "made of several"
    if " and " in right:
        return got in right.split(" and ")
    return got == right or bool(got and re.search(" or |=", right))


def _plain(name):
    return take_apart(name).marker.casefold()


def table(shared):
    """All rows, those of programs first.

    Parameters
    ----------
    shared : path
        The folder that holds ``tables`` and ``cases``.

    Returns
    -------
    DataFrame
        Of text, ``COLUMNS``.
    """
    shared = Path(shared)
    corrected = yaml.safe_load((HERE / "corrections.yaml").read_text())
    with open(shared / "tables/expected.tsv", encoding="utf-8") as file:
        programs = [
            row | corrected.get(row["file"], {}) for row in csv.DictReader(file, delimiter="\t")
        ]
    lines = [of_program(shared / "tables", row) for row in programs]
    cases = yaml.safe_load((HERE / "cases.yaml").read_text())
    lines += [of_case(shared / "cases", name, right) for name, right in cases.items()]
    return pd.DataFrame(lines, columns=COLUMNS).fillna("")


if __name__ == "__main__":
    done = table(sys.argv[1])
    right = done["verdict"].str.startswith(("right", "refused, rightly"))
    text = (
        "# Tables of laboratories as they are read\n\n"
        f"By `python tests/measured/reading/read_tables.py ../shared`: {right.sum()} of "
        f"{len(done)} right. Names are those of columns in the file.\n\n"
        f"{done.to_markdown(index=False)}\n"
    )
    (HERE / "read_tables.md").write_text(text)
    print(done[~right].to_string() if (~right).any() else f"all {len(done)} right")
