"""What is measured of runs, and how it is summarised over seeds: for every table and figure."""

from dataclasses import dataclass

# a whole dataset, beside the slices of a cohort
ALL = "all"
# Means equal to the last printed digit are equal: nobody wins by what is not shown.
DIGITS = 3
RESULT = ["dataset", "run", "method", "seed"]
COLUMNS = [*RESULT, "slice", "metric", "value"]


@dataclass(frozen=True)
class Metric:
    """One quantity.

    Attributes
    ----------
    title : str
        In tables and figures.
    order : {1, -1, 0}
        More is better, less is better, or neither: nobody wins.
    compared : bool
        Whether methods are compared by it.
    shown : bool
        Whether it has a place in the figures of a dataset; else it stands in metrics.tsv.
    whole : bool
        Whether it counts something.
    """

    title: str
    order: int = 1
    compared: bool = False
    shown: bool = True
    whole: bool = False


# By the names in metrics.tsv, in the order of the tables. Nobody wins by the silhouette, which is
# of each method's own embedding, nor by modularity, which is of a graph of the cells as each run
# prepares them, nor by coherence, which no truth needs to have much of. The same goes for both
# LISI: an embedding that says nothing mixes best.
METRICS = {
    "accuracy": Metric("ACC", compared=True),
    "ARI": Metric("ARI", compared=True),
    "NMI": Metric("NMI", compared=True),
    "macro_F1": Metric("macro-F1", compared=True),
    "rare_F1": Metric("rare-F1"),
    "AMI": Metric("AMI", shown=False),
    "MI": Metric("MI", shown=False),
    "V_measure": Metric("V-measure", shown=False),
    "completeness": Metric("completeness", shown=False),
    "FMI": Metric("FMI", shown=False),
    "pairwise_F1": Metric("pairwise F1", shown=False),
    "Jaccard": Metric("Jaccard", shown=False),
    "modularity": Metric("modularity", order=0),
    "silhouette": Metric("silhouette", order=0),
    "spatial_coherence": Metric("spatial coherence", order=0),
    "label_coherence": Metric("spatial coherence of the labels", order=0, shown=False),
    "iLISI": Metric("iLISI", order=0),
    "cLISI": Metric("cLISI", order=0),
    "n_clusters": Metric("clusters", order=0, whole=True),
    "seed_agreement": Metric("seed agreement"),
}
# of one run, by the names that tables have for them; agreement over seeds needs several
TITLES = [metric.title for name, metric in METRICS.items() if name != "seed_agreement"]
# of a single class, by the columns of class_metrics.tsv
OF_CLASS = {
    "precision": Metric("precision", compared=True),
    "recall": Metric("recall", compared=True),
    "f1": Metric("F1", compared=True),
}
# by the keys of cost.json
COSTS = {
    "seconds": Metric("time (s)", order=-1, compared=True),
    "peak_memory_mb": Metric("peak host memory (MB)", order=-1, compared=True),
    "peak_gpu_memory_mb": Metric("peak GPU memory (MB)", order=-1, compared=True),
}


def titles(metrics):
    """Name to title of the metrics that methods are compared by."""
    return {name: metric.title for name, metric in metrics.items() if metric.compared}


def mean_and_sd(long, by):
    """Mean and sample standard deviation over seeds.

    Parameters
    ----------
    long : DataFrame
        A row for each seed with its ``value``, and the columns of ``by``.
    by : list of str

    Returns
    -------
    DataFrame
        The columns of ``by`` in the order of their first rows, ``mean``, ``sd`` (missing for
        one seed) and ``seeds``, which counts those with a value.
    """
    groups = long.groupby(by, sort=False)["value"]
    return groups.agg(mean="mean", sd="std", seeds="count").reset_index()


def with_places(table, by, order=1):
    """Mark the best and the second best mean of each group, as printed.

    Parameters
    ----------
    table : DataFrame
        ``mean``, ``control`` (bool; controls do not compete) and the columns of ``by``.
    by : list of str
        What the competitors of a row have in common.
    order : int or Series of int
        :attr:`Metric.order` of each row.

    Returns
    -------
    DataFrame
        With ``place``: ``best``, ``second`` or missing; equal means share a place.
    """
    # of six digits, as tables are written
    printed = (table["mean"].round(6).round(DIGITS) * order).where(
        (~table["control"]) & (order != 0)
    )
    place = printed.groupby([table[key] for key in by]).rank("dense", ascending=False)
    return table.assign(place=place.map({1.0: "best", 2.0: "second"}))


def rounded(table):
    """Six decimals, but of p values, which may be smaller than that, six digits."""
    columns = table.select_dtypes("float").columns
    small = columns.intersection(["p", "p_holm", "p_f"])
    digits = {c: table[c].map("{:.6g}".format).astype(float) for c in small}
    return table.round({c: 6 for c in columns.difference(small)}).assign(**digits)
