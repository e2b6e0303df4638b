"""From the configuration to runs, analyses and paths: settings, stages, cards, datasets, messages.

May import errors; of data what is as light as itself (folders, formats, sample_sheet). Snakemake
imports it.
"""
