# Drawn in the embedding a method learnt, or in that of the proteins where it learnt none.
rule embed_run:
    input:
        "<run>/embedding.npy",
    output:
        "<run>/umap.npy",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/embed_run.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/embed_run.tsv"
    conda:
        "../envs/graphs.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 200),
        runtime=60,
    params:
        code=code_hash("embed_umap"),
    message:
        "UMAP of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/embed_umap.py"


use rule embed_run as embed_cells with:
    input:
        "<prep>/cells.h5ad",
    output:
        "<replicate>/umap.npy",
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/embed_cells.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/embed_cells.tsv"
    message:
        "UMAP of the proteins of {wildcards.dataset} (seed {wildcards.seed})"


rule plot_run:
    input:
        unpack(run_files),
        cells="<prep>/cells.h5ad",
        clusters="<run>/clusters.csv",
        markers="<run>/markers.csv",
    output:
        report(
            directory("<run>/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/run.rst",
            category="Runs",
            subcategory="{dataset}",
            labels=run_labels,
        ),
    log:
        "<log>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/plot_run.log",
    benchmark:
        "<bench>/{dataset}/prep-{prep}/seed-{seed}/{chain}method-{method}/plot_run.tsv"
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=20,
    params:
        # shown in the captions of the report; all of it reruns an earlier stage too
        cfg=run_cfg,
        code=code_hash("plot_run"),
    message:
        "Figures of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/plot_run.py"


rule plot_summary:
    input:
        "results/summary/metrics.tsv",
    output:
        report(
            directory("results/summary/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/metrics.rst",
            category="Summary",
            labels={"what": "{figure}"},
        ),
    log:
        "<log>/summary/plot_summary.log",
    benchmark:
        "<bench>/summary/plot_summary.tsv"
    localrule: True
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        cfg={
            "controls": sorted(
                {r.method for _, r, _ in PLAN.results if PLAN.is_control(r.method)}
            )
        },
        code=code_hash("plot_summary"),
    message:
        "Figures over all runs"
    script:
        "../workflow_scripts/plot_summary.py"
