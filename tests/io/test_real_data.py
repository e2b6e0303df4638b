"""Real slices, native files and registry entries, import as they are."""

from pathlib import Path

import anndata
import numpy as np
import pytest
import yaml

from spclust import contracts, settings
from spclust.errors import UserError
from spclust.io.importing import import_cells

PROJECT = Path(__file__).resolve().parents[2]
DATA = PROJECT.parent / "shared" / "data"
NATIVE = DATA / "native"
needs_data = pytest.mark.skipif(
    not NATIVE.is_dir(), reason="the real slices of ../shared/data are not here"
)


@needs_data
def test_the_three_tables_of_a_kidney_slice_import_without_a_mapping():
    names = ["expression.csv.gz", "cell_data.csv", "scgp_annotations.csv"]
    cells = import_cells([NATIVE / f"DKD_kidney_000.{name}" for name in names], {})
    reference = anndata.read_h5ad(DATA / "dkd_codex_000.h5ad")
    assert list(cells.var_names) == list(reference.var_names)
    np.testing.assert_allclose(cells.X, reference.X, rtol=1e-6)
    np.testing.assert_allclose(cells.obsm["spatial"], reference.obsm["spatial"])
    assert cells.obs["label"].value_counts().to_list() == [2292, 1296, 1291, 343, 147]
    assert cells.obs["label"].isna().sum() == 18


@needs_data
@pytest.mark.parametrize("name", ["dkd_000", "schurch_crc_reg009A"])
def test_an_entry_of_the_registry_leaves_nothing_to_guess(name, caplog):
    """The files of the registry, as far as they lie here, read with the mapping given there."""
    entry = yaml.safe_load((PROJECT / "config" / "datasets.yaml").read_text())[name]
    paths = [NATIVE / settings.file_name(file) for file in entry["files"]]
    paths = [p if p.exists() else p.with_name(f"{p.name}.gz") for p in paths]
    cells = import_cells(paths, settings.import_cfg(entry))
    assert cells.shape == {"dkd_000": (5387, 21)}.get(name, (2434, 56))
    assert "Paste this" not in caplog.text


@needs_data
def test_the_celesta_table_imports_with_its_56_proteins_without_a_mapping():
    cells = import_cells([NATIVE / "celesta_imaging_data.csv.gz"], {})
    reference = anndata.read_h5ad(DATA / "schurch_crc_codex_reg009A.h5ad")
    assert set(cells.var_names) == set(reference.var_names)
    np.testing.assert_allclose(cells[:, reference.var_names].X, reference.X, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(cells.obsm["spatial"], reference.obsm["spatial"])
    assert cells.obs["label"].nunique() == 9 and cells.obs["image"].unique() == ["reg009_A"]


@needs_data
def test_the_mcmicro_table_imports_without_stains_and_shapes():
    cells = import_cells([NATIVE / "mcmicro_exemplar-001_unmicst_cell.csv.gz"], {})
    assert cells.shape == (11201, 9) and "label" not in cells.obs
    assert list(cells.var_names) == "ELANE CD57 CD45 CD11B SMA CD16 ECAD FOXP3 NCAM".split()


@needs_data
def test_the_steinbock_folder_imports_all_15_images():
    cells = import_cells([NATIVE / "steinbock"], {})
    assert cells.shape == (404, 5) and cells.obs["image"].nunique() == 15


@needs_data
@pytest.mark.parametrize("path", sorted(DATA.glob("*.h5ad")), ids=lambda path: path.stem)
def test_every_real_h5ad_imports_without_a_mapping(path, tmp_path):
    if path.stem.startswith("scrna"):
        with pytest.raises(UserError, match="no coordinates"):
            import_cells([path], {})
        return
    cells = import_cells([path], {})
    contracts.write_cells(cells, tmp_path / "cells.h5ad")
    again = contracts.read_cells(tmp_path / "cells.h5ad", "imported")
    assert again.obs["label"].nunique() >= 3
    assert again.obs["image"].nunique() == again.obs["sample"].nunique()
