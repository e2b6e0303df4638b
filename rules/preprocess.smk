rule preprocess_cells:
    input:
        unpack(preparing_input),
    output:
        cells="results/<preprocess>/cells.h5mu",
    log:
        "results/logs/<preprocess>/preprocess_cells.log",
    # Snakemake takes no benchmark of what may come from the cache; the log tells time and memory
    cache: True
    conda:
        "../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=minutes(20),
    params:
        cfg=stage_cfg("preprocess"),
        code=code_hash("preprocess_cells"),
    message:
        "Normalising {wildcards.dataset} ({wildcards.preprocess})"
    script:
        "../workflow_scripts/preprocess_cells.py"


rule choose_n_clusters:
    input:
        unpack(counting_input),
    output:
        "results/<preprocess>/n_clusters.json",
    log:
        "results/logs/<preprocess>/choose_n_clusters.log",
    benchmark:
        "results/benchmarks/<preprocess>/choose_n_clusters.tsv"
    conda:
        "../envs/pseudolabels.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 15),
        runtime=minutes(30),
    params:
        cfg=lambda wildcards: {
            "n_clusters": PLAN.slices[wildcards.dataset]["n_clusters"]
        },
        code=code_hash("choose_n_clusters"),
    message:
        "Choosing the number of clusters of {wildcards.dataset}"
    script:
        "../workflow_scripts/choose_n_clusters.py"
