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


# What a run is made with, so that tables of runs that lie there know it.
rule record_settings:
    input:
        "results/<run>/cost.json",
    output:
        "results/<run>/settings.json",
    log:
        "results/logs/<run>/record_settings.log",
    benchmark:
        "results/benchmarks/<run>/record_settings.tsv"
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 0),
        runtime=minutes(5),
    params:
        made_with=values_behind,
        code=code_hash("record_settings"),
    message:
        "Settings of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/record_settings.py"
