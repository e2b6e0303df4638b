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
    """Params function: what the analysis is of."""
    return analysis_files.about(analysis_of(wildcards), PLAN, dict(wildcards.items()))


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
