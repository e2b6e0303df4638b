"""The steps between a file and a method, and transfer, which takes a method further.

May import data, knowledge, neighbours, clustering, methods, engine.
"""
