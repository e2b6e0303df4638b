"""Groups of cells: heads, votes, prototypes, matching, and the colours of groups.

May import neighbours.
"""
