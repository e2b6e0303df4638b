"""Carry out an analysis of a run, a space, a dataset or the whole cohort of runs."""

from spclust.analyses import task as analyses
from spclust.engine import logs

with logs.job(snakemake.log[0], snakemake.rule):
    params, files, runs = snakemake.params, dict(snakemake.input.items()), []
    of_all = iter(snakemake.input)
    for run in params.get("runs", ()):
        own = {
            need: next(of_all) if count is None else [next(of_all) for _ in range(count)]
            for need, count in run["needs"].items()
        }
        runs.append(analyses.Task(own, params.cfg, run["about"]))
    task = analyses.Task(files, params.cfg, params.about, runs)
    card = params.card
    analyses.run(card["module"], task, snakemake.output[0], card["columns"], card["optional"])
