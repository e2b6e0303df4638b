"""What a configuration may have wrong without being faulty, told before anything runs.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from pathlib import Path

from spclust.plan.datasets import local_files
from spclust.plan.first_defaults import unlisted
from spclust.plan.stages import STAGES


def oversights(plan):
    """A line for each file that is not here, sheet or setting without use, and new setting.

    Of a missing file Snakemake itself would not say whose it is.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan

    Returns
    -------
    list of str
    """
    lines = []
    for dataset in plan.datasets:
        if file := absent_file(plan, dataset):
            lines.append(
                f"dataset {dataset}: there is no {file}; check its `path`, which is relative to "
                f"{Path.cwd()}"
            )
        if sheet := sheet_of_a_slice(plan, dataset):
            lines.append(
                f"dataset {dataset}: the sheet of samples of a slice says nothing of the cohort; "
                f"write there, too, e.g.  samples: {sheet}"
            )
    for section, name in unused_settings(plan):
        lines.append(
            f"{section}.{name}: no run goes through this setting; write  {section}: {name}  in an "
            "entry of  runs:"
        )
    for section, key in unlisted(plan.defaults):
        lines.append(
            f"{section}: the setting {key} is new; run  make docs  to note the default it comes "
            "with, else a change of that default would rerun nothing"
        )
    return lines


def absent_file(plan, dataset):
    """The first file of a dataset given by path, or of its slices, that is not here, or None."""
    definitions = [plan.slices[name] for name in plan.slices[dataset].get("slices", [dataset])]
    files = [file for d in definitions if "path" in d for file in local_files(d)]
    return next((file for file in files if not Path(file).exists()), None)


def sheet_of_a_slice(plan, dataset):
    """The sheet of samples of a slice of a cohort that has none of its own, or None."""
    definition = plan.slices[dataset]
    slices = () if "samples" in definition else definition.get("slices", ())
    return next(filter(None, (plan.slices[name].get("samples") for name in slices)), None)


def unused_settings(plan):
    """Section and name of the configuration's settings that no run goes through."""
    used = {at for _, run, _ in plan.results for at in run.made_with.items()}
    # runs may be kept to datasets that are not listed today
    for entry in plan.config["runs"]:
        method = entry.get("method", entry["name"])
        # settings of a method lie under those that build on it
        used |= {("method", method), ("method", plan.card(method).name)}
        used |= {(stage, entry[stage]) for stage in STAGES if stage in entry}
    return [
        (section, name)
        for section in plan.settings
        for name in plan.config.get(section, {})
        if name != "default" and (section, name) not in used
    ]
