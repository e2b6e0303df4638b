rule build_graphs:
    input:
        "<aug>/balanced.h5ad",
    output:
        "<graph>/graphs.npz",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/graph-{graph}/build_graphs.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/graph-{graph}/build_graphs.tsv"
    conda:
        "../envs/graphs.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 100),
        runtime=60,
    params:
        cfg=stage_cfg("graphs", "graph"),
        code=code_hash("build_graphs"),
    message:
        "Expression and spatial graphs of {wildcards.dataset} ({wildcards.graph}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/build_graphs.py"
