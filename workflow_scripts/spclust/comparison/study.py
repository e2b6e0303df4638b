"""The table of a study: what its runs score, beside what the paper printed."""

import pandas as pd

from spclust.comparison.text import markdown, score, texts
from spclust.data.scores import mean_and_sd
from spclust.errors import UserError

KEYS = ["dataset", "part", "label"]


def tabulate(scores, facts):
    """Scores of the rows of a study.

    Parameters
    ----------
    scores : DataFrame
        ``dataset, run, metric, value``, see :class:`spclust.comparison.results.Results`.
    facts : dict
        Of :func:`spclust.comparison.study_plan.facts`.

    Returns
    -------
    DataFrame
        ``dataset, part, label, run, metric, mean, sd, seeds, paper, paper_sd``; ``part`` counts
        from 0, ``metric`` is as tables call it. What has no value, as F1 of rare classes where no
        class is rare, has a row only where the paper has a number.

    Raises
    ------
    UserError
        Where no run has any of the scores that are drawn.
    """
    keys = ["dataset", "run", "metric"]
    ours = mean_and_sd(scores.dropna(subset="value"), keys)
    paper = pd.DataFrame(facts["paper"], columns=[*keys, "paper", "paper_sd"])
    # of slices that are here
    paper = paper[paper["dataset"].isin(ours["dataset"])]
    both = ours.merge(paper.astype({"paper": float, "paper_sd": float}), "outer", keys)
    rows = [
        {"dataset": dataset, "part": i, "label": str(label), "run": run, "metric": metric}
        for dataset in dict.fromkeys(dataset for dataset, *_ in facts["results"])
        for i, (*_, of_part) in enumerate(facts["parts"])
        for run, label in of_part
        for metric in facts["scores"]
    ]
    table = pd.DataFrame(rows).merge(both, "inner", keys)
    drawn = [facts["score"]] if facts.get("score") else facts["scores"]
    if not table["metric"].isin(drawn).any():
        key = "score" if facts.get("score") else "scores"
        raise UserError(
            f"study.{key}: no run has {' or '.join(drawn)}, as where a dataset has no labels; name "
            "their column as the dataset's  label:  or write e.g.  scores: [modularity, silhouette]"
        )
    return table


def page(table, facts):
    """The table as Markdown: a row for each run, the paper's numbers in columns of their own."""
    shown = table.assign(
        ours=texts(table, score),
        published=texts(table[["paper", "paper_sd"]].set_axis(["mean", "sd"], axis=1), score),
    )
    shown["part"] = shown["part"].map(lambda i: facts["parts"][i][0])
    columns = []
    for metric in [name for name in facts["scores"] if name in set(table["metric"])]:
        of_metric = shown[shown["metric"] == metric].set_index(KEYS)
        columns.append(of_metric["ours"].rename(metric))
        if of_metric["paper"].notna().any():
            columns.append(of_metric["published"].rename(f"{metric}, paper"))
    if not complete(facts):
        counts = shown.groupby(KEYS, sort=False)["seeds"].max()
        columns.append(counts.map("{:.0f}".format, na_action="ignore").rename("seeds"))
    wide = pd.concat(columns, axis=1).fillna("").reset_index()
    # what is the same in all rows need not stand in each
    wide = wide.drop(columns=[key for key in KEYS[:2] if wide[key].nunique() == 1])
    wide = wide.rename(columns={"label": " / ".join(axes(facts)) or "run"})
    there = [row for row in facts["results"] if row[-1]]
    seeds = sorted({seed for _, _, seed, _ in there})
    slices = ", ".join(table["dataset"].unique())
    legend = f"On {slices}; mean ± standard deviation over the seeds {', '.join(map(str, seeds))}."
    if not complete(facts):
        legend += f" So far {len(there)} of {len(facts['results'])} runs are there."
    lost = [f"No data for {name}: there is no {path}." for name, path in facts["absent"].items()]
    lost += [f"Left out, of other settings: {line}." for line in facts["other_settings"]]
    notes = "\n".join(f"- {note}" for note in [*lost, *facts["notes"]])
    return (
        "\n\n".join(p for p in (f"# {facts['title']}", legend, markdown(wide), notes) if p) + "\n"
    )


def complete(facts):
    """Whether all runs are there."""
    return all(folder for *_, folder in facts["results"])


def axes(facts):
    """What varies, each thing once."""
    return list(dict.fromkeys(axis for _, axis, _ in facts["parts"] if axis))
