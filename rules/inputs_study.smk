"""Input and params functions of studies; no rule."""

from functools import cache

from spclust.comparison import plan as comparison_plan


def study_files(extent):
    """Input function: the table and the figure of the configuration's study."""

    def files(wildcards):
        if "study" not in config:
            raise WorkflowError(
                "this configuration has no `study`; take one of config/studies, e.g.  snakemake "
                "study --cores 2 --configfile config/studies/ablation_views.yaml"
            )
        folder = f"results/{extent}/{config['study']['name']}"
        return [f"{folder}/table.md", f"{folder}/figures"]

    return files


@cache
def study_facts(extent):
    """What the study shows, worked out once for input and params."""
    return known_of(study_plan, extent)


def study_runs(wildcards):
    """Input function: the files of every run that is asked for, and of kept values."""
    return comparison_plan.files(study_facts(wildcards.extent))


def study_cfg(wildcards):
    """Params function: how the study is laid out, its runs and the paper's numbers."""
    return study_facts(wildcards.extent)


def study_layout(wildcards):
    """Params function: how the figure is laid out."""
    return study_plan.layout(PLAN)
