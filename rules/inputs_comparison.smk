"""Input and params functions of the comparison of methods; no rule."""

from functools import cache

from spclust.comparison import kept as comparison_kept
from spclust.comparison import plan as comparison_plan
from spclust.comparison import study_plan

try:
    comparison_plan.check_comparison(PLAN)
    study_plan.check_study(PLAN)
except UserError as error:
    raise WorkflowError(str(error)) from None


@cache
def comparison_facts(extent):
    """What is compared, worked out once for input and params."""
    return known_of(comparison_plan, extent)


def known_of(planner, extent):
    """What a module that plans tables says of their runs, kept ones among them."""
    if PREFIXED:
        raise WorkflowError(
            "comparisons and studies know no `prefix` of a module; run Snakemake in a folder of its "
            f"own for them:  snakemake --snakefile {PROJECT}/Snakefile --directory my_comparison"
        )
    try:
        root = comparison_kept.root_of(config)
        return planner.facts(PLAN, extent.endswith("_so_far"), root)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def values_behind(wildcards):
    """Params function: what a run is made with, so that tables know it of runs that lie there."""
    made_with = stages.chosen_in(dict(wildcards.items()))
    made_with["method"] = wildcards.method
    found = comparison_kept.values_behind(PLAN, [(wildcards.dataset, made_with)])
    # knowledge is input of what goes by it, and no reason to score other runs anew
    del found[comparison_kept.KNOWLEDGE]
    return found


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
