rule evaluate_run:
    input:
        cells="<prep>/cells.h5ad",
        clusters="<run>/clusters.csv",
        embedding="<run>/embedding.npy",
    output:
        metrics="<run>/metrics.tsv",
        classes="<run>/class_metrics.tsv",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/evaluate_run.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/evaluate_run.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=20,
    params:
        cfg=dict(sorted(config["evaluation"].items())),
        code=code_hash("evaluate_run"),
    message:
        "Evaluating {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/evaluate_run.py"


rule summarise_metrics:
    input:
        metrics=per_run("metrics.tsv"),
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
        "<log>/summary/summarise_metrics.log",
    benchmark:
        "<bench>/summary/summarise_metrics.tsv"
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 20),
        runtime=10,
    params:
        # which (dataset, run, method, seed) each input belongs to, in their order
        cfg={"results": [[d, r.name, r.method, s] for d, r, s in PLAN.results]},
        code=code_hash("summarise_metrics"),
    message:
        "Collecting the metrics of all runs"
    script:
        "../workflow_scripts/summarise_metrics.py"
