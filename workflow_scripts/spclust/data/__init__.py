"""What passes between stages, a module a kind of file; every room may import it.

May import errors.

=====================  ==========================================================================
cells.h5mu (imported)  MuData, a modality each as its file has it; ``obs['image']``,
                       ``obs['slice']``, ``obsm['spatial']`` (NaN: no places); unique cell ids
labels.csv             ``cell, label, scored`` of the cells that have a reference label
cells.h5mu (prepared)  the same cells with the features prepared, nothing else of the modalities;
                       ``uns['preprocessing']``; where a panel leaves features out of
                       clustering, ``var['clusters']`` says which take part
n_clusters.json        ``{"n_clusters": 5, "how": "..."}``
votes.npz              labels, shares and partitions, see :mod:`spclust.data.votes`; for people
                       there are ``votes.csv`` and ``members.csv``, and ``votes_cost.json``
pseudolabels.csv       ``cell, pseudolabel``
cells.h5mu (balanced)  prepared cells first, then synthetic ones; ``obs['pseudolabel']``,
                       ``obs['synthetic']``, ``obs['parent_1']``, ``obs['parent_2']``
graphs.npz             symmetric sparse graphs without self-loops, by name (``expression``,
                       ``expression/rna``, ``spatial``), the spaces in which expression
                       neighbours were sought, and the settings; see :mod:`spclust.data.graphs`
clusters.csv           ``cell, cluster, confidence`` of the original cells
cluster_names.csv      proposed names of clusters: ``cluster, cells, name, type, probability,
                       evidence, markers, others``
embedding.npz          ``cells`` (n,) and ``values`` (n, width) float32
cost.json              what a clustering took: seconds, peak memory of host and GPU in MB, device,
                       threads
extras/                what else a method has to say: tables as ``<name>.csv``, a stored model in
                       ``model/``
=====================  ==========================================================================
"""
