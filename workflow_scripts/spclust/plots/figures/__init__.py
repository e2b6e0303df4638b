"""Figures of a run or a dataset, a module each: a new file here is a new figure.

A module has three things::

    CAPTION = "Text of the report, a literal."
    NEEDS = ("classes", "extras.history")
    def draw(run): ...

and, where it is of a dataset before anything is clustered, ``OVER = "dataset"``; then ``draw``
gets a :class:`spclust.plots.datasets.DatasetData`, and needs are analyses over the dataset.

Needs are attributes of RunData that are None where a run lacks them, ``extras.<name>`` (a table
among the run's extras), ``analyses.<name>`` (an analysis made of the run) and
``analyses.<name>.<table>`` (a CSV of it that has rows); a figure of an
analysis with several settings is drawn for each, ``<figure>-<setting>``.

``draw`` takes a :class:`spclust.plots.runs.RunData` and returns a matplotlib Figure. It is called
for runs that have everything in ``NEEDS``.
"""
