# Methods that work on both graphs of the balanced slice.
rule train:
    input:
        cells="<aug>/balanced.h5ad",
        graphs="<graph>/graphs.npz",
        n_clusters="<prep>/n_clusters.json",
    output:
        clusters="<graph>/method-{method}/clusters.csv",
        embedding="<graph>/method-{method}/embedding.npy",
        cost="<graph>/method-{method}/cost.json",
        history="<graph>/method-{method}/history.csv",
        fusion="<graph>/method-{method}/fusion_weights.csv",
        importance="<graph>/method-{method}/protein_importance.csv",
        model="<graph>/method-{method}/model.pt",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/graph-{graph}/method-{method}/train.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/graph-{graph}/method-{method}/train.tsv"
    conda:
        method_env
    threads: 4
    resources:
        mem_mb=memory(2500, 150),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=int(USES_GPU),
    params:
        cfg=method_cfg,
        code=method_code("train"),
    message:
        "Training {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/train.py"


# Methods that need cells only: the original ones ...
rule cluster_cells:
    input:
        cells="<prep>/cells.h5ad",
        n_clusters="<prep>/n_clusters.json",
    output:
        clusters="<replicate>/method-{method}/clusters.csv",
        embedding="<replicate>/method-{method}/embedding.npy",
        cost="<replicate>/method-{method}/cost.json",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/method-{method}/cluster_cells.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/method-{method}/cluster_cells.tsv"
    conda:
        method_env
    threads: lambda wildcards: 4 if PLAN.trains(wildcards.method) else 1
    resources:
        mem_mb=method_memory,
        runtime=120,
        gpu=lambda wildcards: int(USES_GPU and PLAN.on_gpu(wildcards.method)),
    params:
        cfg=method_cfg,
        code=method_code("cluster_cells"),
    message:
        "Clustering {wildcards.dataset} with {wildcards.method} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/cluster_cells.py"


# ... or the oversampled ones (Spa-CSMOTE as a plug-in).
use rule cluster_cells as cluster_balanced with:
    input:
        cells="<aug>/balanced.h5ad",
        n_clusters="<prep>/n_clusters.json",
    output:
        clusters="<aug>/method-{method}/clusters.csv",
        embedding="<aug>/method-{method}/embedding.npy",
        cost="<aug>/method-{method}/cost.json",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/method-{method}/cluster_balanced.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/labels-{labels}/aug-{aug}/method-{method}/cluster_balanced.tsv"
    message:
        "Clustering oversampled {wildcards.dataset} with {wildcards.method} (seed {wildcards.seed})"
