"""Sentences of pages that are written by hand."""

import re

from places import MEASURED, ROOT

# a name and the files that are read under it, one after the other
PAGES = {
    "README": [ROOT / "README.md"],
    "methods": [ROOT / "config/docs/methods.md"],
    "how to compare": [ROOT / "config/docs/comparison.md"],
    "comparison": [
        MEASURED / "comparison" / f"{name}.md"
        for name in (
            "README",
            "eight_slices",
            "fourteen_slices",
            "unseen_slices",
            "studies",
            "parts",
        )
    ],
}
NAMES = {
    "Ward": "ward",
    "KMeans": "kmeans",
    "the vote": "consensus",
    "Leiden": "leiden",
    "BANKSY": "banksy",
}


def lines(page):
    """A page as it is written."""
    return "\n".join(path.read_text() for path in PAGES[page])


def text(page):
    """A page in one line, so that sentences may be broken anywhere."""
    return re.sub(r"\s+", " ", lines(page))


def said(sentence, names=NAMES):
    """Values that follow names in a sentence: ``Ward .48, KMeans (.47)``."""
    found = {name: re.search(rf"{name}(?: has)? \(?(\.\d+)", sentence) for name in names}
    return {names[name]: float(value[1]) for name, value in found.items() if value}


def printed(values):
    return [f"{value:.2f}".replace("0.", ".") for value in values]
