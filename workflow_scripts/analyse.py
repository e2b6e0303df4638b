"""Carry out an analysis of a run, a space, a dataset or the whole cohort of runs."""

from spclust.analyses import task as analyses
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    params = snakemake.params
    card = dict(params.card)
    runs = [
        analyses.Task(files=found["files"], settings=params.cfg, about=found["about"])
        for found in params.get("runs", ())
    ]
    files = {} if runs else dict(snakemake.input.items())
    task = analyses.Task(files, params.cfg, params.about, runs)
    analyses.run(card["module"], task, snakemake.output[0], card["columns"])
