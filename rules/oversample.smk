rule oversample_minorities:
    input:
        cells=nearest("cells.h5mu"),
        pseudolabels=nearest("pseudolabels.csv"),
    output:
        "results/<oversample>/cells.h5mu",
    log:
        "results/logs/<oversample>/oversample_minorities.log",
    benchmark:
        "results/benchmarks/<oversample>/oversample_minorities.tsv"
    conda:
        "../envs/oversample.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 30),
        runtime=minutes(20),
    params:
        cfg=stage_cfg("oversample"),
        code=code_hash("oversample_minorities"),
    message:
        "Oversampling rare classes of {wildcards.dataset} ({wildcards.oversample}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/oversample_minorities.py"
