"""Input and params functions of studies; no rule."""

from spclust import study_plan


def study_files(wildcards):
    """Input function: the table and the figure of the configuration's study."""
    if "study" not in config:
        raise WorkflowError(
            "this configuration has no `study`; take one of config/studies, e.g.  snakemake study "
            "--cores 2 --configfile config/studies/ablation_views.yaml"
        )
    folder = f"results/studies/{config['study']['name']}"
    return [f"{folder}/table.md", f"{folder}/figures"]


def study_cfg(wildcards):
    """Params function: rows and parts of the study, and the paper's numbers."""
    return study_plan.facts(PLAN)
