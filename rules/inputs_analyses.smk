"""Input, params and resource functions of analyses; no rule."""

from spclust.plan import analyses, analysis_files, first_defaults


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
    # no word of the report is compared
    captions = first_defaults.Compared(captions, silent_at=captions)
    return {
        "captions": captions,
        "columns": card.columns,
        "module": card.module,
        "optional": [n for n, entry in card.writes.items() if entry.get("optional")],
    }


def analysis_memory(wildcards, input, attempt):
    """MB from input size and attempt, by the card."""
    wanted = {"base": 1000, "per_input_mb": 30} | analysis_of(wildcards).memory_mb
    return int((wanted["base"] + wanted["per_input_mb"] * size_mb(input)) * attempt)


def analysis_runtime(wildcards, attempt):
    """Minutes by attempt, by the card."""
    return analysis_of(wildcards).runtime * attempt


def analysis_env(wildcards):
    """Environment of the recipe."""
    return f"{PROJECT}/envs/{analysis_of(wildcards).environment}.yaml"


def analysis_code(wildcards):
    """Params function: fingerprint of the recipe and what it uses."""
    return code_of("analyse", analysis_of(wildcards).module)


def over(*levels, summary=False):
    """Pattern of the folders of all analyses of some levels, with their settings."""
    cards = PLAN.analysis_cards.values()
    names = [c.name for c in cards if c.over in levels and (c.summary or not summary)]
    return "|".join(f"{name}(?:-{stages.NAME})?" for name in names) or "(?!)"


def cohort_of(wildcards):
    """What an analysis over all runs reads, and what each run is called."""
    tables = {name: knowledge(name) for name in ("proteins", "signatures")}
    return analysis_files.of_runs(analysis_of(wildcards), PLAN, tables)


def tables_of_cells(wildcards):
    """What the runs of a dataset say of each cell."""
    return analysis_files.of_cells(PLAN, wildcards.dataset)


ANNOTATED = [name for name in PLAN.slices if analysis_files.of_cells(PLAN, name)]

LEVELS = ("dataset", "space", "run", "cohort")

# tables that the report shows, whichever analysis writes them
REPORTED = [
    f"{{table,{Path(file).stem}}}{Path(file).suffix}"
    for card in PLAN.analysis_cards.values()
    for file in card.report
]
