rule assign_pseudolabels:
    input:
        cells="<prep>/cells.h5ad",
        n_clusters="<prep>/n_clusters.json",
    output:
        "<labels>/pseudolabels.csv",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/assign_pseudolabels.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/assign_pseudolabels.tsv"
    conda:
        "../envs/pseudolabels.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 60),
        runtime=30,
    params:
        cfg=stage_cfg("pseudolabels", "labels"),
        code=code_hash("assign_pseudolabels"),
    message:
        "First labels of {wildcards.dataset} ({wildcards.labels}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/assign_pseudolabels.py"
