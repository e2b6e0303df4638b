# Beside the cells, not in them: what is said of an image trains nothing.
rule check_samples:
    input:
        cells="results/<dataset>/cells.h5mu",
        sheet=sheet_of_samples,
    output:
        "results/<dataset>/samples.csv",
    log:
        "results/logs/<dataset>/check_samples.log",
    benchmark:
        "results/benchmarks/<dataset>/check_samples.tsv"
    wildcard_constraints:
        dataset=one_of(SAMPLED),
    localrule: True
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 5),
        runtime=minutes(10),
    params:
        code=code_hash("check_samples"),
    message:
        "Holding the sheet of samples of {wildcards.dataset} against its images"
    script:
        "../workflow_scripts/check_samples.py"


# The sheets of all datasets that have one, below each other.
rule summarise_samples:
    input:
        [f"results/{dataset}/samples.csv" for dataset in SAMPLED],
    output:
        report(
            "results/summary/samples.tsv",
            caption="../config/captions/samples.rst",
            category="Summary",
            labels={"what": "samples"},
        ),
    log:
        "results/logs/summary/summarise_samples.log",
    benchmark:
        "results/benchmarks/summary/summarise_samples.tsv"
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 0),
        runtime=minutes(10),
    params:
        cfg={"datasets": SAMPLED},
        code=code_hash("summarise_samples"),
    message:
        "Collecting the sheets of samples"
    script:
        "../workflow_scripts/summarise_samples.py"
