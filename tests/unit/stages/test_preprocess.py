"""Preprocessing: modalities, selection of features, and the panel."""

import logging

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from measured import DEFAULTS, counts, imported, protein

from spclust.data.cell_files import read_cells, write_cells
from spclust.errors import UserError
from spclust.stages.preprocess.preparation import apply, prepare


def test_each_modality_has_its_own_settings_over_the_shared_ones():
    rna, adt, other = counts(1, d=70), counts(2, d=8), counts(3, d=5)
    data = imported(rna=sp.csr_matrix(rna), adt=adt, protein=other)
    changes = {
        "modalities": DEFAULTS["modalities"]
        | {"rna": {"target_sum": 1e4, "highly_variable": 40, "pca_components": 10}}
    }
    cells = prepare(data, DEFAULTS | changes)
    assert {m: x.shape[1] for m, x in cells.features.items()} == {"rna": 10, "adt": 8, "protein": 5}
    assert list(cells.names["rna"][:2]) == ["PC1", "PC2"]
    np.testing.assert_array_equal(cells.features["adt"], protein(adt, {"normalisation": "clr"}))
    np.testing.assert_array_equal(cells.features["protein"], protein(other))
    used = {m: entry["settings"] for m, entry in cells.preprocessing.items()}
    assert used["adt"]["normalisation"] == "clr" and used["rna"]["target_sum"] == 1e4
    assert used["protein"]["highly_variable"] is None
    assert all("modalities" not in own for own in used.values())


def test_a_misspelt_modality_is_told(caplog):
    protien = {"modalities": DEFAULTS["modalities"] | {"protien": {"normalisation": "arcsinh"}}}
    prepare(imported(protein=counts(3, d=5)), DEFAULTS | protien)
    (told,) = [m for m in caplog.messages if "did you mean" in m]
    assert told == "preprocess.<name>.modalities: did you mean protein by protien?"


def test_the_defaults_fit_a_small_panel_of_genes_and_tags():
    cells = prepare(imported(rna=counts(1, d=30), adt=counts(2, d=8)), DEFAULTS)
    # 2,000 genes of 30 are all, and 50 components of 30 genes are the genes
    assert list(cells.names["rna"]) == [f"r{j}" for j in range(30)]
    assert cells.matrix.shape == (80, 38)


def test_the_defaults_leave_the_modality_that_proteins_come_in_alone():
    assert "protein" not in DEFAULTS["modalities"]


@pytest.mark.parametrize("modality", ["rna", "adt"])
def test_faults_name_the_modality_and_its_section(modality):
    tables = {"rna": counts(1), "adt": counts(2)}
    tables[modality][3, 5] = -1
    match = rf"{modality} feature '{modality[0]}5'.*<name>.modalities.{modality}.normalisation"
    with pytest.raises(UserError, match=match):
        prepare(imported(**tables), DEFAULTS)


def test_a_cell_without_rna_is_named_and_one_without_tags_goes_through():
    rna, adt = counts(1), counts(2)
    adt[4] = 0
    prepare(imported(rna=rna, adt=adt), DEFAULTS)
    rna[4] = 0
    with pytest.raises(UserError, match="'c4' .*every rna feature is zero.*remove such cells"):
        prepare(imported(rna=rna, adt=adt), DEFAULTS)


# --- genes: selection and components -----------------------------------------------------------


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_the_most_variable_features_are_those_planted(kind):
    x = np.random.default_rng(0).poisson(10, size=(300, 200)).astype(np.float32)
    # as much on average as the others, but twice in one half of the cells and none in the other
    x[:, :8] *= 2 * ((np.arange(300)[:, None] + np.arange(8)) % 2)
    x[:, 20] = 0  # as a gene that no cell has
    cells = prepare(imported(protein=kind(x)), DEFAULTS | {"highly_variable": 30})
    assert {f"p{j}" for j in range(8)} < set(cells.names["protein"])
    assert cells.features["protein"].shape == (300, 30)
    assert cells.preprocessing["protein"]["constants"]["kept"].shape == (200,)


def test_logarithms_are_needed_to_select_and_the_message_says_so():
    for values, changes in [
        (counts(), {"normalisation": "none"}),
        (counts() + 0.5, {"normalisation": "none"}),
        (counts(), {"normalisation": "clr"}),
    ]:
        values[0, 0] = 1000
        with pytest.raises(UserError, match="by logarithms.*highly_variable: null.*ation: total"):
            protein(values, {"highly_variable": 6, **changes})


def test_components_are_those_of_the_scaled_features():
    x = counts()
    scaled, scores = protein(x), protein(x, {"pca_components": 3})
    _, _, axes = np.linalg.svd(scaled - scaled.mean(0), full_matrices=False)
    expected = (scaled - scaled.mean(0)) @ axes[:3].T
    np.testing.assert_allclose(np.abs(scores), np.abs(expected), rtol=1e-3, atol=1e-3)


def test_few_cells_allow_few_components(caplog):
    caplog.set_level(logging.INFO)
    assert protein(counts(n=5), {"pca_components": 50}).shape == (5, 4)
    assert protein(counts(n=50), {"pca_components": 50}).shape == (50, 12)
    assert "12 features, no more than preprocess.<name>.pca_components 50" in caplog.text


# --- scaling within slices and images ----------------------------------------------------------


PANEL = ["CD3", "CD4", "CD8", "CD20", "CD68", "CD31", "PanCK", "CD56", "Ki67", "PD-1"]


def proteins(seed=0, n=30, names=PANEL):
    x = np.random.default_rng(seed).gamma(2.0, 3.0, size=(n, len(names)))
    obs = pd.DataFrame(index=[f"c{i}" for i in range(n)])
    part = anndata.AnnData(x.astype(np.float32), obs=obs, var=pd.DataFrame(index=names))
    return imported(protein=part)


def test_a_panel_leaves_states_aside_and_prepares_all_features_alike():
    whole, some = (prepare(proteins(), DEFAULTS | {"panel": p}) for p in ("all", "auto"))
    assert not whole.aside and some.names["protein"].tolist() == PANEL[:8]
    assert some.aside_names["protein"].tolist() == PANEL[8:]
    np.testing.assert_array_equal(some.whole().matrix, whole.matrix)
    np.testing.assert_array_equal(some.matrix, whole.matrix[:, :8])


@pytest.mark.parametrize(
    "setting", [{}, {"scale_within": "slice"}, {"pca_components": 3}, {"scale": False}]
)
def test_other_cells_go_through_the_same_panel(tmp_path, setting):
    data = proteins()
    cells = prepare(data, DEFAULTS | {"panel": ["CD3", "Ki67", "CD68", "PanCK"]} | setting)
    write_cells(cells, tmp_path / "cells.h5mu")
    stored = read_cells(tmp_path / "cells.h5mu", "prepared")
    again, missing = apply(data, stored.preprocessing, stored.names)
    for found in (stored, again):
        np.testing.assert_allclose(found.matrix, cells.matrix, atol=1e-5)
        np.testing.assert_allclose(found.aside["protein"], cells.aside["protein"], atol=1e-5)
        assert found.aside_names["protein"].tolist() == cells.aside_names["protein"].tolist()
    assert missing == {"protein": []}


def test_what_does_not_cluster_may_be_missing_in_other_cells():
    cells = prepare(proteins(), DEFAULTS | {"panel": "lineage"})
    fewer = proteins(1, names=PANEL[:8])
    applied, missing = apply(fewer, cells.preprocessing, cells.names)
    assert missing == {"protein": []} and applied.matrix.shape == (30, 8)


def test_a_panel_says_what_it_leaves_out_and_refuses_unknown_names(caplog):
    with caplog.at_level(logging.INFO):
        prepare(proteins(), DEFAULTS | {"panel": "lineage"})
    assert "8 of 10 features cluster; left to markers, figures and export: Ki67" in caplog.text
    with pytest.raises(UserError, match=r"preprocess\.<name>\.panel: no feature is called 'CD99x'"):
        prepare(proteins(), DEFAULTS | {"panel": ["CD3", "CD99x"]})
