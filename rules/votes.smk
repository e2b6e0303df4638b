rule vote_labels:
    input:
        measured="results/<dataset>/cells.h5mu",
        cells="results/<preprocess>/cells.h5mu",
        n_clusters=nearest("n_clusters.json"),
        proteins=knowledge("proteins"),
        signatures=knowledge("signatures"),
    output:
        arrays="results/<votes>/votes.npz",
        cells="results/<votes>/votes.csv",
        members="results/<votes>/members.csv",
        cost="results/<votes>/votes_cost.json",
    log:
        "results/logs/<votes>/vote_labels.log",
    benchmark:
        "results/benchmarks/<votes>/vote_labels.tsv"
    conda:
        "../envs/votes.yaml"
    threads: 1
    resources:
        mem_mb=memory(2500, 20),
        runtime=minutes(60),
    params:
        cfg=stage_cfg("votes"),
        code=code_hash("vote_labels"),
    message:
        "Votes on {wildcards.dataset} ({wildcards.votes}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/vote_labels.py"
