# The table and the figure that the configuration's key `study` asks for.
rule study:
    input:
        study_files("studies"),


# The same of the runs that are there.
rule study_so_far:
    input:
        study_files("studies_so_far"),


rule tabulate_study:
    input:
        unpack(study_runs),
    output:
        table=report(
            "results/{extent}/{study}/table.tsv",
            caption="../config/captions/study.rst",
            category="Studies",
            labels={"what": "{study}, table"},
        ),
        page="results/{extent}/{study}/table.md",
        settings_page="results/{extent}/{study}/settings.md",
        code_page="results/{extent}/{study}/code.md",
        runs="results/{extent}/{study}/runs.tsv",
        classes="results/{extent}/{study}/classes.tsv",
        settings="results/{extent}/{study}/settings.json",
    log:
        "results/logs/{extent}/{study}/tabulate_study.log",
    benchmark:
        "results/benchmarks/{extent}/{study}/tabulate_study.tsv"
    wildcard_constraints:
        extent="studies|studies_so_far",
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
        "results/{extent}/{study}/table.tsv",
    output:
        report(
            directory("results/{extent}/{study}/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/study.rst",
            category="Studies",
            labels={"what": "{study}, figure"},
        ),
    log:
        "results/logs/{extent}/{study}/plot_study.log",
    benchmark:
        "results/benchmarks/{extent}/{study}/plot_study.tsv"
    wildcard_constraints:
        extent="studies|studies_so_far",
        study=stages.NAME,
    localrule: True
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 0),
        runtime=minutes(10),
    params:
        cfg=study_layout,
        pdf=config.get("pdf", False),
        code=code_hash("plot_study"),
    message:
        "Figure of the study {wildcards.study}"
    script:
        "../workflow_scripts/plot_study.py"
