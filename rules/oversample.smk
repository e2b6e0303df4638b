rule oversample_minorities:
    input:
        cells="<prep>/cells.h5ad",
        pseudolabels="<labels>/pseudolabels.csv",
    output:
        "<aug>/balanced.h5ad",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/oversample_minorities.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/oversample_minorities.tsv"
    conda:
        "../envs/oversample.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 100),
        runtime=20,
    params:
        cfg=stage_cfg("oversample", "aug"),
        code=code_hash("oversample_minorities"),
    message:
        "Oversampling rare classes of {wildcards.dataset} ({wildcards.aug}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/oversample_minorities.py"
