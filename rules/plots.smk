# Drawn in the embedding a method learnt, or in that of the features where it learnt none.
rule embed_run:
    input:
        "results/<run>/embedding.npz",
    output:
        "results/<run>/umap.npz",
    log:
        "results/logs/<run>/embed_run.log",
    benchmark:
        "results/benchmarks/<run>/embed_run.tsv"
    conda:
        "../envs/graphs.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 20),
        runtime=minutes(60),
    params:
        code=code_hash("embed_umap"),
    message:
        "UMAP of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/embed_umap.py"


use rule embed_run as embed_cells with:
    input:
        "results/<preprocess>/cells.h5mu",
    output:
        "results/<replicate>/umap.npz",
    log:
        "results/logs/<replicate>/embed_cells.log",
    benchmark:
        "results/benchmarks/<replicate>/embed_cells.tsv"
    message:
        "UMAP of the features of {wildcards.dataset} (seed {wildcards.seed})"


rule plot_run:
    input:
        unpack(figure_input),
        cells="results/<preprocess>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        clusters="results/<run>/clusters.csv",
        markers="results/<run>/markers.csv",
        names="results/<run>/cluster_names.csv",
        extras="results/<run>/extras",
        umap=umap_of_run,
    output:
        report(
            directory("results/<run>/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/run.rst",
            category="Runs",
            subcategory="{dataset}",
            labels=report_labels,
        ),
    log:
        "results/logs/<run>/plot_run.log",
    benchmark:
        "results/benchmarks/<run>/plot_run.tsv"
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 15),
        runtime=minutes(20),
    params:
        # shown in the captions of the report; all of the settings rerun an earlier stage too
        cfg=shown_settings,
        captions=captions.captions(),
        pdf=config.get("pdf", False),
        code=code_hash("plot_run", *modules_in("plots/figures")),
    message:
        "Figures of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/plot_run.py"
