"""Methods, a recipe and a card each; what one alone uses lies in a folder with it.

May import nn, clustering, neighbours, data, engine.
"""
