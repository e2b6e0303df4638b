rule plot_run:
    input:
        unpack(figure_input),
        cells="results/<preprocess>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        clusters="results/<run>/clusters.csv",
        extras="results/<run>/extras",
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
        code=code_hash("plot_run", *captions.modules()),
    message:
        "Figures of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/plot_run.py"


# What analyses over a dataset show, before anything is clustered.
rule plot_dataset:
    input:
        dataset_figure_input,
    output:
        report(
            directory("results/<dataset>/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/dataset.rst",
            category="Quality",
            subcategory="{dataset}",
            labels={"what": "{figure}"},
        ),
    log:
        "results/logs/<dataset>/plot_dataset.log",
    benchmark:
        "results/benchmarks/<dataset>/plot_dataset.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.slices),
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 15),
        runtime=minutes(20),
    params:
        captions=captions.captions("dataset"),
        pdf=config.get("pdf", False),
        code=code_hash("plot_dataset", *captions.modules("dataset")),
    message:
        "Figures of {wildcards.dataset}"
    script:
        "../workflow_scripts/plot_dataset.py"
