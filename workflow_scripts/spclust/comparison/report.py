"""All tables and pages of a comparison."""

from collections import Counter

from spclust.comparison import code_page, significance
from spclust.comparison import results as comparison
from spclust.comparison import settings_page as comparison_settings
from spclust.comparison import summary as comparison_summary
from spclust.comparison import text as comparison_text
from spclust.comparison import values as comparison_values
from spclust.data.scores import rounded


def read(facts):
    """The results of the runs that are there and of those that are kept.

    Parameters
    ----------
    facts : dict
        Of :func:`spclust.comparison.plan.facts`.
    """
    kinds = {d: said["label_kind"] for d, said in facts["about"].items() if "label_kind" in said}
    values = comparison_values.read(facts["kept"])
    return comparison.read(
        facts["results"], facts["controls"], kinds, facts["groups"], values, facts["absent"]
    )


def tables(results, facts):
    """Tables by the names of their files.

    Parameters
    ----------
    results : spclust.comparison.results.Results
    facts : dict
        Of :func:`spclust.comparison.plan.facts`.

    Returns
    -------
    dict of str to DataFrame
        Rounded, so that pages and files say the same, but for the values that are kept: tables
        made of them again have to be these.
    """
    studies = {name: said["study"] for name, said in facts["about"].items() if "study" in said}
    scores = comparison.score_table(results)
    named = Counter(facts["groups"].values())
    ranks, overall, pairs = significance.compare(scores, facts["references"], studies, named)
    runs, classes = comparison_values.tables(results)
    shown = {
        "scores": scores,
        "rare_classes": comparison.rare_class_table(results),
        "costs": comparison.cost_table(results),
        "average_ranks": ranks,
        "friedman": overall,
        "differences": pairs,
    }
    shown = {name: rounded(table) for name, table in shown.items()}
    return shown | {"runs": runs, "classes": classes}


def pages(results, tables, facts):
    """Markdown pages by the names of their files, of what :func:`tables` returns."""
    scores, ranks, pairs = (tables[name] for name in ("scores", "average_ranks", "differences"))
    notes = comparison_text.notes(results, facts["about"], facts["absent"])
    seeds = results.planned["seed"].unique()
    return {
        "scores": comparison_text.scores(scores, ranks, seeds, notes),
        "differences": comparison_text.differences(pairs, tables["friedman"], notes),
        "rare_classes": comparison_text.rare_classes(tables["rare_classes"], seeds, notes),
        "costs": comparison_text.costs(tables["costs"], seeds, notes),
        "settings": comparison_settings.page(facts),
        "code": code_page.page(results, facts),
        "summary": comparison_summary.page(
            comparison_summary.parts(facts["parts"], tables["runs"]),
            comparison_summary.paragraphs(scores, ranks, pairs),
            facts["other_settings"],
        ),
    }
