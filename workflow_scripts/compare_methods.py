"""Compare runs of many methods: tables of scores, rare classes and costs, and tests."""

from pathlib import Path

from spclust import (
    comparison,
    comparison_summary,
    comparison_text,
    comparison_values,
    contracts,
    logs,
    reporting,
    significance,
)

with logs.job(snakemake.log[0], snakemake.rule) as log:
    cfg, out, about = snakemake.params.cfg, snakemake.output, snakemake.params.cfg["about"]
    kinds, studies = ({name: said[key] for name, said in about.items() if key in said}
                      for key in ("label_kind", "study"))  # fmt: skip
    folder = Path(snakemake.input.kept[0]).parent if cfg["kept"] else None
    kept = comparison_values.read(folder, cfg["kept"])
    results = comparison.read(cfg["results"], cfg["controls"], kinds, cfg["groups"], kept)
    notes = comparison_text.notes(results, about, cfg["absent"], cfg["prepared"])
    seeds = results.planned["seed"].unique()
    scores, rare = comparison.score_table(results), comparison.rare_class_table(results)
    costs = comparison.cost_table(results)
    ranks, overall, pairs = significance.compare(scores, cfg["references"], studies)
    runs, classes = comparison_values.tables(results)
    tables = {
        "scores": scores, "rare_classes": rare, "costs": costs, "runs": runs, "classes": classes,
        "average_ranks": ranks, "friedman": overall, "differences": pairs,
    }  # fmt: skip
    for name, table in tables.items():
        contracts.write_table(reporting.rounded(table), out[name])
    contracts.write_json(cfg["settings"], out.settings)
    parts = comparison_summary.parts(cfg["parts"], runs)
    pages = {
        out.scores_page: comparison_text.scores(scores, ranks, seeds, notes),
        out.differences_page: comparison_text.differences(pairs, overall, notes),
        out.rare_classes_page: comparison_text.rare_classes(rare, seeds, notes),
        out.costs_page: comparison_text.costs(costs, seeds, notes),
        out.summary_page: comparison_summary.page(
            parts, comparison_summary.paragraphs(scores, ranks, pairs), cfg["other_settings"]
        ),
    }
    for path, text in pages.items():
        with contracts.atomic(path) as temporary:
            temporary.write_text(text)
    summary = comparison_text.in_short(ranks)
    log.info("tables in %s; %s", Path(out.scores).parent, summary, extra={"for_user": True})
