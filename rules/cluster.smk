# Any method, on the cells that the stages before it hand on.
rule cluster_cells:
    input:
        unpack(method_input),
    output:
        clusters="results/<run>/clusters.csv",
        embedding="results/<run>/embedding.npz",
        cost="results/<run>/cost.json",
        extras=directory("results/<run>/extras"),
    log:
        "results/logs/<run>/cluster_cells.log",
    benchmark:
        "results/benchmarks/<run>/cluster_cells.tsv"
    conda:
        method_env
    threads: lambda wildcards: 4 if PLAN.card(wildcards.method).trains else 1
    resources:
        mem_mb=method_memory,
        runtime=method_runtime,
        gpu=method_gpus,
    params:
        cfg=method_cfg,
        code=method_code,
    message:
        "Clustering {wildcards.dataset} with {wildcards.method} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/cluster_cells.py"
