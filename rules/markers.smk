rule find_markers:
    input:
        cells="results/<preprocess>/cells.h5mu",
        clusters="results/<run>/clusters.csv",
        extras="results/<run>/extras",
    output:
        "results/<run>/markers.csv",
    log:
        "results/logs/<run>/find_markers.log",
    benchmark:
        "results/benchmarks/<run>/find_markers.tsv"
    conda:
        "../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 40),
        runtime=minutes(20),
    params:
        code=code_hash("find_markers"),
    message:
        "Marker proteins of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/find_markers.py"


rule name_clusters:
    input:
        markers="results/<run>/markers.csv",
        clusters="results/<run>/clusters.csv",
        proteins=knowledge("proteins"),
        signatures=knowledge("signatures"),
    output:
        report(
            "results/<run>/cluster_names.csv",
            caption="../config/captions/names.rst",
            category="Runs",
            subcategory="{dataset}",
            labels=name_labels,
        ),
    log:
        "results/logs/<run>/name_clusters.log",
    benchmark:
        "results/benchmarks/<run>/name_clusters.tsv"
    conda:
        "../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 20),
        runtime=minutes(10),
    params:
        code=code_hash("name_clusters"),
    message:
        "Names for the clusters of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/name_clusters.py"
