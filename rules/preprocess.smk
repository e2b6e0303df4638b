rule preprocess_cells:
    input:
        "<slice>/cells.h5ad",
    output:
        cells="<prep>/cells.h5ad",
    log:
        "<log>/{dataset}/prep-{prep}/preprocess_cells.log",
    # Snakemake takes no benchmark of what may come from the cache; the log tells time and memory
    cache: True
    conda:
        "../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=20,
    params:
        cfg=stage_cfg("preprocess", "prep"),
        code=code_hash("preprocess_cells"),
    message:
        "Normalising {wildcards.dataset} ({wildcards.prep})"
    script:
        "../workflow_scripts/preprocess_cells.py"


rule choose_n_clusters:
    input:
        "<prep>/cells.h5ad",
    output:
        "<prep>/n_clusters.json",
    log:
        "<log>/{dataset}/prep-{prep}/choose_n_clusters.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/choose_n_clusters.tsv"
    conda:
        "../envs/pseudolabels.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 60),
        runtime=30,
    params:
        cfg=lambda wildcards: {
            "n_clusters": PLAN.datasets[wildcards.dataset]["n_clusters"],
            "seed": config["seeds"][0],
        },
        code=code_hash("choose_n_clusters"),
    message:
        "Choosing the number of clusters of {wildcards.dataset}"
    script:
        "../workflow_scripts/choose_n_clusters.py"
