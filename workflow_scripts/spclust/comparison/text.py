"""The tables of a comparison as Markdown, with what a reader has to know beside the numbers."""

import pandas as pd

from spclust.comparison.evidence import can_be_found, surely_differs
from spclust.comparison.results import LABELS, SCORES, TABLE, by_group
from spclust.data.scores import DIGITS, with_places
from spclust.plan.groups import GROUP

MARKS = {"best": "**{}**", "second": "<ins>{}</ins>"}
# what is said of labels that are not simply right
KINDS = {
    "types": "cell types",
    "gates": "cell types by gates on the same proteins: scores are circular",
    "regions": "regions of the tissue",
    "partition": "regions, the partition of another algorithm: agreement with it, not truth",
}


def scores(table, ranks, seeds, notes):
    """The paper's Table 1, turned: methods in rows, and tables by what the labels are."""
    controls = ", ".join(table.loc[table["control"], "run"].unique())
    bounds = f" {controls} bound the tables and do not compete." if controls else ""
    legend = f"{_over(seeds)} **Bold**: best of a slice, <ins>underlined</ins>: second, both as "
    legend += f"printed and within a table.{bounds} The average rank is over the slices of a table "
    legend += "that have results, each counted once with its mean over seeds. NMI is divided by "
    legend += "the arithmetic mean of both entropies."
    parts = []
    for labels, of_labels in table.groupby("labels", sort=False):
        parts.append(f"## {labels.capitalize()}")
        for title, part in by_group(of_labels):
            parts += [f"### {title}"] if title else []
            average = ranks[(ranks["labels"] == labels) & ranks["group"].isin(part["group"])]
            for metric, rows in part.groupby("metric", sort=False):
                parts.append(f"{metric}:\n\n" + of_metric(rows, average, metric))
            left_out = set(part.loc[~part["control"], "run"]) - set(average["run"])
            if left_out:
                parts.append(f"Without rank, for want of a slice: {', '.join(sorted(left_out))}.")
    return _page("Scores", legend, "\n\n".join(parts), notes)


def of_metric(table, ranks, metric):
    """One score: a row for each method, a column for each slice, and the average rank."""
    ranks = ranks[ranks["metric"] == metric].rename(columns={"average_rank": "mean"})
    mean = ranks["mean"].astype(float).round(2)  # of nobody, it has no type
    average = ranks.assign(dataset="average rank", control=False, mean=mean)
    average = with_places(average, ["metric"], order=-1)
    average["text"] = average["mean"].map("{:.2f}".format)
    return _table(pd.concat([table.assign(text=texts(table, score)), average]), ["run"], "dataset")


def differences(pairs, overall, notes):
    """A reference against each of its rivals, with intervals, and the tests of all at once."""
    legend = "Mean difference over slices, the reference minus its rival, with its interval from "
    legend += "resampling whole studies, since slices of one study are not independent. **Bold**: "
    legend += "an interval at 95 % leaves 0 out; each is of its pair alone, so that among many "
    legend += "rivals some do by chance. With fewer than six studies no interval reaches 95 %, and "
    legend += "no difference is marked. The pairs "
    legend += "are those of the reference that the configuration names; no others are tested. p: "
    legend += "Wilcoxon's signed-rank test over slices, Holm over all rivals, also those that wait"
    legend += ", where so few slices could bring it below 5 %; it knows nothing of studies."
    parts = []
    several = overall["group"].nunique() > 1
    for (labels, group), tests in overall.groupby(TABLE, sort=False):
        parts.append(f"## {labels.capitalize()}{f', {group}' if several else ''}")
        mine = pairs[(pairs["labels"] == labels) & (pairs["group"] == group)]
        if len(mine):
            parts.append(_against(mine))
        else:
            parts.append("No pair: the reference lacks a slice, or has no rival here.")
        of_tests = [
            f"{t.metric} χ² = {t.chi2:.1f}, p = {t.p:.2g}"
            + (f" (F = {t.f:.2f}, p = {t.p_f:.2g})" if pd.notna(t.p_f) else "")
            for t in tests.itertuples()
            if pd.notna(t.p)
        ]
        if of_tests:
            parts.append(
                "All methods at once, Friedman's χ² (Iman and Davenport's F, from four "
                f"slices on): {'; '.join(of_tests)}."
            )
    return _page("Differences", legend, "\n\n".join(parts), notes)


def _against(pairs):
    first = pairs.iloc[0]
    slices = "1 slice" if first["slices"] == 1 else f"{first['slices']} slices"
    line = f"**{first['reference']}** minus each, {slices} of {first['studies']} "
    line += "studies" if first["studies"] > 1 else "study, so there is no interval"
    line += f", intervals at {100 * first['level']:.3g} %:" if pd.notna(first["level"]) else ":"
    shown = pairs.assign(
        text=[
            difference(*row)
            for row in pairs[["difference", "low", "high", "level"]].itertuples(index=False)
        ],
        place=None,
    )
    if can_be_found(first["slices"], first["rivals"]):
        shown["text"] += pairs["p_holm"].map(", p = {:.2g}".format)
    return f"{line}\n\n{_table(shown, ['rival'], 'metric')}"


def difference(value, low, high, level):
    """A difference with its interval, bold where one that is sure enough leaves 0 out."""
    if pd.isna(low):
        return f"{value:+.{DIGITS}f}"
    text = f"{value:+.{DIGITS}f} [{low:+.{DIGITS}f}, {high:+.{DIGITS}f}]"
    return MARKS["best"].format(text) if surely_differs(low, high, level) else text


def in_short(ranks):
    """One line for the terminal: methods by their average rank over slices and scores."""
    parts = []
    for (labels, group), rows in ranks[ranks["metric"] == "all"].groupby(TABLE, sort=False):
        order = rows.sort_values("average_rank", kind="stable")[["run", "average_rank"]]
        ranks_said = [f"{run} {rank:.1f}" for run, rank in order.itertuples(index=False)]
        where = labels if group == GROUP else f"{labels}, {group}"
        parts.append(f"average ranks on {where} (1 is best): {', '.join(ranks_said)}")
    return "; ".join(parts) or "no method is comparable"


def rare_classes(table, seeds, notes):
    """Precision, recall and F1 of the rare classes."""
    if table.empty:
        return _page("Rare classes", "No class of these slices is rare.", "", notes)
    cells = table["cells"].map(lambda n: "" if pd.isna(n) else f" ({n:.0f} cells)")
    shown = table.assign(text=texts(table, score), named=table["class"] + cells)
    shown = shown.drop(columns="class").rename(columns={"named": "class"})
    legend = f"{_over(seeds)} Clusters are matched to classes one to one; a class without a "
    legend += "cluster has 0. **Bold**: best, <ins>underlined</ins>: second."
    return _page("Rare classes", legend, _by_run(shown, ["dataset", "class", "metric"]), notes)


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
    return _page("Costs", legend, _by_run(shown, ["dataset", "metric"]), notes)


def _by_run(shown, keys):
    """Tables with a column per run, one for each group."""
    parts = []
    for title, part in by_group(shown):
        parts += [f"## {title}"] if title else []
        parts.append(_table(part, keys, "run"))
    return "\n\n".join(parts)


def notes(results, about, absent):
    """What is not in the tables, where settings are told and who made the labels.

    Parameters
    ----------
    results : Results
    about : dict of str to dict
        Slice to its ``label_kind``, ``label_origin``, ``labels_seen`` and ``study``.
    absent : dict of str to str
        Slice to the file that it lacks.

    Returns
    -------
    list of str
        Paragraphs.
    """
    lines_said = [f"No data for {dataset}: there is no {path}." for dataset, path in absent.items()]
    planned = results.planned[~results.planned["dataset"].isin(absent)]
    missing = planned[planned["folder"].isna()]
    for (dataset, run), rows in missing.groupby(["dataset", "run"], sort=False):
        seeds = ", ".join(map(str, rows["seed"]))
        lines_said.append(f"No result of {run} on {dataset} (seed {seeds}).")
    scored = results.scores.loc[results.scores["metric"].isin(SCORES.values()), "dataset"]
    for dataset in planned["dataset"].drop_duplicates():
        if dataset in set(results.costs["dataset"]) - set(scored):
            lines_said.append(f"{dataset} has no labels, so methods are not compared on it.")
    # methods that train exactly or in batches, by the size of the slice
    if "mode" in results.costs:
        for (run, mode), rows in results.costs.groupby(["run", "mode"], sort=False):
            slices = [
                f"{dataset}{_only(results, dataset, run, of_slice['seed'])}"
                for dataset, of_slice in rows.groupby("dataset", sort=False)
            ]
            lines_said.append(f"{run} was in {mode} mode on {', '.join(slices)}.")
    lines_said.append(
        "How each run's cells were prepared, and its settings: [settings](settings.md)."
    )
    lines = "\n".join(f"- {line}" for line in lines_said)
    return [lines, *filter(None, [about_slices(about)])]


def _only(results, dataset, run, seeds):
    """The seeds, where not all of a run on a slice are meant."""
    costs = results.costs
    of_run = costs[(costs["dataset"] == dataset) & (costs["run"] == run)]
    return "" if len(seeds) == len(of_run) else f" (seed {', '.join(map(str, seeds))})"


def about_slices(about):
    """What the labels of each slice are, and whether the project has seen them."""
    rows = [
        {
            "slice": name,
            "labels": KINDS[said.get("label_kind", "types")],
            "made by": said.get("label_origin", ""),
            "study": said.get("study", name),
            "table": LABELS[said.get("label_kind", "types")],
            "blind": f"no: {said['labels_seen']}" if "labels_seen" in said else "yes",
        }
        for name, said in about.items()
    ]
    return markdown(pd.DataFrame(rows)) if rows else ""


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


def _table(shown, keys, across):
    """A table with a row per combination of the keys and a column per value of another."""
    shown = shown.assign(text=marked(shown["text"], shown["place"]))
    names, columns = shown[keys].drop_duplicates(), shown[across].unique()
    cells = shown.pivot(index=keys, columns=across, values="text").fillna("")
    rows = pd.MultiIndex.from_frame(names) if len(keys) > 1 else names[keys[0]]
    cells = cells.loc[rows, columns].reset_index(drop=True)
    # a name stands once, at its first row
    names = names.reset_index(drop=True)
    for i in reversed(range(len(keys))):
        names[keys[i]] = names[keys[i]].mask(names.duplicated(keys[: i + 1]), "")
    return markdown(names.join(cells))


def _page(title, legend, table, notes):
    parts = [f"# {title}", legend, table, *notes]
    return "\n\n".join(part for part in parts if part) + "\n"
