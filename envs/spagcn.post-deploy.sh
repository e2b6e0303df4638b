#!/bin/sh
# Run by Snakemake once conda has made the environment. Without dependencies: SpaGCN asks for
# louvain, which its KMeans start does not use and which would replace igraph by an old one.
set -eu
python -m pip install --no-deps SpaGCN==1.2.7
