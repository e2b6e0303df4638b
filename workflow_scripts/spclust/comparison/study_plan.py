"""What a study shows of its runs.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from spclust.comparison import plan as comparison_plan
from spclust.data.scores import METRICS, titles
from spclust.errors import UserError
from spclust.plan.datasets import registry
from spclust.plan.schema_messages import unknown

# those that methods are compared by
SCORES = tuple(titles(METRICS).values())


def check_study(plan):
    """Hold the configuration's ``study`` against its runs.

    Parameters
    ----------
    plan : spclust.plan.settings.Plan

    Raises
    ------
    UserError
        Where it names what is not there, a score that the table has not, a part has numbers and
        texts, or calls two runs the same.
    """
    study = plan.config.get("study")
    if study is None:
        return
    runs = {entry["name"] for entry in plan.config["runs"]}
    shown = {name for part in study["parts"] for name in part["rows"]}
    scores = study.get("scores", SCORES)
    in_table("study.score", study.get("score", scores[0]), scores)
    for i, part in enumerate(study["parts"]):
        where = f"study.parts[{i}].rows"
        for name in part["rows"]:
            if name not in runs:
                unknown(where, name, runs)
        twice = [
            label for label in part["rows"].values() if [*part["rows"].values()].count(label) > 1
        ]
        if twice:
            raise UserError(
                f"{where}: two runs are called {twice[0]!r}, which the figure cannot tell apart; "
                "rename one"
            )
        if len({isinstance(label, str) for label in part["rows"].values()}) > 1:
            raise UserError(
                f"{where}: some runs are called by a text and some by a number, and a panel has "
                'bars or an axis; write numbers as texts too, e.g.  "10"'
            )
    datasets = {*plan.slices, *registry(plan.config)}
    for dataset, published in study.get("paper", {}).items():
        if dataset not in datasets:
            unknown("study.paper", dataset, datasets)
        for name, of_run in published.items():
            if name not in shown:
                unknown(f"study.paper.{dataset}", name, shown)
            for score in of_run:
                in_table(f"study.paper.{dataset}.{name}", score, scores)


def in_table(where, score, scores):
    """Raise UserError unless a score is among those of the table."""
    if score not in scores:
        raise UserError(
            f"{where}: {score} is none of the table's scores ({', '.join(scores)}); add it to "
            "study.scores"
        )


def layout(plan):
    """How table and figure are laid out, in lists where order counts.

    Returns
    -------
    dict
        ``title``, ``notes``; ``parts``: title, axis and rows ``[run, label]``; ``paper``:
        dataset, run, score, mean, sd; ``scores`` of the table; ``score``: the one that is drawn,
        None for all.
    """
    study = plan.config["study"]
    parts = [
        [part.get("title", ""), part.get("axis", ""), [[*row] for row in part["rows"].items()]]
        for part in study["parts"]
    ]
    return {
        "notes": list(study.get("notes", ())),
        "paper": [
            [dataset, run, score, *(*values, None)[:2]]
            for dataset, published in study.get("paper", {}).items()
            for run, scores in published.items()
            for score, values in scores.items()
        ],
        "parts": parts,
        "score": study.get("score"),
        "scores": list(study.get("scores", SCORES)),
        "title": study.get("title", study["name"]),
    }


def facts(plan, finished=False, root=None):
    """The layout, and what there is to say of the runs that are shown.

    They are sought by :func:`spclust.comparison.plan.sought`, and made with what
    :func:`spclust.comparison.plan.made_with` says.

    Parameters
    ----------
    plan : Plan
    finished : bool
        No run is asked for; those that are there are shown.
    root : path, optional
        Where values of runs are kept.
    """
    shown = {run for part in plan.config["study"]["parts"] for run in part["rows"]}
    runs_sought = comparison_plan.sought(plan, root, set() if finished else None, shown)
    return layout(plan) | runs_sought | comparison_plan.made_with(plan, shown)
