"""How things look: style, maps, tables, the figures of a run and of all runs.

May import data, clustering, analyses.
"""
