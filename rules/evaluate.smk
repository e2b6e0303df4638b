rule evaluate_run:
    input:
        cells="results/<preprocess>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        clusters="results/<run>/clusters.csv",
        embedding="results/<run>/embedding.npz",
    output:
        metrics="results/<run>/metrics.tsv",
        classes="results/<run>/class_metrics.tsv",
        settings="results/<run>/settings.json",
    log:
        "results/logs/<run>/evaluate_run.log",
    benchmark:
        "results/benchmarks/<run>/evaluate_run.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 15),
        runtime=minutes(20),
    params:
        cfg=PLAN.evaluation,
        made_with=values_behind,
        code=code_hash("evaluate_run"),
    message:
        "Evaluating {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/evaluate_run.py"
