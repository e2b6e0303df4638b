"""Tables of laboratories in, annotated cells out: readers, writers, and what columns mean.

May import data, knowledge, clustering.
"""
