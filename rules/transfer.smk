rule transfer_labels:
    input:
        extras=of_source("extras"),
        cells="results/<dataset>/cells.h5mu",
    output:
        cells="results/<transferred>/cells.h5mu",
        clusters="results/<transferred>/clusters.csv",
        embedding="results/<transferred>/embedding.npz",
        facts="results/<transferred>/transfer.json",
        distance="results/<transferred>/distance.npz",
    log:
        "results/logs/<transferred>/transfer_labels.log",
    benchmark:
        "results/benchmarks/<transferred>/transfer_labels.tsv"
    conda:
        "../envs/transfer.yaml"
    threads: 4
    resources:
        mem_mb=memory(2500, 150),
        runtime=minutes(60),
        gpu=method_gpus,
    params:
        code=transfer_code,
    message:
        "Labelling {wildcards.dataset} as {wildcards.method} learnt on {wildcards.source} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/transfer_labels.py"


# The labels that a model of another dataset gave are scored like a run's.
use rule analyse_run as analyse_transfer with:
    input:
        cells="results/<transferred>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        clusters="results/<transferred>/clusters.csv",
        embedding="results/<transferred>/embedding.npz",
    output:
        directory("results/<transferred>/{analysis}"),
    log:
        "results/logs/<transferred>/{analysis}.log",
    benchmark:
        "results/benchmarks/<transferred>/{analysis}.tsv"
    wildcard_constraints:
        analysis="metrics",
    message:
        "{wildcards.analysis} of {wildcards.dataset} labelled from {wildcards.source}"


# What a model's clusters are called where it has learnt holds where it labels.
use rule analyse_run as annotate_transfer with:
    input:
        clusters="results/<transferred>/clusters.csv",
        names=of_source("names"),
        rows="results/<dataset>/rows.csv",
        labels="results/<dataset>/labels.csv",
    output:
        directory("results/<transferred>/{analysis}"),
    log:
        "results/logs/<transferred>/{analysis}.log",
    benchmark:
        "results/benchmarks/<transferred>/{analysis}.tsv"
    wildcard_constraints:
        analysis="annotation",
    message:
        "{wildcards.analysis} of {wildcards.dataset} labelled from {wildcards.source}"
