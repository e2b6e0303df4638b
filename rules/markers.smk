rule find_markers:
    input:
        unpack(learnt_importance),
        cells="<prep>/cells.h5ad",
        clusters="<run>/clusters.csv",
    output:
        "<run>/markers.csv",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/find_markers.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/find_markers.tsv"
    conda:
        "../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=20,
    params:
        code=code_hash("find_markers"),
    message:
        "Marker proteins of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/find_markers.py"
