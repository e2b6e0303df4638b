"""Input and params functions of the comparison of methods; no rule."""

from functools import cache

from spclust import comparison_plan


def kept_folder():
    """Folder of kept values, below the project where its path is relative."""
    kept = config.get("kept")
    return Path(workflow.basedir, kept) if kept else None


@cache
def comparison_facts(extent):
    """What is compared, worked out once for input and params."""
    finished = extent == "comparison_so_far"
    return comparison_plan.facts(PLAN, finished, kept_folder())


def compared_files(wildcards):
    """Input function: the files of every run that is asked for, and of kept values.

    Those that happen to be finished are taken as they lie: as inputs, Snakemake would look for
    what to run again of them, where runs fail.
    """
    return comparison_plan.files(comparison_facts(wildcards.extent))


def comparison_cfg(wildcards):
    """Params function: the runs, what to say of the slices, and when the newest run finished."""
    return comparison_facts(wildcards.extent)


def reported(name):
    """A table of the comparison that is shown in the report."""
    return report(
        f"results/{{extent}}/{name}.tsv",
        caption="../config/captions/comparison.rst",
        category="Comparison",
        labels={"what": name.replace("_", " ")},
    )
