rule import_cells:
    input:
        unpack(importing_input),
    output:
        cells="results/<dataset>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        rows="results/<dataset>/rows.csv",
    log:
        "results/logs/<dataset>/import_cells.log",
    benchmark:
        "results/benchmarks/<dataset>/import_cells.tsv"
    wildcard_constraints:
        dataset=one_of(set(PLAN.slices) - set(COHORTS)),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=minutes(20),
    params:
        cfg=lambda wildcards: datasets.import_cfg(PLAN.slices[wildcards.dataset]),
        code=import_code,
    message:
        "Reading {wildcards.dataset}"
    script:
        "../workflow_scripts/import_cells.py"


# A cohort is a larger dataset for all that comes after.
rule join_slices:
    input:
        cells=members("cells.h5mu"),
        labels=members("labels.csv"),
        rows=members("rows.csv"),
    output:
        cells="results/<dataset>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        rows="results/<dataset>/rows.csv",
    log:
        "results/logs/<dataset>/join_slices.log",
    benchmark:
        "results/benchmarks/<dataset>/join_slices.tsv"
    wildcard_constraints:
        dataset=one_of(COHORTS),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 30),
        runtime=minutes(20),
    params:
        cfg=lambda wildcards: datasets.joining_cfg(
            PLAN.slices[wildcards.dataset], PLAN.slices
        ),
        code=code_hash("join_slices"),
    message:
        "Joining the slices of {wildcards.dataset}"
    script:
        "../workflow_scripts/join_slices.py"
