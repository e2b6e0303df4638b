"""What is made of clusters, a recipe and a card each; see :mod:`spclust.analyses.task`.

May import data, knowledge, neighbours, clustering, io.
"""
