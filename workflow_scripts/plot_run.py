"""Draw every figure of one run."""

import numpy as np
import pandas as pd

from spclust import contracts, logs, plots

with logs.job(snakemake.log[0], snakemake.rule):
    balanced, history = (snakemake.input.get(name) for name in ("balanced", "history"))
    plots.plot_run(
        snakemake.output[0],
        cells=contracts.read_cells(snakemake.input.cells, "prepared"),
        clusters=contracts.read_table(snakemake.input.clusters, ["cluster", "confidence"], "train"),
        umap=np.load(snakemake.input.umap),
        markers=pd.read_csv(snakemake.input.markers, dtype={"protein": str}),
        balanced=None if balanced is None else contracts.read_cells(balanced, "balanced"),
        history=None if history is None else pd.read_csv(history),
    )
