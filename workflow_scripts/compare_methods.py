"""Compare runs of many methods: tables of scores, rare classes and costs, and tests."""

from pathlib import Path

from spclust.comparison import report as comparison_report
from spclust.comparison import text as comparison_text
from spclust.data.atomic import atomic, write_json, write_table
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule) as log:
    facts, out = snakemake.params.cfg, snakemake.output
    results = comparison_report.read(facts)
    tables = comparison_report.tables(results, facts)
    for name, table in tables.items():
        write_table(table, out[name])
    for name, text in comparison_report.pages(results, tables, facts).items():
        with atomic(out[f"{name}_page"]) as temporary:
            temporary.write_text(text)
    write_json(facts["settings"], out.settings)
    summary = comparison_text.in_short(tables["average_ranks"])
    log.info("tables in %s; %s", Path(out.scores).parent, summary, extra={"for_user": True})
