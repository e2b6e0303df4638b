rule assign_pseudolabels:
    input:
        unpack(first_labels_input),
    output:
        "results/<pseudolabels>/pseudolabels.csv",
    log:
        "results/logs/<pseudolabels>/assign_pseudolabels.log",
    benchmark:
        "results/benchmarks/<pseudolabels>/assign_pseudolabels.tsv"
    conda:
        "../envs/pseudolabels.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 30),
        runtime=minutes(30),
    params:
        cfg=stage_cfg("pseudolabels"),
        code=code_hash("assign_pseudolabels"),
    message:
        "First labels of {wildcards.dataset} ({wildcards.pseudolabels}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/assign_pseudolabels.py"
