"""What is made of clusters: a rule a level, whatever the analysis."""

from spclust.plan import analyses, analysis_files


def analysis_of(wildcards):
    """Card of the analysis that a folder is of."""
    return PLAN.analysis_cards[analyses.parted(wildcards.analysis)[0]]


def analysis_input(wildcards):
    """Input function: what the card says the analysis needs."""
    tables = {name: knowledge(name) for name in ("proteins", "signatures")}
    return analysis_files.inputs(
        analysis_of(wildcards), PLAN, dict(wildcards.items()), tables
    )


def analysis_about(wildcards):
    """Params function: what the analysis is of, and which tables others add to the export."""
    about = {
        key: wildcards[key] for key in ("dataset", "seed") if key in wildcards.keys()
    }
    if "method" in wildcards.keys():
        about["method"] = PLAN.card(wildcards.method).name
    if "additions" in analysis_of(wildcards).needs:
        about["adds"] = {c.name: c.adds for c in PLAN.analysis_cards.values() if c.adds}
        about["multimodal"] = PLAN.is_multimodal(wildcards.dataset)
    return dict(sorted(about.items()))


def analysis_card(wildcards):
    """Params function: where the recipe is, columns of its tables and their captions."""
    card = analysis_of(wildcards)
    captions = {Path(file).stem: text for file, text in card.report.items()}
    return {"captions": captions, "columns": card.columns, "module": card.module}


def analysis_memory(wildcards, input, attempt):
    """MB from input size and attempt, by the card."""
    wanted = {"base": 1000, "per_input_mb": 30} | analysis_of(wildcards).memory_mb
    return int((wanted["base"] + wanted["per_input_mb"] * size_mb(input)) * attempt)


def analysis_runtime(wildcards, attempt):
    """Minutes by attempt, by the card."""
    return analysis_of(wildcards).runtime * attempt


def analysis_env(wildcards):
    """Environment of the recipe."""
    return str(
        Path(workflow.basedir) / f"envs/{analysis_of(wildcards).environment}.yaml"
    )


def analysis_code(wildcards):
    """Params function: fingerprint of the recipe and what it uses."""
    return code_of("analyse", analysis_of(wildcards).module)


def table_labels(wildcards):
    """Labels function of the report: what tells a table of a run from the others."""
    return run_labels(wildcards) | {"figure": wildcards.table}


def over(*levels, summary=False):
    """Pattern of the folders of all analyses of some levels, with their settings."""
    cards = PLAN.analysis_cards.values()
    names = [c.name for c in cards if c.over in levels and (c.summary or not summary)]
    return "|".join(f"{name}(?:-{stages.NAME})?" for name in names) or "(?!)"


LEVELS = ("dataset", "space", "run", "cohort")

# tables that the report shows, whichever analysis writes them
REPORTED = [
    f"{{table,{Path(file).stem}}}{Path(file).suffix}"
    for card in PLAN.analysis_cards.values()
    for file in card.report
]


rule analyse_run:
    input:
        unpack(analysis_input),
    output:
        report(
            directory("results/<run>/{analysis}"),
            patterns=REPORTED,
            caption="../config/captions/table.rst",
            category="Runs",
            subcategory="{dataset}",
            labels=table_labels,
        ),
    log:
        "results/logs/<run>/{analysis}.log",
    benchmark:
        "results/benchmarks/<run>/{analysis}.tsv"
    wildcard_constraints:
        analysis=over("run", "space"),
    conda:
        analysis_env
    threads: 1
    resources:
        mem_mb=analysis_memory,
        runtime=analysis_runtime,
    params:
        cfg=lambda wildcards: PLAN.analysis_cfg(wildcards.analysis),
        about=analysis_about,
        card=analysis_card,
        code=analysis_code,
    message:
        "{wildcards.analysis} of {wildcards.method} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/analyse.py"


# Of the features of a dataset and a seed, shared by all methods that learnt no embedding.
use rule analyse_run as analyse_space with:
    output:
        directory("results/<replicate>/{analysis}"),
    log:
        "results/logs/<replicate>/{analysis}.log",
    benchmark:
        "results/benchmarks/<replicate>/{analysis}.tsv"
    wildcard_constraints:
        analysis=over("space"),
    message:
        "{wildcards.analysis} of {wildcards.dataset} (seed {wildcards.seed})"


use rule analyse_run as analyse_dataset with:
    output:
        directory("results/<dataset>/{analysis}"),
    log:
        "results/logs/<dataset>/{analysis}.log",
    benchmark:
        "results/benchmarks/<dataset>/{analysis}.tsv"
    wildcard_constraints:
        analysis=over("dataset"),
    message:
        "{wildcards.analysis} of {wildcards.dataset}"


# The labels that a model of another dataset gave are scored like a run's.
use rule analyse_run as analyse_transfer with:
    input:
        cells="results/<transferred>/cells.h5mu",
        labels="results/<dataset>/labels.csv",
        clusters="results/<transferred>/clusters.csv",
        embedding="results/<transferred>/embedding.npz",
    output:
        directory("results/<transferred>/{analysis}"),
    log:
        "results/logs/<transferred>/{analysis}.log",
    benchmark:
        "results/benchmarks/<transferred>/{analysis}.tsv"
    wildcard_constraints:
        analysis="metrics",
    message:
        "{wildcards.analysis} of {wildcards.dataset} labelled from {wildcards.source}"
