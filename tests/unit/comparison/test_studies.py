"""The configurations of comparisons in config/studies."""

from collections import defaultdict

import pytest
import yaml
from pages import lines
from workflow import ROOT

from spclust.plan import cards, datasets, settings


def study(name):
    return yaml.safe_load((ROOT / f"config/studies/{name}.yaml").read_text())


def known():
    """Definitions of all datasets that are known by name, those of the measurements among them."""
    entries = datasets.registry({"registries": ["tests/measured/datasets.yaml"]})
    return {name: entry for name, (_, entry) in entries.items()}


WANTED = {"spagcn": "logarithms", "spatialleiden": "logarithms", "stdgcc": "not_centred"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config/studies").glob("*.yaml")), ids=lambda p: p.stem
)
def test_studies_are_valid_and_treat_a_slice_alike_for_every_method(path):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | study(path.stem)
    plan = settings.resolve(config)
    # one preparation in a group, but for what a method's own card wants or its authors do to genes
    prepared = {
        (dataset, run.group, run.chosen["preprocess"])
        for dataset, run, _ in plan.results
        if run.chosen["preprocess"] != WANTED.get(plan.card(run.method).name)
        and run.chosen["preprocess"] != plan.card(run.method).name
    }
    groups = {run.group for _, run, _ in plan.results}
    for group in groups:
        of_group = defaultdict(list)
        for dataset, run, _ in plan.results:
            if run.group == group:
                of_group[dataset].append(run.name)
        # every run of the group on every slice of it, as often as there are seeds
        first, *others = map(sorted, of_group.values())
        assert all(other == first for other in others)
        assert first == sorted([*set(first)] * len(config["seeds"]))
        assert sum(g == group for _, g, _ in prepared) == len(of_group)
        # what is brought together are the slices of a cohort
        assert {*of_group} == {
            d for d in plan.datasets if group != "harmony" or "slices" in plan.slices[d]
        }


def test_both_studies_run_the_same_methods_with_the_same_settings():
    full, small = study("comparison"), study("comparison_small")
    # the values of the small one count in the other
    assert {*full.pop("datasets")} > {*small.pop("datasets")}
    of_full, parts = (config["comparison"].pop("parts") for config in (full, small))
    assert full == small and small["kept"] == "tests/measured/comparison"
    assert {name: part["runs"] for name, part in of_full.items()} == {
        name: part["runs"] for name, part in parts.items()
    }
    # every run in one part, none of them longer than two hours
    in_parts = [run for part in parts.values() for run in part["runs"]]
    assert sorted(in_parts) == sorted(run["name"] for run in small["runs"])
    every = [*parts.values(), *of_full.values()]
    assert all(part["hours"] <= 2 and "datasets" not in part for part in every)
    # all there are for proteins of one modality, and each that competes on the same cells too
    found = cards.load()
    names = {run["name"] for run in full["runs"]}
    # the first is no method of its own, the others want several modalities or genes
    others = {
        "first_labels",
        "wnn",
        "mofa",
        "graphst",
        "scrcl",
        "scrcl_oracle",
        "spotscape",
        "stagate",
        "crct",
        "praga",
        "spamca",
        "spatialglue",
    }
    one = set(found) - others
    assert one <= names
    assert {f"{name}_i" for name in one if not found[name].control} <= names


def test_slices_say_what_their_labels_are():
    registry = known()
    datasets = {
        name for path in ("comparison", "comparison_small") for name in study(path)["datasets"]
    }
    for name in datasets:
        assert {"label_origin", "study"} <= set(registry[name]), name
    for name, entry in registry.items():
        if "SCGP" in str(entry.get("label_origin")):
            assert entry["label_kind"] == "partition", name
    assert {name for name in datasets if "defaults" in registry[name].get("labels_seen", "")} == {
        "dkd_codex_000",
        "schurch_009A",
        "schurch_regions",
    }
    assert not registry["phenoptr_lung"]["drop_unscored"]


def test_studies_of_genes_are_of_slices_alone_and_together_and_of_cells_without_places():
    registry = known()
    base = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for name in ("multislice", "rna"):
        plan = settings.resolve(base | study(name))
        assert {seed for *_, seed in plan.results} == {42, 43, 44, 45, 46}
        assert f"| `{name}` |" in lines("how to compare")
    datasets = study("multislice")["datasets"]
    for cohort in ("starmap", "starmap_regions"):
        slices = registry[cohort]["slices"]
        assert len(slices) == 2 and {cohort, *slices} <= set(datasets)
        # the same kind of labels alone and together, so that one table holds them
        kinds = {registry[d].get("label_kind", "types") for d in [cohort, *slices]}
        assert len(kinds) == 1
    for name in study("rna")["datasets"]:
        assert registry[name]["x"] is None
    # no method of the study of cells without places asks for any: its graphs have no spatial one
    plan = settings.resolve(base | study("rna"))
    for _, run, _ in plan.results:
        if "graphs" in run.chosen:
            assert plan.cfg("graphs", run.chosen["graphs"])["spatial_graph"] == "none", run.name


# entries by download and by path that hold the same cells
SAME = {
    "dkd_000": "dkd_codex_000",
    "dkd_010": "dkd_codex_010",
    "upmc_hnscc_reg001": "upmc_001",
    "upmc_hnscc_reg014": "upmc_014",
    "schurch_crc_reg009A": "schurch_009A",
    "scimap_tcycif": "scimap_lymphoma",
}


@pytest.mark.parametrize("entry", SAME)
def test_entries_of_the_same_cells_say_the_same_of_their_labels(entry):
    registry = known()
    one, other = (
        {key: registry[name].get(key) for key in datasets.OF_COMPARISON}
        for name in (entry, SAME[entry])
    )
    assert one == other and one["labels_seen"] and one["label_origin"]
