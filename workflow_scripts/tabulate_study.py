"""Collect the scores of a study's runs, beside those that the paper printed."""

import pandas as pd

from spclust import contracts, logs, reporting, study

with logs.job(snakemake.log[0], snakemake.rule) as log:
    facts, out = snakemake.params.cfg, snakemake.output
    scores = [pd.read_csv(path, sep="\t", dtype={"slice": str}) for path in snakemake.input]
    table = study.tabulate(scores, facts)
    contracts.write_table(reporting.rounded(table), out.table)
    with contracts.atomic(out.page) as temporary:
        temporary.write_text(study.page(table, facts))
    log.info("the study is in %s", out.page, extra={"for_user": True})
