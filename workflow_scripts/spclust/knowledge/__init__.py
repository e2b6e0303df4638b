"""What is known of proteins and cell types, with its tables, and what follows for cells.

May import data, clustering.
"""
