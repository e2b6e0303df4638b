"""Fill the pages' tables from schemas, stages, cards, declared files and rooms.

    make docs        # or, in workflow_scripts:  python -m spclust.plan.documentation

Pages are written by hand; what stands between ``<!-- NAME, by make docs -->`` and
``<!-- end -->`` is not. A test compares each page with what this module would write.
"""

import ast
import re

from spclust.plan import analyses, cards, first_defaults, reference, written
from spclust.plan.datasets import CONFIG_FOLDER
from spclust.plan.settings import Plan

ROOT = CONFIG_FOLDER.resolve().parent
MARKED = re.compile(r"(<!-- ([^,>]+), by make docs -->\n).*?(<!-- end -->)", re.DOTALL)


def rooms():
    """Rooms of the library: what each holds and may import, as its ``__init__`` says."""
    lines = ["| room | what it holds | may import |", "|---|---|---|"]
    for path in sorted((ROOT / "workflow_scripts/spclust").glob("*/__init__.py")):
        paragraphs = ast.get_docstring(ast.parse(path.read_text())).split("\n\n")
        holds, imports = (" ".join(text.split()) for text in paragraphs[:2])
        holds = re.sub(r":\w+:`([\w.]+)`", r"`\1`", holds)
        lines.append(f"| `{path.parent.name}/` | {holds} | {imports.removeprefix('May import ')} |")
    return "\n".join(lines)


BLOCKS = reference.BLOCKS | written.BLOCKS | {"rooms": rooms}


def pages():
    """Paths of the pages that have marks."""
    return [
        ROOT / "README.md",
        CONFIG_FOLDER / "README.md",
        *sorted((CONFIG_FOLDER / "docs").glob("*.md")),
        ROOT / "results/README.md",
        ROOT / "workflow_scripts/README.md",
    ]


def filled(text):
    """The text of a page with what stands between its marks made anew."""
    return MARKED.sub(lambda mark: f"{mark[1]}{BLOCKS[mark[2]]()}\n{mark[3]}", text)


def write():
    """Fill every page and note the first defaults of new settings."""
    first_defaults.write(Plan({}, cards.load(), analyses.load()).defaults)
    for page in pages():
        page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    write()
