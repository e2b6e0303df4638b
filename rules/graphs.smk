rule build_graphs:
    input:
        cells=nearest("cells.h5mu"),
    output:
        "results/<graphs>/graphs.npz",
    log:
        "results/logs/<graphs>/build_graphs.log",
    benchmark:
        "results/benchmarks/<graphs>/build_graphs.tsv"
    conda:
        "../envs/graphs.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 30),
        runtime=minutes(60),
    params:
        cfg=stage_cfg("graphs"),
        code=code_hash("build_graphs"),
    message:
        "Graphs of {wildcards.dataset} ({wildcards.graphs}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/build_graphs.py"
