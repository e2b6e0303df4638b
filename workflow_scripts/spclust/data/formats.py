"""Input formats and the files that each may be asked to read, known before a file is there.

Imported by Snakemake itself, so it may use the standard library only.
"""

import re
from fnmatch import fnmatchcase, translate
from functools import cache
from pathlib import Path

from spclust.data.literals import literals
from spclust.errors import UserError

# what ``"tables"`` in READS stands for: a table, packed or not, or in a container
TABLES = (
    *(
        f"*.{kind}{packed}"
        for kind in ("csv", "tsv", "txt", "tab")
        for packed in ("", ".gz", ".bz2", ".xz")
    ),
    *"*.zip *.parquet *.pq *.feather *.ft *.arrow *.xlsx *.xlsm *.xls".split(),
)
FOLDER = Path(__file__).parents[1] / "io/readers"


def names():
    """Formats there are, in the order in which their readers are asked."""
    return list(_patterns(FOLDER))


def may_read(name, file):
    """Whether a format's reader may be asked for a file, by the file's name."""
    return _patterns(FOLDER)[name](f"/{file}".lower()) is not None


def is_table(file):
    """Whether a file is named as a table, in text or a container."""
    return any(fnmatchcase(file.name.lower(), pattern) for pattern in TABLES)


def stem(file):
    """Name of a table without its endings."""
    name = file.name
    while is_table(Path(name)) and Path(name).suffix:
        name = Path(name).stem
    return name


def reading(files):
    """Formats whose readers are asked for some files, in this order: all that may read one."""
    return [name for name in names() if any(may_read(name, file) for file in files)]


def of_one_program(files):
    """Those of the files of a folder that one program's reader takes, where it says so; else [].

    A reader's ``FOLDER`` lists, for each file that it needs, the names that it may have, of which
    the first that is there is taken.
    """
    for name, groups in _folders(FOLDER).items():
        own = [file for file in files if may_read(name, file)]
        found = [[[f for f in own if match(f"/{f}".lower())] for match in g] for g in groups]
        taken = [next(filter(None, by_name), []) for by_name in found]
        if all(taken):
            return sorted(file for part in taken for file in part)
    return []


@cache
def _folders(folder):
    said = {path.stem: literals(path).get("FOLDER") for path in sorted(folder.glob("*.py"))}
    return {
        name: [[re.compile(translate(f"*/{one}")).match for one in names] for names in groups]
        for name, groups in said.items()
        if groups
    }


@cache
def _patterns(folder):
    """Format to the match of what it reads, see :mod:`spclust.io.readers`.

    Raises
    ------
    UserError
        When a reader does not say what it reads.
    """
    patterns_of = []
    for path in folder.glob("*.py"):
        if path.stem == "__init__":
            continue
        said = literals(path)
        reads = said.get("READS")
        if not (isinstance(reads, tuple | list) and all(isinstance(r, str) for r in reads)):
            raise UserError(
                f"{path}: it does not say which files it reads; add their names as plain text, "
                'e.g.  READS = ("*.csv",)'
            )
        reads = [p for read in reads for p in (TABLES if read == "tables" else [read])]
        patterns = "|".join(translate(f"*/{pattern}") for pattern in reads) or "(?!)"
        patterns_of.append((said.get("PRIORITY", 0), path.stem, re.compile(patterns).match))
    return {name: match for _, name, match in sorted(patterns_of)}
