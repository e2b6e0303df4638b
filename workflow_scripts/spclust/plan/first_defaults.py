"""Settings as params of rules, of which Snakemake compares what may change a result.

A setting that a finished run did not know counts as the default that it came with. So a new
setting reruns nothing, and a changed default reruns what uses it. ``first_defaults.yaml`` lists
these defaults, for each stage, method and section of the configuration::

    graphs:
      first: {n_neighbors: 15}    # came with the stage
      later: {longest_edge: 30}   # came later

``make docs`` adds what is new to it; no line of it is ever changed or taken out.

Imported by Snakemake itself, so it may use the standard library and PyYAML only.
"""

from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_suffix(".yaml")
HEAD = """\
# Default that each setting came with, first those that came with their stage, method or section.
# Written by `make docs`, which only adds: a changed line would rerun, or fail to rerun, what was
# made before. See first_defaults.py.
"""


class Compared(dict):
    """Values by name, in order, of which ``repr`` leaves out those that count for nothing.

    ``repr`` is what Snakemake compares. A script, in an environment of its own, gets a plain dict
    of all.

    Parameters
    ----------
    values : dict
    silent_at : dict
        Value at which a setting is left out.
    """

    def __init__(self, values, silent_at):
        super().__init__(sorted(values.items()))
        self._silent_at = silent_at

    def __repr__(self):
        silent = {k for k, v in self.items() if k in self._silent_at and v == self._silent_at[k]}
        return repr({key: value for key, value in self.items() if key not in silent})

    def __reduce__(self):
        return dict, (dict(self),)


@cache
def _listed():
    return yaml.safe_load(FILE.read_text())


def compared(section, values, defaults):
    """Values of a section as a param.

    Parameters
    ----------
    section : str
        Of ``first_defaults.yaml``; of one that is not in there every value counts.
    values : dict
    defaults : dict
        Of today, for settings that are not in there either.

    Returns
    -------
    Compared
    """
    listed = _listed().get(section)
    later = {} if listed is None else defaults | listed.get("later", {})
    came_with = {} if listed is None else listed["first"]
    return Compared(values, {k: v for k, v in later.items() if k not in came_with})


def of_then(section, defaults):
    """Default that each setting of a section came with, those of today where none is listed."""
    listed = _listed().get(section, {})
    return defaults | listed.get("first", {}) | listed.get("later", {})


def unlisted(present):
    """Section and name of the settings that are not listed, of sections that are."""
    listed = {section: of_then(section, {}) for section in present if section in _listed()}
    return [(at, key) for at in listed for key in present[at] if key not in listed[at]]


def with_new(listed, present):
    """What is listed, and what there is beside it.

    Parameters
    ----------
    listed : dict of str to dict
        Content of ``first_defaults.yaml``.
    present : dict of str to dict
        Section to the default of each of its settings.

    Returns
    -------
    dict of str to dict
    """
    sections = dict(listed)
    for section, defaults in present.items():
        if section not in listed:
            sections[section] = {"first": defaults}
            continue
        first, later = listed[section]["first"], listed[section].get("later", {})
        new = {key: value for key, value in defaults.items() if key not in first | later}
        if new:
            sections[section] = {"first": first, "later": later | new}
    return sections


def write(present):
    """Add what is new to the file."""
    listed = _listed() if FILE.exists() else {}
    text = yaml.safe_dump(with_new(listed, present), sort_keys=False, width=100)
    FILE.write_text(HEAD + text)
