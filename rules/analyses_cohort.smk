"""Analyses of a dataset and over all runs; tables of analyses put together."""


def cohort_runs(wildcards):
    """Params function: what the analysis reads of every run, and what tables call the run."""
    tables = {name: knowledge(name) for name in ("proteins", "signatures")}
    return analysis_files.of_runs(analysis_of(wildcards), PLAN, tables)


def cohort_input(wildcards):
    """Input function: the same as a list."""
    found = []
    for run in cohort_runs(wildcards):
        for files in run["files"].values():
            found += files if isinstance(files, list) else [files]
    return list(dict.fromkeys(found))


use rule analyse_run as analyse_dataset with:
    output:
        directory("results/<dataset>/{analysis}"),
    log:
        "results/logs/<dataset>/{analysis}.log",
    benchmark:
        "results/benchmarks/<dataset>/{analysis}.tsv"
    wildcard_constraints:
        analysis=over("dataset"),
    message:
        "{wildcards.analysis} of {wildcards.dataset}"


use rule analyse_run as analyse_cohort with:
    input:
        cohort_input,
    output:
        report(
            directory("results/summary/{analysis}"),
            patterns=REPORTED,
            caption="../config/captions/table.rst",
            category="Summary",
            labels={"what": "{table}"},
        ),
    log:
        "results/logs/summary/{analysis}.log",
    benchmark:
        "results/benchmarks/summary/{analysis}.tsv"
    wildcard_constraints:
        analysis=over("cohort"),
    params:
        cfg=lambda wildcards: PLAN.analysis_cfg(wildcards.analysis),
        about={},
        runs=cohort_runs,
        card=analysis_card,
        code=analysis_code,
    message:
        "{wildcards.analysis} of all runs"


rule summarise_analysis:
    input:
        lambda wildcards: [
            found["folder"]
            for found in analysis_files.summarised(wildcards.analysis, PLAN)
        ],
    output:
        report(
            "results/summary/{analysis}.tsv",
            caption="../config/captions/summary.rst",
            category="Summary",
            labels={"what": "{analysis}"},
        ),
    log:
        "results/logs/summary/summarise_{analysis}.log",
    benchmark:
        "results/benchmarks/summary/summarise_{analysis}.tsv"
    wildcard_constraints:
        analysis=over("run", "space", "dataset", summary=True),
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 20),
        runtime=minutes(10),
    params:
        cfg=lambda wildcards: {
            "file": analysis_of(wildcards).summary,
            "parts": analysis_files.summarised(wildcards.analysis, PLAN),
        },
        code=code_hash("summarise_analysis"),
    message:
        "Collecting {wildcards.analysis}"
    script:
        "../workflow_scripts/summarise_analysis.py"
