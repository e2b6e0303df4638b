rule find_markers:
    input:
        cells="results/<preprocess>/cells.h5mu",
        clusters="results/<run>/clusters.csv",
        extras="results/<run>/extras",
    output:
        "results/<run>/markers.csv",
    log:
        "results/logs/<run>/find_markers.log",
    benchmark:
        "results/benchmarks/<run>/find_markers.tsv"
    conda:
        "../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=minutes(20),
    params:
        code=code_hash("find_markers"),
    message:
        "Marker proteins of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/find_markers.py"
