"""spClust taught by the vote of first labels: what training adds to a vote, and no more.

The paper's training divides cells by KMeans over and over and drifts from its first labels, on
average to worse ones. Here the first labels are a vote (stage ``votes``), its shares are what the
labels learn by cross-entropy, beside the paper's contrast, reconstruction and modularity, and
prototypes start at the means of the vote's clusters and move by descent alone. Where the outcome
agrees with the pool less than the median member of the pool does, the vote is returned. On average
the labels are as good as the vote, not better (tests/measured/comparison/first_labels.md); what is
gained is a model that labels other slices, an embedding, and a confidence.
"""

from spclust.methods.spclust.spclust import cluster, predict

__all__ = ["cluster", "predict"]
