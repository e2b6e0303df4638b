"""The figures of a comparison."""

import pandas as pd
from compared import THREE, compared, ranks_of, statistics

from spclust.comparison import figures
from spclust.comparison import results as comparison


def drawn(folder, results):
    scores = comparison.score_table(results)
    ranks, _, pairs = statistics(scores)
    tables = {
        "scores": scores,
        "rare_classes": comparison.rare_class_table(results),
        "costs": comparison.cost_table(results),
        "average_ranks": ranks,
        "differences": pairs,
    }
    read_again, text = {}, {"dataset": str, "class": str, "run": str}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
        read_again[name] = pd.read_csv(folder / f"{name}.tsv", sep="\t", dtype=text)
    figures.draw(folder / "figures", read_again)
    return {path.name for path in (folder / "figures").iterdir()}


def images(*names):
    return {f"{name}.png" for name in names}


def test_every_table_has_its_figure(tmp_path):
    names = drawn(tmp_path, compared(tmp_path, THREE, gpu=10.0))
    scores = ("scores_cell_types", "differences_cell_types")
    assert names == images(*scores, "rare_classes", "costs")
    kinds, groups = {"one": "regions"}, {"c": "panel"}
    names = drawn(tmp_path, compared(tmp_path / "two", THREE, kinds=kinds, groups=groups))
    expected = {
        f"scores_{labels}_{group}"
        for labels in ("cell_types", "regions")
        for group in ("own", "panel")
    }
    expected |= {"differences_cell_types", "differences_regions"}
    assert names == images(*expected, "rare_classes_own", "rare_classes_panel", "costs")


def test_holes_one_method_and_one_slice_can_be_drawn(tmp_path):
    holes = compared(tmp_path / "x", {("one", "a"): [0.5, None], ("two", "a"): [None, None]})
    assert drawn(tmp_path / "x", holes) == images("scores_cell_types", "rare_classes", "costs")
    bare = compared(tmp_path / "y", {("one", "a"): [0], ("one", "b"): [0]}, labelled=False)
    assert drawn(tmp_path / "y", bare) == images("scores_cell_types", "costs")
    two = compared(tmp_path / "z", {("one", "a"): [0.5], ("one", "b"): [0.7]})
    assert "differences_cell_types.png" in drawn(tmp_path / "z", two)


def test_differences_have_a_colour_where_an_interval_is_sure_enough():
    rows = [
        ("a", rival, 6, 6, metric, 0.2, low, 0.3)
        for rival, low in (("b", 0.1), ("c", -0.1))
        for metric in ("ACC", "ARI")
    ]
    columns = ["reference", "rival", "slices", "studies", "metric", "difference", "low", "high"]
    pairs = pd.DataFrame(rows, columns=columns)

    def colours(level):
        fig = figures.differences(pairs.assign(level=level))
        return [line.get_color() for line in fig.axes[0].lines[::2]][:2], fig.get_supxlabel()

    (found, none), legend = colours(0.95)
    assert none == figures.GREY != found and "95 % over 6 studies, in colour without 0" in legend
    both, legend = colours(0.875)
    assert set(both) == {figures.GREY} and "colour" not in legend


def test_a_figure_of_one_row_holds_all_its_texts(tmp_path):
    results = compared(tmp_path, {("one", "a"): [0.5], ("one", "b"): [0.7]})
    table, scores = comparison.rare_class_table(results), comparison.score_table(results)
    table = table[table["class"] == table["class"].iloc[0]]
    for fig in (figures.rare_classes(table), figures.scores(scores, ranks_of(scores))):
        fig.canvas.draw()
        low, high = fig.bbox.extents[:2] - 1, fig.bbox.extents[2:] + 1
        axes = [ax for ax in fig.axes if ax.get_ylabel()]
        assert len(axes) == 1
        for text in [axes[0].yaxis.label, *axes[0].get_yticklabels(), *fig.axes[0].texts]:
            box = text.get_window_extent().extents
            assert (box[:2] >= low).all() and (box[2:] <= high).all(), text


def test_costs_are_drawn_of_methods_and_not_of_controls(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(figures.style, "save", lambda fig, name, **_: seen.append((name, fig)))
    results = compared(tmp_path, {("one", "a"): [0.5], ("one", "truth"): [1.0]})
    drawn(tmp_path, results)
    (fig,) = (fig for name, fig in seen if name == "costs")
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == ["a"]
    seen.clear()
    drawn(tmp_path / "controls", compared(tmp_path / "controls", {("one", "truth"): [1.0]}))
    assert "costs" not in dict(seen)


def test_more_slices_than_colours_can_be_drawn(tmp_path):
    many = {(f"s{i}", run): [0.5 + i / 100] for i in range(40) for run in "ab"}
    table = comparison.cost_table(compared(tmp_path, many))
    assert len(figures.costs(table).axes) == 2 and not figures.costs(table).legends
    few = table[table["dataset"].isin(["s0", "s1"])]
    assert len(figures.costs(few).legends) == 1


def test_the_scores_figure_writes_every_mean_and_a_dash_where_there_is_none(tmp_path):
    results = compared(tmp_path, THREE | {("two", "b"): [None, None]})
    table = comparison.score_table(results)
    fig = figures.scores(table, ranks_of(table))
    panel = next(ax for ax in fig.axes if ax.get_title() == "ARI")
    texts = [text.get_text() for text in panel.texts]
    assert sorted(texts[:10]) == sorted(
        [".85", ".85", ".30", ".00", "1.00", ".60", "–", ".90", ".00", "1.00"]
    )
    assert texts[10:] == ["1.5", "1.5"]
