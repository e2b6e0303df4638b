from snakemake.utils import min_version

min_version("9.12")


configfile: "config/config.yaml"


# Each stage's folder lies inside its upstream's, keyed by the name of a setting: two settings
# stand side by side, share everything above them, and a path tells its lineage.
pathvars:
    slice="results/{dataset}",
    prep="<slice>/prep-{prep}",
    replicate="<prep>/seed-{seed}",
    labels="<replicate>/labels-{labels}",
    aug="<labels>/aug-{aug}",
    graph="<aug>/graph-{graph}",
    # any method's folder, whatever stages it needed
    run="<replicate>/{chain}method-{method}",
    log="results/logs",
    bench="results/benchmarks",


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/data.smk"
include: "rules/preprocess.smk"
include: "rules/pseudolabels.smk"
include: "rules/oversample.smk"
include: "rules/graphs.smk"
include: "rules/cluster.smk"
include: "rules/evaluate.smk"
include: "rules/markers.smk"
include: "rules/plots.smk"
include: "rules/export.smk"
include: "rules/benchmark_inputs.smk"
include: "rules/benchmark.smk"


# After the rules: constraints given before are lost where pathvars are filled in.
wildcard_constraints:
    dataset=NAME,
    prep=NAME,
    labels=NAME,
    aug=NAME,
    graph=NAME,
    method=NAME,
    seed="[0-9]+",
    chain=f"(labels-{NAME}/aug-{NAME}/(graph-{NAME}/)?)?",


report: "config/captions/workflow.rst"


rule all:
    default_target: True
    input:
        per_run("markers.csv", controls=False),
        per_run("figures", controls=False),
        per_run("clustered.h5ad", controls=False),
        "results/summary/metrics_mean.tsv",
        "results/summary/figures",


rule metrics:
    input:
        "results/summary/metrics_mean.tsv",


rule benchmark:
    input:
        "results/benchmark/scores.md",
        "results/benchmark/figures",


# After runs that failed: the tables of those that did not.
rule benchmark_so_far:
    input:
        "results/benchmark_so_far/scores.md",
        "results/benchmark_so_far/figures",


onsuccess:
    print(
        "\nDone. Tables and figures over all runs: results/summary (the targets benchmark and "
        "benchmark_so_far: a folder of that name)"
    )


onerror:
    print(
        "\nSomething failed; the cause is in the ERROR lines above, the traceback in the log named there."
    )
