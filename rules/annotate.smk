# What all runs say of each cell, beside the rows of the user's files; a run more reruns this only.
rule annotate_cells:
    input:
        rows="results/<dataset>/rows.csv",
        tables=lambda wildcards: [part["folder"] for part in tables_of_cells(wildcards)],
    output:
        "results/<dataset>/cells_annotated.csv",
    log:
        "results/logs/<dataset>/annotate_cells.log",
    benchmark:
        "results/benchmarks/<dataset>/annotate_cells.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 20),
        runtime=minutes(20),
    params:
        cfg=lambda wildcards: [
            {key: part[key] for key in ("file", "prefix")}
            for part in tables_of_cells(wildcards)
        ],
        code=code_hash("annotate_cells"),
    message:
        "Annotating the cells of {wildcards.dataset}"
    script:
        "../workflow_scripts/annotate_cells.py"
