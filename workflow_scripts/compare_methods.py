"""Compare runs of many methods: tables of scores, rare classes and costs, and tests."""

from pathlib import Path

from spclust import comparison, comparison_text, contracts, logs, reporting, significance

with logs.job(snakemake.log[0], snakemake.rule) as log:
    cfg, out = snakemake.params.cfg, snakemake.output
    results = comparison.read(cfg["results"], cfg["controls"])
    notes = comparison_text.notes(results, cfg["label_origin"], cfg["absent"])
    seeds = results.planned["seed"].unique()
    scores, rare = comparison.score_table(results), comparison.rare_class_table(results)
    costs = comparison.cost_table(results)
    ranks, friedman, pairs = significance.compare(results.scores, comparison.compared(scores))
    tables = {
        "scores": scores, "rare_classes": rare, "costs": costs,
        "average_ranks": ranks, "friedman": friedman, "wilcoxon": pairs,
    }  # fmt: skip
    for name, table in tables.items():
        contracts.write_table(reporting.rounded(table), out[name])
    pages = {
        out.scores_page: comparison_text.scores(scores, ranks, seeds, notes),
        out.rare_classes_page: comparison_text.rare_classes(rare, seeds, notes),
        out.costs_page: comparison_text.costs(costs, seeds, notes),
    }
    for path, text in pages.items():
        with contracts.atomic(path) as temporary:
            temporary.write_text(text)
    summary = comparison_text.in_short(ranks)
    log.info("tables in %s; %s", Path(out.scores).parent, summary, extra={"for_user": True})
