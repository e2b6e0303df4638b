"""The shipped configuration and studies, and what a configuration laid over it resolves to."""

import copy

import yaml

from spclust.comparison.plan import check_comparison
from spclust.comparison.study_plan import check_study
from spclust.plan import datasets, settings

SHIPPED = yaml.safe_load((datasets.CONFIG_FOLDER / "config.yaml").read_text())
MEASURED = "tests/measured/datasets.yaml"
STUDIES = sorted(
    [
        *(datasets.CONFIG_FOLDER / "studies").glob("*.yaml"),
        *(datasets.CONFIG_FOLDER.parent / "tests/measured/comparison").glob("*.yaml"),
    ]
)


def merged(base, changes):
    """As Snakemake lays one configuration over another."""
    out = copy.deepcopy(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def resolve(text=""):
    return checked(merged(SHIPPED, yaml.safe_load(text) or {}))


def checked(config):
    """The plan, held against all that the rules hold it against."""
    plan = settings.resolve(config)
    check_comparison(plan)
    check_study(plan)
    return plan
