rule simulate_dataset:
    input:
        simulation_input,
    output:
        "resources/{dataset}/cells.h5ad",
    log:
        "results/logs/<dataset>/simulate_dataset.log",
    benchmark:
        "results/benchmarks/<dataset>/simulate_dataset.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=simulation_memory,
        runtime=minutes(10),
    params:
        cfg=lambda wildcards: datasets.compared_definition(
            PLAN.slices[wildcards.dataset]
        )["simulate"],
        code=code_hash("simulate_dataset"),
    message:
        "Simulating the tissue {wildcards.dataset}"
    script:
        "../workflow_scripts/simulate_dataset.py"


rule download_dataset:
    output:
        file="resources/{dataset}/download/{file}",
    log:
        "results/logs/<dataset>/download/{file}.log",
    wildcard_constraints:
        file="[^/]+",
    # Snakemake takes no benchmark of what may come from the cache; the log tells time and memory
    cache: "omit-software"
    localrule: True
    conda:
        "../envs/download.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 0),
        runtime=minutes(60),
    params:
        cfg=download_cfg,
        code=code_hash("download_dataset"),
    message:
        "Fetching {wildcards.file} of {wildcards.dataset}"
    script:
        "../workflow_scripts/download_dataset.py"
