import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.12")


# Where Snakemake runs, as usual; what is not there comes from the project (rules/common.smk)
if os.path.exists("config/config.yaml"):

    configfile: "config/config.yaml"


# The project's own folder, which is neither where Snakemake runs nor, in a module, the importer's
PROJECT = workflow.current_basedir
if not isinstance(PROJECT, os.PathLike):
    raise WorkflowError(
        f"spClust runs from files of this machine only, not from {PROJECT}: fetch the project "
        'with git clone, and write the path of its Snakefile, e.g.  snakefile: "spclust/Snakefile"'
    )
PROJECT = os.path.abspath(PROJECT)


include: "rules/common.smk"


# Folders below results, results/logs and results/benchmarks: <dataset>, <replicate>, one for each
# stage, <run> and <transferred>. Each stage's folder lies inside its upstream's, keyed by the name
# of a setting: two settings stand side by side, share everything above them, and a path tells its
# lineage.
pathvars:
    **stages.pathvars(),


# inputs_*.smk hold the functions that rules take their inputs and params from
for rule_file in sorted(
    Path(PROJECT, "rules").glob("*.smk"),
    key=lambda path: (not path.name.startswith("inputs_"), path.name),
):
    if rule_file.name != "common.smk":

        include: str(rule_file)


# After the rules: constraints given before are lost where pathvars are filled in.
wildcard_constraints:
    **stages.wildcard_constraints(),


report: "config/captions/workflow.rst"


rule all:
    default_target: True
    input:
        [
            found["folder"]
            for level in LEVELS
            for found in analysis_files.targets(PLAN, level)
        ],
        expand("results/{dataset}/cells_annotated.csv", dataset=ANNOTATED),
        per_run("figures", controls=False),
        dataset_figures(),
        per_run("settings.json"),
        analysis_files.summaries(PLAN),
        ["results/summary/samples.tsv"] * bool(SAMPLED),
        "results/summary/metrics_mean.tsv",
        "results/summary/figures",
        transferred("figures"),
        ["results/summary/transfers.tsv"] * bool(PLAN.transfers),


rule metrics:
    input:
        "results/summary/metrics_mean.tsv",


onsuccess:
    over_all = ["summary", "comparison", "studies"]
    over_all += [f"{name}_so_far" for name in over_all[1:]]
    there = [
        f"results/{name}" for name in over_all if Path("results", name).is_dir()
    ]
    print("\nDone.")
    if there:
        print("Tables and figures over all runs:", ", ".join(there))


onerror:
    print(f"\n{failures.report('results/logs', STARTED)}")
