rule simulate_dataset:
    output:
        "resources/{dataset}/cells.h5ad",
    log:
        "<log>/{dataset}/simulate_dataset.log",
    benchmark:
        "<bench>/{dataset}/simulate_dataset.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        cfg=lambda wildcards: dict(
            sorted(PLAN.datasets[wildcards.dataset]["simulate"].items())
        ),
        code=code_hash("simulate_dataset"),
    message:
        "Simulating the tissue {wildcards.dataset}"
    script:
        "../workflow_scripts/simulate_dataset.py"


rule download_dataset:
    output:
        file="resources/{dataset}/download/{file}",
    log:
        "<log>/{dataset}/download/{file}.log",
    wildcard_constraints:
        file="[^/]+",
    # Snakemake takes no benchmark of what may come from the cache; the log tells time and memory
    cache: "omit-software"
    localrule: True
    conda:
        "../envs/download.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=60,
    params:
        cfg=lambda wildcards: dict(sorted(download_cfg(wildcards).items())),
        code=code_hash("download_dataset"),
    message:
        "Fetching {wildcards.file} of {wildcards.dataset}"
    script:
        "../workflow_scripts/download_dataset.py"


rule import_cells:
    input:
        dataset_files,
    output:
        "<slice>/cells.h5ad",
    log:
        "<log>/{dataset}/import_cells.log",
    benchmark:
        "<bench>/{dataset}/import_cells.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=20,
    params:
        cfg=lambda wildcards: settings.import_cfg(PLAN.datasets[wildcards.dataset]),
        code=code_hash("import_cells"),
    message:
        "Reading {wildcards.dataset}"
    script:
        "../workflow_scripts/import_cells.py"
