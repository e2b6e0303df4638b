# All runs of a configuration compared, or with --config part=<name> those of a part beside what is
# there of the others. In results/comparison stand all whose slice is here.
rule comparison:
    input:
        "results/comparison/scores.md",
        "results/comparison/figures",


# After runs that failed: the tables of those that did not, the cells of the others left empty.
rule comparison_so_far:
    input:
        "results/comparison_so_far/scores.md",
        "results/comparison_so_far/figures",


rule compare_methods:
    input:
        unpack(compared_files),
    output:
        scores=reported("scores"),
        rare_classes=reported("rare_classes"),
        costs=reported("costs"),
        scores_page="results/{extent}/scores.md",
        rare_classes_page="results/{extent}/rare_classes.md",
        costs_page="results/{extent}/costs.md",
        differences_page="results/{extent}/differences.md",
        average_ranks="results/{extent}/average_ranks.tsv",
        friedman="results/{extent}/friedman.tsv",
        differences="results/{extent}/differences.tsv",
        summary_page="results/{extent}/summary.md",
        settings_page="results/{extent}/settings.md",
        code_page="results/{extent}/code.md",
        runs="results/{extent}/runs.tsv",
        classes="results/{extent}/classes.tsv",
        settings="results/{extent}/settings.json",
    log:
        "results/logs/{extent}/compare_methods.log",
    benchmark:
        "results/benchmarks/{extent}/compare_methods.tsv"
    wildcard_constraints:
        extent="comparison|comparison_so_far",
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 0),
        runtime=minutes(10),
    params:
        cfg=comparison_cfg,
        code=code_hash("compare_methods"),
    message:
        "Comparing the methods"
    script:
        "../workflow_scripts/compare_methods.py"


rule plot_comparison:
    input:
        scores="results/{extent}/scores.tsv",
        rare_classes="results/{extent}/rare_classes.tsv",
        costs="results/{extent}/costs.tsv",
        average_ranks="results/{extent}/average_ranks.tsv",
        friedman="results/{extent}/friedman.tsv",
        differences="results/{extent}/differences.tsv",
    output:
        report(
            directory("results/{extent}/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/comparison.rst",
            category="Comparison",
            labels={"what": "{figure}"},
        ),
    log:
        "results/logs/{extent}/plot_comparison.log",
    benchmark:
        "results/benchmarks/{extent}/plot_comparison.tsv"
    wildcard_constraints:
        extent="comparison|comparison_so_far",
    localrule: True
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 0),
        runtime=minutes(10),
    params:
        pdf=config.get("pdf", False),
        code=code_hash("plot_comparison"),
    message:
        "Figures of the comparison"
    script:
        "../workflow_scripts/plot_comparison.py"
