"""What is asked of Snakemake and of the machine: fingerprints, failures, scheduling, logs.

May import errors. Snakemake imports it.
"""
