# All runs of a configuration compared. In results/benchmark stand all whose slice is here; in
# results/benchmark_so_far those that are finished, the cells of the others left empty.
rule compare_methods:
    input:
        unpack(benchmark_files),
    output:
        scores=report(
            "results/{extent}/scores.tsv",
            caption="../config/captions/benchmark.rst",
            category="Benchmark",
            labels={"what": "scores"},
        ),
        rare_classes=report(
            "results/{extent}/rare_classes.tsv",
            caption="../config/captions/benchmark.rst",
            category="Benchmark",
            labels={"what": "rare classes"},
        ),
        costs=report(
            "results/{extent}/costs.tsv",
            caption="../config/captions/benchmark.rst",
            category="Benchmark",
            labels={"what": "costs"},
        ),
        scores_page="results/{extent}/scores.md",
        rare_classes_page="results/{extent}/rare_classes.md",
        costs_page="results/{extent}/costs.md",
        average_ranks="results/{extent}/average_ranks.tsv",
        friedman="results/{extent}/friedman.tsv",
        wilcoxon="results/{extent}/wilcoxon.tsv",
    log:
        "<log>/{extent}/compare_methods.log",
    benchmark:
        "<bench>/{extent}/compare_methods.tsv"
    wildcard_constraints:
        extent="benchmark|benchmark_so_far",
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        cfg=benchmark_cfg,
        code=code_hash("compare_methods"),
    message:
        "Comparing the methods"
    script:
        "../workflow_scripts/compare_methods.py"


rule plot_benchmark:
    input:
        scores="results/{extent}/scores.tsv",
        rare_classes="results/{extent}/rare_classes.tsv",
        costs="results/{extent}/costs.tsv",
        average_ranks="results/{extent}/average_ranks.tsv",
        friedman="results/{extent}/friedman.tsv",
        wilcoxon="results/{extent}/wilcoxon.tsv",
    output:
        report(
            directory("results/{extent}/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/benchmark.rst",
            category="Benchmark",
            labels={"what": "{figure}"},
        ),
    log:
        "<log>/{extent}/plot_benchmark.log",
    benchmark:
        "<bench>/{extent}/plot_benchmark.tsv"
    wildcard_constraints:
        extent="benchmark|benchmark_so_far",
    localrule: True
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_hash("plot_benchmark"),
    message:
        "Figures of the comparison"
    script:
        "../workflow_scripts/plot_benchmark.py"
