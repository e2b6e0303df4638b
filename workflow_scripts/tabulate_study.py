"""Collect the scores of a study's runs, beside those that the paper printed."""

from spclust.comparison import results as comparison
from spclust.comparison import settings_page as comparison_settings
from spclust.comparison import study
from spclust.comparison import values as comparison_values
from spclust.data import contracts
from spclust.data import scores as reporting
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule) as log:
    facts, out = snakemake.params.cfg, snakemake.output
    kept = comparison_values.read(facts["kept"])
    results = comparison.read(facts["results"], kept=kept, absent=facts["absent"])
    table = study.tabulate(results.scores, facts)
    contracts.write_table(reporting.rounded(table), out.table)
    with contracts.atomic(out.page) as temporary:
        temporary.write_text(study.page(table, facts))
    with contracts.atomic(out.settings_page) as temporary:
        temporary.write_text(comparison_settings.page(facts))
    for name, values in zip(("runs", "classes"), comparison_values.tables(results)):
        contracts.write_table(values, out[name])
    contracts.write_json(facts["settings"], out.settings)
    log.info("the study is in %s", out.page, extra={"for_user": True})
