"""A comparison in short: which of its parts have run, and what its tables say in sentences."""

import pandas as pd

from spclust.comparison.results import by_group
from spclust.comparison.text import difference, markdown, score
from spclust.plan.groups import GROUP


def parts(parts, runs):
    """Parts of a comparison and what is there of each.

    Parameters
    ----------
    parts : list of (name, hours, runs, datasets, planned)
        Of :func:`spclust.comparison.plan.parts`.
    runs : DataFrame
        ``dataset, run, seed, seconds, threads, made`` of those that are there.

    Returns
    -------
    str
        A Markdown table; empty without parts.
    """
    rows = []
    for name, hours, names, datasets, planned in parts:
        there = runs[runs["run"].isin(names)]
        there = there[there["dataset"].isin(datasets)] if datasets else there
        spent = (there["seconds"] * there["threads"]).sum() / 3600
        days = sorted(set(there["made"]))
        state = f"{len(there)} of {planned}" if len(there) else "planned"
        rows.append(
            {
                "part": f"`{name}`",
                "methods": ", ".join(names),
                "slices": ", ".join(datasets) or "all",
                "runs": state if len(there) < planned else f"all {planned}",
                "hours on two cores, estimated": "" if hours is None else f"{hours:g}",
                "hours of clustering, one core": f"{spent:.1f}" if len(there) else "",
                "made": " to ".join(dict.fromkeys([days[0], days[-1]])) if days else "",
            }
        )
    return markdown(pd.DataFrame(rows)) if rows else ""


def paragraphs(scores, ranks, pairs, metric="ARI"):
    """What the tables say: ranks, the reference beside the best of each slice, its differences.

    Parameters
    ----------
    scores, ranks, pairs : DataFrame
        Of :func:`spclust.comparison.results.score_table` and
        :func:`spclust.comparison.significance.compare`.
    metric : str
        The score of the sentences about slices.

    Returns
    -------
    list of str
    """
    texts = []
    for labels, of_labels in scores.groupby("labels", sort=False):
        for title, part in by_group(of_labels):
            group = part.loc[~part["control"], "group"].iloc[0]
            mine = [
                table[(table["labels"] == labels) & (table["group"] == group)]
                for table in (ranks, pairs)
            ]
            text = _paragraph(part[~part["control"]], *mine, metric)
            where = labels.capitalize() + ("" if title in ("", GROUP) else f", {title}")
            texts += [f"**{where}.** {text}"] if text else []
    return texts


def _paragraph(scores, ranks, pairs, metric):
    sentences = []
    order = ranks[ranks["metric"] == "all"].sort_values("average_rank", kind="stable")
    if len(order) > 1:
        named = [f"{run} {rank:.1f}" for run, rank in order[["run", "average_rank"]].to_numpy()]
        sentences.append(f"Average rank over all scores, 1 is best: {', '.join(named)}.")
    rows = scores[scores["metric"] == metric].dropna(subset="mean")
    best = rows[rows["place"] == "best"].groupby("dataset", sort=False)
    reference = pairs["reference"].iloc[0] if len(pairs) else None
    own = rows[rows["run"] == reference].set_index("dataset")["mean"]
    shown = []
    for dataset, first in best:
        text = f"{dataset} {score(first['mean'].iloc[0])} by {' and '.join(first['run'])}"
        if dataset in own and reference not in set(first["run"]):
            text += f" ({reference} {score(own[dataset])})"
        shown.append(text)
    if shown:
        sentences.append(f"Best {metric}: {'; '.join(shown)}.")
    of_metric = pairs[pairs["metric"] == metric].sort_values("difference", ascending=False)
    if len(of_metric):
        texts = [
            f"{row.rival} {difference(row.difference, row.low, row.high, row.level)}"
            for row in of_metric.itertuples()
        ]
        first = of_metric.iloc[0]
        level = f" with intervals at {100 * first['level']:.3g} %" if first["level"] > 0 else ""
        sentences.append(
            f"{reference} minus each, mean {metric} over {_count(first['slices'], 'slice')} of "
            f"{_count(first['studies'], 'study')}{level}: {', '.join(texts)}."
        )
    absent = set(scores["run"]) - set(order["run"])
    if absent and len(order):
        waiting = [run for run in scores["run"].unique() if run in absent]
        sentences.append(f"Not on every slice yet, so without rank: {', '.join(waiting)}.")
    return " ".join(sentences)


def _count(number, what):
    return f"{number} {what if number == 1 else what.replace('y', 'ie') + 's'}"


def page(parts, paragraphs, other_settings):
    """Parts and paragraphs as Markdown, and which kept runs were left out."""
    left_out = "\n".join(f"- {line}" for line in other_settings)
    text = ["# In short", parts, *paragraphs]
    if left_out:
        text.append(f"Runs of other settings were left out:\n\n{left_out}")
    return "\n\n".join(part for part in text if part) + "\n"
