"""Faults listed in ``faults/``: each is refused with its place and its remedy."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from configurations import resolve
from measured import imported

from spclust.errors import UserError
from spclust.io.importing import import_cells
from spclust.plan.stages import STAGES
from spclust.stages.preprocess.preparation import prepare

FOLDER = Path(__file__).parent
CONFIG = yaml.safe_load((FOLDER / "config.yaml").read_text())
TABLES = yaml.safe_load((FOLDER / "tables.yaml").read_text())


VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())


def test_there_are_many_and_none_twice():
    assert len(CONFIG) + len(TABLES["faults"]) + len(VALUES) >= 250
    texts = [text for text, _ in CONFIG.values()]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("fault", CONFIG)
def test_a_fault_of_a_configuration(fault):
    text, names = CONFIG[fault]
    with pytest.raises(UserError) as error:
        resolve(text)
    message = str(error.value)
    assert not [name for name in names if name not in message], message
    lines = message.removeprefix("configuration:\n").split("\n")
    assert all(len(line) < 800 for line in lines), message


@pytest.mark.parametrize("fault", TABLES["faults"])
def test_a_fault_of_a_table(tmp_path, fault):
    entry = TABLES["faults"][fault]
    text = entry.get("text", TABLES["table"])
    for old, new in entry.get("replace", {}).items():
        assert old in text
        text = text.replace(old, new)
    encoding = entry.get("encoding", "utf-8")
    content = text.encode(encoding.removesuffix("-bom"))
    path = tmp_path / "cells.csv"
    path.write_bytes(b"\xfe\xff" + content if encoding.endswith("-bom") else content)
    with pytest.raises(UserError) as error:
        import_cells([path], entry.get("cfg", {}))
    message = str(error.value)
    assert not [name for name in entry["names"] if name not in message], message
    assert "\n" not in message and re.search(f"^`|{tmp_path.parent}", message), message


@pytest.mark.parametrize("fault", VALUES)
def test_a_fault_of_values(fault):
    text, settings, names = VALUES[fault]
    cells = imported(protein=np.array(yaml.safe_load(text), dtype=np.float32))
    with pytest.raises(UserError) as error:
        prepare(cells, STAGES["preprocess"].defaults | settings)
    message = str(error.value)
    assert not [name for name in names if name not in message] and "\n" not in message, message
