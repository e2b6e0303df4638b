"""What is made of clusters or datasets, a recipe and a card each: :mod:`spclust.analyses.task`.

May import data, knowledge, neighbours, clustering, io, stages.
"""
