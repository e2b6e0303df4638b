"""The pages of a comparison."""

from compared import THREE, compared, notes_of, ranks_of, statistics

from spclust.comparison import results as comparison
from spclust.comparison import significance
from spclust.comparison import text as comparison_text


def test_the_page_of_scores_marks_best_and_second_and_says_what_labels_are(tmp_path):
    results = compared(tmp_path, THREE)
    table = comparison.score_table(results)
    about = {
        "one": {"label_kind": "partition", "label_origin": "SCGP", "labels_seen": "a default"},
        "two": {"label_kind": "types", "study": "Keren 2018"},
    }
    notes = notes_of(results, about)
    lines = comparison_text.scores(table, ranks_of(table), [1, 2], notes).splitlines()
    assert "| run | one | two | average rank |" in lines
    assert "| a | **0.850 ± 0.071** | <ins>0.600 ± 0.141</ins> | **1.75** |" in lines
    assert "| truth | 1.000 ± 0.000 | 1.000 ± 0.000 |  |" in lines
    assert "| slice | labels | made by | study | table | blind |" in lines
    kind = comparison_text.KINDS["partition"]
    assert f"| one | {kind} | SCGP | one | regions | no: a default |" in lines
    assert "| two | cell types |  | Keren 2018 | cell types | yes |" in lines
    assert any("[settings](settings.md)" in line for line in lines)
    assert any("random, truth bound the tables and do not compete" in line for line in lines)


def test_slices_without_labels_are_told(tmp_path):
    results = compared(tmp_path, {("one", "a"): [0.5]}, labelled=False)
    assert "- one has no labels, so methods are not compared on it." in notes_of(results)[0]


def test_the_page_of_differences_has_intervals_and_p_where_it_could_be_small(tmp_path):
    few = comparison.score_table(compared(tmp_path / "few", THREE))
    _, overall, pairs = statistics(few)
    page = comparison_text.differences(pairs, overall, ["- a note"])
    assert "**a** minus each, 2 slices of 2 studies, intervals at 50 %:" in page
    assert "| c | +0.125 [-0.300, +0.550] |" in page and "- a note" in page
    assert "p = " not in page.split("All methods")[0].split("\n\n", 2)[2]
    # a difference on each of four slices, and still not sure enough to be marked
    four = {
        (f"s{i}", run): [0.5 + gain]
        for i in range(4)
        for run, gain in (("a", 0.2), ("b", 0.0), ("c", 0.1))
    }
    table = comparison.score_table(compared(tmp_path / "four", four))
    page = comparison_text.differences(*reversed(statistics(table)[1:]), [])
    assert "intervals at 87.5 %:" in page and "| b | +0.200 [+0.200, +0.200] |" in page
    assert "p = 0.018 (F = inf, p = 0.0046)" in page
    many = {
        (f"s{i}", run): [0.5 + gain + i / 100]
        for i in range(8)
        for run, gain in (("a", 0.2), ("b", 0.0), ("c", 0.21))
    }
    table = comparison.score_table(compared(tmp_path / "many", many))
    page = comparison_text.differences(*reversed(statistics(table)[1:]), [])
    assert "8 slices of 8 studies, intervals at 95 %:" in page
    assert "| b | **+0.200 [+0.200, +0.200]**, p = 0.016 |" in page
    assert "F = inf" in page or "p = 0.0003" in page


def test_one_study_has_differences_without_intervals(tmp_path):
    table = comparison.score_table(compared(tmp_path, THREE))
    found = significance.compare(table, {"own": "a"}, {"one": "x", "two": "x"})
    page = comparison_text.differences(found[2], found[1], [])
    assert "2 slices of 1 study, so there is no interval:" in page and "| c | +0.125 |" in page
    nobody = significance.compare(table)
    assert "No pair" in comparison_text.differences(nobody[2], nobody[1], [])


def test_numbers_in_the_pages():
    assert [comparison_text.score(v) for v in (-0.0001, 0.12345, -0.02)] == [
        "0.000",
        "0.123",
        "-0.020",
    ]
    assert [comparison_text.cost(v) for v in (1234.5, 99.94, 0.01234)] == ["1234", "99.9", "0.0123"]
