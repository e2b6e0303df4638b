"""Input and params functions of the comparison of methods; no rule."""

from spclust import comparison_plan


def compared_files(wildcards):
    """Input function: the files of every run; none of those that happen to be finished.

    The latter are taken as they lie: as inputs, Snakemake would look for what to run again of
    them, where runs fail.
    """
    all_runs = wildcards.extent == "comparison"
    return comparison_plan.files(comparison_plan.facts(PLAN)) if all_runs else []


def comparison_cfg(wildcards):
    """Params function: the runs, what to say of the slices, and when the newest run finished."""
    finished = wildcards.extent == "comparison_so_far"
    facts = comparison_plan.facts(PLAN, finished)
    # what tells Snakemake that tables of no inputs are out of date
    return {**facts, "newest": comparison_plan.newest(facts)} if finished else facts


def reported(name):
    """A table of the comparison that is shown in the report."""
    return report(
        f"results/{{extent}}/{name}.tsv",
        caption="../config/captions/comparison.rst",
        category="Comparison",
        labels={"what": name.replace("_", " ")},
    )
