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
