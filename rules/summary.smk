rule summarise_metrics:
    input:
        metrics=per_run("metrics"),
        clusters=per_run("clusters.csv"),
    output:
        metrics=report(
            "results/summary/metrics.tsv",
            caption="../config/captions/metrics.rst",
            category="Summary",
            labels={"what": "every value"},
        ),
        mean=report(
            "results/summary/metrics_mean.tsv",
            caption="../config/captions/metrics.rst",
            category="Summary",
            labels={"what": "mean and sd over seeds"},
        ),
    log:
        "results/logs/summary/summarise_metrics.log",
    benchmark:
        "results/benchmarks/summary/summarise_metrics.tsv"
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 20),
        runtime=minutes(10),
    params:
        # which (dataset, run, method, seed) each input belongs to, in their order
        cfg={"results": [[d, r.name, r.method, s] for d, r, s in PLAN.results]},
        code=code_hash("summarise_metrics"),
    message:
        "Collecting the metrics of all runs"
    script:
        "../workflow_scripts/summarise_metrics.py"


rule plot_summary:
    input:
        "results/summary/metrics.tsv",
    output:
        report(
            directory("results/summary/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/metrics.rst",
            category="Summary",
            labels={"what": "{figure}"},
        ),
    log:
        "results/logs/summary/plot_summary.log",
    benchmark:
        "results/benchmarks/summary/plot_summary.tsv"
    localrule: True
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 0),
        runtime=minutes(10),
    params:
        cfg={"controls": sorted(runs.controls(PLAN))},
        pdf=config.get("pdf", False),
        code=code_hash("plot_summary"),
    message:
        "Figures over all runs"
    script:
        "../workflow_scripts/plot_summary.py"


# The tables that an analysis left of every run, or every dataset, in one.
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
            "of": [
                found["about"]
                for found in analysis_files.summarised(wildcards.analysis, PLAN)
            ],
        },
        code=code_hash("summarise_analysis"),
    message:
        "Collecting {wildcards.analysis}"
    script:
        "../workflow_scripts/summarise_analysis.py"
