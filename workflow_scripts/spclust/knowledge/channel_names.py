"""What a program writes around a marker: the one place where names of channels are taken apart.

``Cell: CD3: Mean``, ``CD3 (Opal 570) Cytoplasm Intensity``, ``Intensity_MeanIntensity_CD3``,
``CD3_cellMask``, ``cyc014_ch003:CD3`` and ``170Er_CD3`` are all CD3. Everything is written before
or behind the marker, so a name is taken apart from its two ends.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

COMPARTMENTS = ("cell", "nucleus", "cytoplasm", "membrane", "ring")
# what stands for the amount of a marker in a cell, the first that a table has
INTENSITIES = ("mean", "", "median", "sum", "raw", "max")
PARTS = ("compartment", "statistic", "mask", "dye", "cycle", "metal")


@dataclass(frozen=True)
class ChannelName:
    """A name and its parts, those that are not there empty.

    Attributes
    ----------
    marker : str
        What is left, as written.
    compartment : str
        One of :data:`COMPARTMENTS`.
    statistic : str
        ``mean``, ``median``, ``sum``, ``min``, ``max``, ... or ``positive`` of a gate.
    mask, dye, cycle, metal : str
        As written.
    """

    marker: str
    compartment: str = ""
    statistic: str = ""
    mask: str = ""
    dye: str = ""
    cycle: str = ""
    metal: str = ""

    @property
    def measure(self):
        """Compartment and statistic, which tell columns of one marker apart."""
        return self.compartment, self.statistic


_COMPARTMENT = {
    "cell": "entire cell|whole cell|wholecell|cells?",
    "nucleus": "nucleus|nuclei|nuclear|nuc",
    "cytoplasm": "cytoplasmic|cytoplasm|cyto",
    "membrane": "membrane",
    "ring": "cell ?ring|ring",
}
_STATISTIC = {
    "mean": "mean intensity|meanintensity|mean|average|avg|intensity mean"
    "|intensity(?![_.]?(?:min|max|median|std|sum|mean))",
    "median": "median intensity|medianintensity|median|intensity median",
    "sum": "integrated intensity|integratedintensity|sum|total|intensity sum",
    "min": "intensity min|minimum|min",
    "max": "intensity max|maximum|max",
    "sd": r"std\.? ?dev\.?|stdev|std|intensity std|sd",
    "variance": "variance",
    "range": "range",
    "quantile": r"percentile:? ?[\d.]+|(?:upper|lower) ?quartile",
    "gini": "gini index|gini",
    "raw": "raw",
    "high pass": "high pass",
    "texture": r"haralick\b.*",
    "positive": (
        "positive classification|positive nucleus classification|positive cytoplasm classification"
        "|positive membrane classification|positive nucleus|positive cytoplasm|positive membrane"
        "|positive|pos|negative|neg|classification|gate"
    ),
    "completeness": "% (?:nucleus|cytoplasm|membrane|cell) completeness",
}
# CellProfiler's names of its own; statistics of a cell's edge are none of the cell
_CELLPROFILER = {
    "MeanIntensity": "mean",
    "MedianIntensity": "median",
    "IntegratedIntensity": "sum",
    "MinIntensity": "min",
    "MaxIntensity": "max",
    "StdIntensity": "sd",
    "UpperQuartileIntensity": "quantile",
    "LowerQuartileIntensity": "quantile",
    "MADIntensity": "mad",
    "MassDisplacement": "displacement",
}
# what `measure` of a dataset may ask for
STATISTICS = {*_STATISTIC, *_CELLPROFILER.values(), "edge", "smoothed"}
STATISTICS -= {"positive", "completeness"}
_METAL = (
    "Y|Rh|Pd|Ag|Cd|In|La|Ce|Pr|Nd|Sm|Eu|Gd|Tb|Dy|Ho|Er|Tm|Yb|Lu|Ir|Pt|Bi"  # that antibodies carry
)
_ISOTOPE = rf"(?:\d{{2,3}}(?:{_METAL})|(?:{_METAL})(?:\d{{2,3}}|\(\d{{2,3}}\)))(?:Di|Dd)?"
_DYE = (
    r"opal[ ._]?\d{3}|alexa(?: ?fluor)?[ -]?\d{3}|af[ -]?\d{3}|fitc|tritc|cy\d(?:\.5)?|atto ?\d{3}"
    r"|texas ?red|dylight ?\d{3}|bv\d{3}|percp|spectrum ?\w+"
)
_CYCLE = r"cyc(?:le)?[ _]?\d+[ _]?ch(?:annel)?[ _]?\d+"
_MASK = r"(?:cell|nuclei|nuc|cellRing|cyto|membrane)Mask"
_MASK_OF = {"cell": "cell", "nuclei": "nucleus", "nuc": "nucleus", "cellring": "ring"}
_MASK_OF |= {"cyto": "cytoplasm", "membrane": "membrane"}


def _words(names):
    # any one separator may stand between the words of a program
    return "|".join(names.values()).replace(" ", "[ _.]?")


_SEPARATOR = r"(?:\s*[:;|]\s*|[ _.])"
_BEFORE = [
    (
        "cellprofiler",
        rf"(?:(?P<object>{_words(_COMPARTMENT)})_)?"
        r"Intensity_(?P<is>[A-Za-z]+?Intensity|MassDisplacement)(?P<edge>Edge)?_",
        0,
    ),
    # QuPath: "ROI: 0.50 µm per pixel: CD3: Mean"
    ("", r"(?:[^:]+:\s*){1,2}[\d.]+ \S+ per pixel\s*:", re.I),
    ("cycle", rf"(?P<is>{_CYCLE})\s*:", re.I),
    # of antibodies kept by number it stands before the metal: "1021522Tm169Di EGFR"
    ("metal", rf"(?:\d{{4,7}})?(?P<is>{_ISOTOPE})(?:[ _\-:.]+|(?=[A-Z])(?!D[id]$))", 0),
    ("compartment", rf"(?P<is>{_words(_COMPARTMENT)}){_SEPARATOR}", re.I),
    ("statistic", rf"(?P<is>{_words(_STATISTIC)})(?:{_SEPARATOR}|-)", re.I),
    ("dye", rf"(?P<is>{_DYE})[_:]+", re.I),
]
_BEHIND = [
    # R writes dots for brackets
    ("", r"(?:\s*\([^()]*(?:weighting|counts)[^()]*\)|\.\.(?:[a-z]+\.)?counts[a-z.]*)", re.I),
    (
        "halo",
        rf"[ _](?:(?P<sum>total)[ _]|average[ _])?(?P<is>{_words(_COMPARTMENT)})"
        r"[ _](?:intensity|od)",
        re.I,
    ),
    ("cycle", rf"\s*:(?P<is>{_CYCLE})", re.I),
    ("mask", rf"_(?P<is>{_MASK})", 0),
    ("statistic", rf"{_SEPARATOR}\(?(?P<is>{_words(_STATISTIC)})\)?", re.I),
    ("compartment", rf"{_SEPARATOR}(?P<is>{_words(_COMPARTMENT)})", re.I),
    ("dye", rf"(?:\s*\(\s*|[ _.\-]+)(?P<is>{_DYE})\s*\)?", re.I),
    ("metal", rf"(?:[ _\-:.]|\s*\()(?P<is>{_ISOTOPE}(?:\)(?:Di|Dd))?)\)?", 0),
    ("metal", rf"(?<=[A-Za-z0-9])(?P<is>(?:{_METAL})1[1-9]\d)(?:Di|Dd)?", 0),
]
_BEFORE = [(part, re.compile(pattern, flags)) for part, pattern, flags in _BEFORE]
_BEHIND = [(part, re.compile(f"(?:{pattern})$", flags)) for part, pattern, flags in _BEHIND]
_REMARK = re.compile(r"\s+[-–—]\s+.*$")
_SMOOTHED = re.compile(r"smoothed\s*:\s*[\d.]+ \S+?\s*:\s*", re.I)  # QuPath: over the cells around
_NAMES = {
    part: [(said, re.compile(p.replace(" ", "[ _.]?"), re.I)) for said, p in table.items()]
    for part, table in (("compartment", _COMPARTMENT), ("statistic", _STATISTIC))
}


@lru_cache(maxsize=100_000)
def take_apart(name):
    """The parts of a channel's name.

    Parameters
    ----------
    name : str

    Returns
    -------
    ChannelName
        With the whole name as ``marker`` where nothing is known of it.

    Examples
    --------
    >>> take_apart("Nucleus: CD3: Std.Dev.")
    ChannelName(marker='CD3', compartment='nucleus', statistic='sd', ...)
    """
    text = str(name).strip()
    first, _, second = text.partition(":")
    if first == second:  # x:x, as the CODEX processor doubles what is no channel
        return ChannelName(first)
    parts = dict.fromkeys(PARTS, "")
    smoothed = _SMOOTHED.match(text)
    text = text[smoothed.end() :] if smoothed else text
    while True:
        shorter = _shorter(text, parts)
        if shorter is None:
            break
        # "CD4 - T helper cells" of the CODEX processor: its remark says no part of the cell
        text = _REMARK.sub("", shorter) if parts["cycle"] else shorter
    return ChannelName(text, **(parts | ({"statistic": "smoothed"} if smoothed else {})))


def _shorter(text, parts):
    """The text without what one end says, which is put into ``parts``; None where none says any."""
    for rules, at_start in ((_BEFORE, True), (_BEHIND, False)):
        for part, pattern in rules:
            found = pattern.match(text) if at_start else pattern.search(text)
            if found is None:
                continue
            rest = text[found.end() :] if at_start else text[: found.start()]
            said = _said(part, found)
            # of what is said twice the word next to the marker belongs to it
            if not re.search("[^\\W_]", rest) or any(parts[key] for key in said if key != "mask"):
                continue
            parts |= said
            return rest.strip(" :.")
    return None


def _said(part, found):
    """Parts that a matched pattern stands for."""
    if not part:
        return {}
    text = found["is"]
    if part == "cellprofiler":
        statistic = "edge" if found["edge"] else _CELLPROFILER.get(text, text)
        of = _standard("compartment", found["object"]) if found["object"] else ""
        return {"statistic": statistic} | ({"compartment": of} if of else {})
    if part == "halo":
        statistic = "sum" if found["sum"] else "mean"
        return {"compartment": _standard("compartment", text), "statistic": statistic}
    if part == "mask":
        return {"mask": text, "compartment": _MASK_OF[text[: -len("Mask")].lower()]}
    if part in _NAMES:
        return {part: _standard(part, text)}
    return {part: re.sub(r"[()]", "", text)}


def _standard(part, text):
    return next(said for said, pattern in _NAMES[part] if pattern.fullmatch(text))
