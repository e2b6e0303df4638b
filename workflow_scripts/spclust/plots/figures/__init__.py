"""Figures of a run, a module each: a new file here is a new figure.

A module has three things::

    CAPTION = "Text of the report, a literal."
    NEEDS = ("classes", "extras.history")
    def draw(run): ...

Needs are attributes of RunData that are None where a run lacks them, ``extras.<name>`` (a table
among the run's extras) and ``analyses.<name>`` (an analysis made of the run); a figure of an
analysis with several settings is drawn for each, ``<figure>-<setting>``.

``draw`` takes a :class:`spclust.plots.runs.RunData` and returns a matplotlib Figure. It is called
for runs that have everything in ``NEEDS``.
"""
