# The table and the figure that the configuration's key `study` asks for.
rule study:
    input:
        study_files,


rule tabulate_study:
    input:
        lambda wildcards: study_plan.files(PLAN),
    output:
        table=report(
            "results/studies/{study}/table.tsv",
            caption="../config/captions/study.rst",
            category="Studies",
            labels={"what": "{study}, table"},
        ),
        page="results/studies/{study}/table.md",
    log:
        "results/logs/studies/{study}/tabulate_study.log",
    benchmark:
        "results/benchmarks/studies/{study}/tabulate_study.tsv"
    wildcard_constraints:
        study=stages.NAME,
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 20),
        runtime=minutes(10),
    params:
        cfg=study_cfg,
        code=code_hash("tabulate_study"),
    message:
        "Table of the study {wildcards.study}"
    script:
        "../workflow_scripts/tabulate_study.py"


rule plot_study:
    input:
        "results/studies/{study}/table.tsv",
    output:
        report(
            directory("results/studies/{study}/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/study.rst",
            category="Studies",
            labels={"what": "{study}, figure"},
        ),
    log:
        "results/logs/studies/{study}/plot_study.log",
    benchmark:
        "results/benchmarks/studies/{study}/plot_study.tsv"
    wildcard_constraints:
        study=stages.NAME,
    localrule: True
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 0),
        runtime=minutes(10),
    params:
        cfg=study_cfg,
        code=code_hash("plot_study"),
    message:
        "Figure of the study {wildcards.study}"
    script:
        "../workflow_scripts/plot_study.py"
