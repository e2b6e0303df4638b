"""Methods compared on many slices, and studies: plan, kept values, statistics, pages, figures.

May import plan, engine, data, analyses, plots. A guest: only its rules and adapters import it.
"""
