rule plot_transfer:
    input:
        unpack(beside_transfer),
        cells="results/<transferred>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        clusters="results/<transferred>/clusters.csv",
        distance="results/<transferred>/distance.npz",
        source_clusters=of_source("clusters.csv"),
        source_labels="results/{source}/labels.csv",
    output:
        report(
            directory("results/<transferred>/figures"),
            patterns=["{figure}.png"],
            caption="../config/captions/transfer.rst",
            category="Transfers",
            subcategory="{dataset}",
            labels={"from": "{source}", "seed": "{seed}", "figure": "{figure}"},
        ),
    log:
        "results/logs/<transferred>/plot_transfer.log",
    benchmark:
        "results/benchmarks/<transferred>/plot_transfer.tsv"
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 60),
        runtime=minutes(20),
    params:
        pdf=config.get("pdf", False),
        code=code_hash("plot_transfer"),
    message:
        "Figure of the labels of {wildcards.dataset} from {wildcards.source}"
    script:
        "../workflow_scripts/plot_transfer.py"


rule summarise_transfers:
    input:
        unpack(summarised_transfers),
    output:
        report(
            "results/summary/transfers.tsv",
            caption="../config/captions/transfer.rst",
            category="Summary",
            labels={"what": "transfers"},
        ),
    log:
        "results/logs/summary/summarise_transfers.log",
    benchmark:
        "results/benchmarks/summary/summarise_transfers.tsv"
    localrule: True
    conda:
        "../envs/transfer.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 0),
        runtime=minutes(10),
    params:
        # which transfer each input belongs to, in their order, and whether a run stands beside it
        cfg={
            "transfers": [
                [
                    {"dataset": d, "source": source, "run": r.name, "seed": s},
                    own_run(d, r, s) is not None,
                ]
                for d, source, r, s in PLAN.transfers
            ]
        },
        code=code_hash("summarise_transfers"),
    message:
        "Collecting the transfers"
    script:
        "../workflow_scripts/summarise_transfers.py"
