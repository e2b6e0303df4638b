"""Graphs of cells by expression and by place, and layouts, in NumPy.

May import errors.
"""
