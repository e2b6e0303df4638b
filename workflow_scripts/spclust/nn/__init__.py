"""What networks have in common: training, checkpoints, batches, encoders, losses over pairs.

May import data, neighbours, clustering, engine.
"""
