"""Folders, wildcards and lineage: all from the one list of stages."""

import re

import pytest

from spclust.plan import stages
from spclust.plan.stages import STAGES

CHOSEN = {"preprocess": "p", "pseudolabels": "l", "oversample": "o", "graphs": "g"}
WHOLE = "pseudolabels-l/oversample-o/graphs-g/"


def wildcards(chain=WHOLE, **others):
    return {"dataset": "d", "preprocess": "p", "seed": "7", "chain": chain} | others


def test_needed_stages_come_with_those_that_need_them_in_order():
    def needed(names, **pseudolabels):
        own = {name: stage.defaults for name, stage in STAGES.items()}
        own["pseudolabels"] = own["pseudolabels"] | pseudolabels
        return stages.with_needed(names, own.get)

    assert needed(["graphs", "oversample"]) == ["pseudolabels", "oversample", "graphs"]
    assert needed([]) == []
    assert needed(["oversample"], method="vote") == ["votes", "pseudolabels", "oversample"]


@pytest.mark.parametrize("left_out", [[], ["graphs"], ["pseudolabels", "oversample"]])
def test_a_run_s_folder_is_read_back_by_its_wildcards(left_out):
    chosen = {stage: name for stage, name in CHOSEN.items() if stage not in left_out}
    folder = stages.run_folder("d", 7, chosen, "m")
    pattern = stages.pathvars()["run"].replace("<replicate>", stages.pathvars()["replicate"])
    for name, constraint in stages.wildcard_constraints().items():
        pattern = pattern.replace(f"{{{name}}}", f"(?P<{name}>{constraint})")
    found = re.fullmatch(pattern, folder).groupdict()
    assert stages.chosen_in(found) == chosen
    assert (found["dataset"], found["seed"], found["method"]) == ("d", "7", "m")


def test_no_stage_out_of_its_order_is_a_path():
    chain = stages.wildcard_constraints()["chain"]
    assert re.fullmatch(chain, "graphs-g/") and re.fullmatch(chain, "")
    assert not re.fullmatch(chain, "graphs-g/pseudolabels-l/")


def test_the_nearest_file_is_that_of_the_last_stage_that_makes_one():
    prepared = "results/d/preprocess-p"
    assert stages.nearest("cells.h5mu", wildcards()) == (
        f"{prepared}/seed-7/pseudolabels-l/oversample-o/cells.h5mu"
    )
    assert stages.nearest("cells.h5mu", wildcards("graphs-g/")) == f"{prepared}/cells.h5mu"
    assert stages.nearest("graphs.npz", wildcards("graphs-g/")) == (
        f"{prepared}/seed-7/graphs-g/graphs.npz"
    )
    # not of a stage below the one that asks
    assert stages.nearest("cells.h5mu", wildcards("pseudolabels-l/")) == f"{prepared}/cells.h5mu"
    assert stages.nearest("cells.h5mu", {"dataset": "d"}) == "results/d/cells.h5mu"


def test_every_setting_has_a_default_that_its_schema_allows():
    import jsonschema

    for stage in STAGES.values():
        for key, schema in stage.settings.items():
            jsonschema.validate(schema["default"], schema)
            assert schema["description"].rstrip().endswith("."), key
        assert all(set(own) <= set(stage.settings) for own in stage.named.values())
