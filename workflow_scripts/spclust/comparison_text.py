"""The tables of a comparison as Markdown, with what a reader has to know beside the numbers."""

import pandas as pd

from spclust.reporting import DIGITS, with_places

MARKS = {"best": "**{}**", "second": "<ins>{}</ins>"}


def scores(table, ranks, seeds, notes):
    """The paper's Table 1: scores of every slice, then average ranks."""
    shown = table.assign(text=texts(table, score))
    average = ranks[ranks["unit"] == "slices"].rename(columns={"average_rank": "mean"})
    average = average.assign(dataset="average rank", control=False, mean=average["mean"].round(2))
    average = with_places(average, ["metric"], order=-1)
    average["text"] = average["mean"].map("{:.2f}".format)
    rows = _table(pd.concat([shown, average]), ["dataset", "metric"])
    controls = ", ".join(table.loc[table["control"], "run"].unique())
    bounds = f" {controls} bound the table and do not compete." if controls else ""
    legend = f"{_over(seeds)} **Bold**: best, <ins>underlined</ins>: second.{bounds}"
    ranked = set(average["run"])
    left_out = [run for run in table.loc[~table["control"], "run"].unique() if run not in ranked]
    legend += " Average ranks are over the slices that have results, of the means as printed"
    legend += f"; without one, for want of a slice: {', '.join(left_out)}." if left_out else "."
    return _page("Scores", legend, rows, notes)


def in_short(ranks):
    """One line for the terminal: methods by their average rank over slices and scores."""
    chosen = ranks[(ranks["unit"] == "slices") & (ranks["metric"] == "all")]
    order = chosen.sort_values("average_rank", kind="stable")[["run", "average_rank"]]
    found = [f"{run} {rank:.1f}" for run, rank in order.itertuples(index=False)]
    return f"average ranks (1 is best): {', '.join(found)}" if found else "no method is comparable"


def rare_classes(table, seeds, notes):
    """Precision, recall and F1 of the rare classes."""
    if table.empty:
        return _page("Rare classes", "No class of these slices is rare.", "", notes)
    cells = table["cells"].map(lambda n: "" if pd.isna(n) else f" ({n:.0f} cells)")
    shown = table.assign(text=texts(table, score), named=table["class"] + cells).drop(
        columns="class"
    )
    rows = _table(shown.rename(columns={"named": "class"}), ["dataset", "class", "metric"])
    legend = f"{_over(seeds)} Clusters are matched to classes one to one; a class without a "
    legend += "cluster has 0. **Bold**: best, <ins>underlined</ins>: second."
    return _page("Rare classes", legend, rows, notes)


def costs(table, seeds, notes):
    """The paper's Table A1: time and memory of every run."""
    # a GPU that was not used
    shown = [text if mean else "–" for text, mean in zip(texts(table, cost), table["mean"])]
    shown = table.assign(text=shown, place=None)
    machine = table.dropna(subset="device").drop_duplicates(["run", "device", "threads"])
    used = machine.groupby(["device", "threads"], sort=False)["run"].agg(", ".join)
    used = [f"{device} (threads: {n}): {runs}" for (device, n), runs in used.items()]
    legend = f"{_over(seeds)} Of the clustering alone: what prepares, oversamples and joins the "
    legend += f"cells into graphs is timed in results/benchmarks. Where: {'; '.join(used)}."
    return _page("Costs", legend, _table(shown, ["dataset", "metric"]), notes)


def notes(results, label_origin, absent):
    """What is not in the tables, and who made the labels.

    Parameters
    ----------
    results : Results
    label_origin : dict of str to str
        Slice to the origin of its labels.
    absent : dict of str to str
        Slice to the file that it lacks.

    Returns
    -------
    list of str
    """
    found = [f"No data for {dataset}: there is no {path}." for dataset, path in absent.items()]
    planned = results.planned[~results.planned["dataset"].isin(absent)]
    missing = planned[planned["folder"].isna()]
    for (dataset, run), rows in missing.groupby(["dataset", "run"], sort=False):
        seeds = ", ".join(map(str, rows["seed"]))
        found.append(f"No result of {run} on {dataset} (seed {seeds}).")
    # methods that train exactly or in batches, by the size of the slice
    if "mode" in results.costs:
        for (run, mode), rows in results.costs.groupby(["run", "mode"], sort=False):
            found.append(f"{run} was in {mode} mode on {', '.join(rows['dataset'].unique())}.")
    by_origin = {}
    for dataset, origin in label_origin.items():
        by_origin.setdefault(origin, []).append(dataset)
    found += [f"Labels of {', '.join(names)}: {origin}." for origin, names in by_origin.items()]
    return found


def score(value):
    """A score with its digits, no negative zero."""
    return f"{round(value, DIGITS) + 0.0:.{DIGITS}f}"


def cost(value):
    """Three digits, or all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _over(seeds):
    seeds = sorted(seeds)
    if len(seeds) == 1:
        return f"Seed {seeds[0]}."
    return f"Mean ± standard deviation over the seeds {', '.join(map(str, seeds))}."


def texts(table, show):
    """Mean ± sd of each row as text, empty where there is none."""
    return [
        "" if pd.isna(mean) else show(mean) if pd.isna(sd) else f"{show(mean)} ± {show(sd)}"
        for mean, sd in table[["mean", "sd"]].itertuples(index=False)
    ]


def marked(texts, places):
    """Texts with the marks of their places; empty ones have none."""
    marks = [MARKS.get(place, "{}") if text else "{}" for text, place in zip(texts, places)]
    return [mark.format(text) for mark, text in zip(marks, texts)]


def markdown(table):
    """A table of texts as Markdown, every text as it is."""
    return table.to_markdown(index=False, tablefmt="github", disable_numparse=True, stralign=None)


def _table(shown, keys):
    """A table with a row per combination of the keys and a column per run."""
    shown = shown.assign(text=marked(shown["text"], shown["place"]))
    names, runs = shown[keys].drop_duplicates(), shown["run"].unique()
    cells = shown.pivot(index=keys, columns="run", values="text").fillna("")
    cells = cells.loc[pd.MultiIndex.from_frame(names), runs].reset_index(drop=True)
    # a name stands once, at its first row
    names = names.reset_index(drop=True)
    for i in reversed(range(len(keys))):
        names[keys[i]] = names[keys[i]].mask(names.duplicated(keys[: i + 1]), "")
    return markdown(names.join(cells))


def _page(title, legend, table, notes):
    parts = [f"# {title}", legend, table, "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(part for part in parts if part) + "\n"
