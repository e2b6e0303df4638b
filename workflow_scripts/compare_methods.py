"""Compare the runs of a benchmark: tables of scores, rare classes and costs, and tests."""

from pathlib import Path

from spclust import benchmark, benchmark_text, contracts, logs

with logs.job(snakemake.log[0], snakemake.rule) as log:
    cfg, out = snakemake.params.cfg, snakemake.output
    results = benchmark.read(cfg["results"], cfg["controls"])
    notes = benchmark_text.notes(results, cfg["label_origin"], cfg["absent"])
    seeds = results.planned["seed"].unique()
    scores, rare = benchmark.score_table(results), benchmark.rare_class_table(results)
    costs, (ranks, friedman, pairs) = (
        benchmark.cost_table(results),
        benchmark.tests(results, scores),
    )
    tables = {
        "scores": scores, "rare_classes": rare, "costs": costs,
        "average_ranks": ranks, "friedman": friedman, "wilcoxon": pairs,
    }  # fmt: skip
    for name, table in tables.items():
        contracts.write_table(benchmark.rounded(table), getattr(out, name))
    pages = {
        out.scores_page: benchmark_text.scores(scores, ranks, seeds, notes),
        out.rare_classes_page: benchmark_text.rare_classes(rare, seeds, notes),
        out.costs_page: benchmark_text.costs(costs, seeds, notes),
    }
    for path, text in pages.items():
        with contracts.atomic(path) as temporary:
            temporary.write_text(text)
    summary = benchmark_text.in_short(ranks)
    log.info("tables in %s; %s", Path(out.scores).parent, summary, extra={"for_user": True})
