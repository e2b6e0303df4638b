"""Sentences of pages that are written by hand."""

import re

from places import MEASURED, ROOT

PAGES = {
    "README.md": ROOT / "README.md",
    "comparison": MEASURED / "comparison/README.md",
}
NAMES = {
    "Ward": "ward",
    "KMeans": "kmeans",
    "the vote": "consensus",
    "Leiden": "leiden",
    "BANKSY": "banksy",
}


def text(page):
    """A page in one line, so that sentences may be broken anywhere."""
    return re.sub(r"\s+", " ", PAGES[page].read_text())


def said(sentence, names=NAMES):
    """Values that follow names in a sentence: ``Ward .48, KMeans (.47)``."""
    found = {name: re.search(rf"{name}(?: has)? \(?(\.\d+)", sentence) for name in names}
    return {names[name]: float(value[1]) for name, value in found.items() if value}


def printed(values):
    return [f"{value:.2f}".replace("0.", ".") for value in values]
