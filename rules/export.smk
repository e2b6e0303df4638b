rule export_cells:
    input:
        unpack(run_files),
        cells="<slice>/cells.h5ad",
        prepared="<prep>/cells.h5ad",
        clusters="<run>/clusters.csv",
        embedding="<run>/embedding.npy",
    output:
        "<run>/clustered.h5ad",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/export_cells.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/export_cells.tsv"
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=20,
    params:
        recipe=lambda wildcards: PLAN.recipe(wildcards.method),
        code=code_hash("export_cells"),
    message:
        "Exporting {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/export_cells.py"
