"""Balance the classes with synthetic cells (Spa-CSMOTE)."""

from spclust import contracts, logs, oversample

with logs.job(snakemake.log[0], snakemake.rule):
    cells = contracts.read_cells(snakemake.input.cells, "prepared")
    table = contracts.read_table(
        snakemake.input.pseudolabels, ["pseudolabel"], "assign_pseudolabels"
    )
    cells.obs["pseudolabel"] = table.loc[cells.obs_names, "pseudolabel"].to_numpy()
    sampler = oversample.SpaCSMOTE(
        random_state=int(snakemake.wildcards.seed), **snakemake.params.cfg
    )
    balanced, _ = sampler.fit_resample(cells)
    contracts.write_cells(balanced, snakemake.output[0])
