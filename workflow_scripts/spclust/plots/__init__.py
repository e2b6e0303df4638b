"""Figures: of a run, of all runs together, of the comparison of methods."""
