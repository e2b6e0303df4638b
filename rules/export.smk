rule export_cells:
    input:
        imported="results/<dataset>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        clusters="results/<run>/clusters.csv",
        names="results/<run>/cluster_names.csv",
        embedding="results/<run>/embedding.npz",
        umap=umap_of_run,
    output:
        "results/<run>/clustered.h5ad",
    log:
        "results/logs/<run>/export_cells.log",
    benchmark:
        "results/benchmarks/<run>/export_cells.tsv"
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 20),
        runtime=minutes(20),
    params:
        key=lambda wildcards: PLAN.card(wildcards.method).name,
        code=code_hash("export_cells"),
    message:
        "Exporting {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/export_cells.py"


# Several modalities leave as MuData.
use rule export_cells as export_modalities with:
    output:
        "results/<run>/clustered.h5mu",
    log:
        "results/logs/<run>/export_modalities.log",
    benchmark:
        "results/benchmarks/<run>/export_modalities.tsv"
    message:
        "Exporting the modalities of {wildcards.dataset} with {wildcards.method} (seed {wildcards.seed})"
