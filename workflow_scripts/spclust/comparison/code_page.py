"""Whether values that were made before are of the code as it is, as a page."""

import pandas as pd

from spclust.comparison.text import markdown

LEGEND = (
    "Values that a comparison or a study did not make anew: kept ones, and those of runs that lay "
    "there. Their settings are those of today. The code is that of the method with all of the "
    "library that it uses: `same` as today, `changed` since, or `unknown` where it was not noted; "
    "the stages before it are not compared. Values of a changed code may well be the same. To have "
    "them anew, remove their rows from the `runs.tsv` that keeps them."
)


def page(results, facts):
    """Markdown with a row for each run and state of its code.

    Parameters
    ----------
    results : spclust.comparison.results.Results
    facts : dict
        Of :func:`spclust.comparison.plan.facts` or :func:`spclust.comparison.study_plan.facts`.
    """
    rows = results.planned.merge(results.costs, on=["dataset", "run", "seed"])
    rows = rows[~rows["folder"].isin(facts["asked"])]
    text = ["# Code", LEGEND]
    if rows.empty:
        return "\n\n".join([*text, "There are none."]) + "\n"
    now = {
        (run, dataset): facts["methods"][facts["settings"]["method"][made["method"]]["recipe"]]
        for run, dataset, made in facts["made_with"]
    }
    then = rows["code"] if "code" in rows else [None] * len(rows)
    keys = zip(rows["run"], rows["dataset"])
    rows["code"] = [_state(old, now[key]["code"]) for old, key in zip(then, keys)]
    states = rows.groupby(["run", "code"], sort=False).agg(
        values=("seed", "size"), slices=("dataset", _each_once), made=("made", _each_once)
    )
    return "\n\n".join([*text, markdown(states.reset_index())]) + "\n"


def _state(then, now):
    # of values from before it was noted there is no text
    if not (isinstance(then, str) and then):
        return "unknown"
    return "same" if then == now else "changed"


def _each_once(names):
    return ", ".join(pd.unique(names))
