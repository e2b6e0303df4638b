"""Collect the scores of a study's runs, beside those that the paper printed."""

from spclust.comparison import code_page, study
from spclust.comparison import results as comparison
from spclust.comparison import settings_page as comparison_settings
from spclust.comparison import values as comparison_values
from spclust.data import scores as reporting
from spclust.data.atomic import atomic, write_json, write_table
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule) as log:
    facts, out = snakemake.params.cfg, snakemake.output
    kept = comparison_values.read(facts["kept"])
    results = comparison.read(facts["results"], kept=kept, absent=facts["absent"])
    table = study.tabulate(results.scores, facts)
    write_table(reporting.rounded(table), out.table)
    pages = {
        out.page: study.page(table, facts),
        out.settings_page: comparison_settings.page(facts),
        out.code_page: code_page.page(results, facts),
    }
    for path, text in pages.items():
        with atomic(path) as temporary:
            temporary.write_text(text)
    for name, values in zip(("runs", "classes"), comparison_values.tables(results)):
        write_table(values, out[name])
    write_json(facts["settings"], out.settings)
    log.info("the study is in %s", out.page, extra={"for_user": True})
