"""What passes between stages, a module a kind of file; every room may import it.

May import errors.

``spclust/plan/files.yaml`` says what each file holds, with columns and units; results/README.md is
written from it.
"""
