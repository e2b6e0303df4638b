# What is made of clusters: a rule a level, whatever the analysis (spclust/analyses).
rule analyse_run:
    input:
        unpack(analysis_input),
    output:
        report(
            directory("results/<run>/{analysis}"),
            patterns=REPORTED,
            caption="../config/captions/table.rst",
            category="Runs",
            subcategory="{dataset}",
            labels=table_labels,
        ),
    log:
        "results/logs/<run>/{analysis}.log",
    benchmark:
        "results/benchmarks/<run>/{analysis}.tsv"
    wildcard_constraints:
        analysis=over("run", "space"),
    conda:
        analysis_env
    threads: 1
    resources:
        mem_mb=analysis_memory,
        runtime=analysis_runtime,
    params:
        cfg=lambda wildcards: PLAN.analysis_cfg(wildcards.analysis),
        about=analysis_about,
        card=analysis_card,
        code=analysis_code,
    message:
        "{wildcards.analysis} of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/analyse.py"


# Of the features of a dataset and a seed, shared by all methods that learnt no embedding.
use rule analyse_run as analyse_space with:
    output:
        directory("results/<replicate>/{analysis}"),
    log:
        "results/logs/<replicate>/{analysis}.log",
    benchmark:
        "results/benchmarks/<replicate>/{analysis}.tsv"
    wildcard_constraints:
        analysis=over("space"),
    message:
        "{wildcards.analysis} of {wildcards.dataset} (seed {wildcards.seed})"


use rule analyse_run as analyse_dataset with:
    output:
        report(
            directory("results/<dataset>/{analysis}"),
            patterns=REPORTED,
            caption="../config/captions/table.rst",
            category="Quality",
            subcategory="{dataset}",
            labels={"what": "{table}"},
        ),
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
        lambda wildcards: cohort_of(wildcards)[0],
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
        runs=lambda wildcards: cohort_of(wildcards)[1],
        card=analysis_card,
        code=analysis_code,
    message:
        "{wildcards.analysis} of all runs"
