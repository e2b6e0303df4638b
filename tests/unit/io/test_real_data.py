"""Real slices, native files and registry entries, import as they are."""

import csv

import anndata
import numpy as np
import pytest
from configurations import MEASURED

from spclust.data.cell_files import read_mudata, write_mudata
from spclust.errors import UserError
from spclust.io import cohort
from spclust.io.importing import import_cells
from spclust.plan import datasets

REGISTRY = datasets.registry({})


@pytest.fixture
def native(real_data):
    """Tables as programs write them."""
    return real_data / "native"


def test_the_three_tables_of_a_kidney_slice_import_without_a_mapping(native, real_data):
    names = ["expression.csv.gz", "cell_data.csv", "scgp_annotations.csv"]
    data, labels = import_cells([native / f"DKD_kidney_000.{name}" for name in names], {})
    cells = data["protein"]
    reference = anndata.read_h5ad(real_data / "dkd_codex_000.h5ad")
    assert list(cells.var_names) == list(reference.var_names)
    np.testing.assert_allclose(cells.X, reference.X, rtol=1e-6)
    np.testing.assert_allclose(data.obsm["spatial"], reference.obsm["spatial"])
    assert labels["label"].value_counts().to_list() == [2292, 1296, 1291, 343, 147]
    assert labels["scored"].all() and len(data) - len(labels) == 18


@pytest.mark.parametrize("name", ["dkd_000", "schurch_crc_reg009A"])
def test_an_entry_of_the_registry_leaves_nothing_to_guess(name, caplog, native):
    """The files of the registry, as far as they lie here, read with the mapping given there."""
    entry = REGISTRY[name][1]
    paths = [native / datasets.file_name(file) for file in entry["files"]]
    paths = [p if p.exists() else p.with_name(f"{p.name}.gz") for p in paths]
    data, _ = import_cells(paths, datasets.import_cfg(entry))
    assert data["protein"].shape == {"dkd_000": (5387, 21)}.get(name, (2434, 56))
    assert "Paste this" not in caplog.text


def test_the_celesta_table_imports_with_its_56_proteins_without_a_mapping(native, real_data):
    data, labels = import_cells([native / "celesta_imaging_data.csv.gz"], {})
    cells = data["protein"]
    reference = anndata.read_h5ad(real_data / "schurch_crc_codex_reg009A.h5ad")
    assert set(cells.var_names) == set(reference.var_names)
    np.testing.assert_allclose(cells[:, reference.var_names].X, reference.X, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(data.obsm["spatial"], reference.obsm["spatial"])
    assert labels.loc[labels["scored"], "label"].nunique() == 9
    assert data.obs["image"].unique() == ["reg009_A"]


def test_the_mcmicro_table_imports_without_stains_and_shapes(native):
    data, labels = import_cells([native / "mcmicro_exemplar-001_unmicst_cell.csv.gz"], {})
    cells = data["protein"]
    assert cells.shape == (11201, 9) and labels.empty
    assert list(cells.var_names) == "ELANE CD57 CD45 CD11B SMA CD16 ECAD FOXP3 NCAM".split()


def test_the_steinbock_folder_imports_all_15_images(native):
    data, _ = import_cells([native / "steinbock"], {})
    # an isotope is the name that the panel gives one of the channels
    assert data["protein"].shape == (404, 5) and data.obs["image"].nunique() == 15


def test_every_real_h5ad_imports_without_a_mapping(tmp_path, real_data):
    paths = [path for path in real_data.glob("*.h5ad") if not path.stem.startswith("scrna")]
    assert len(paths) > 15
    for path in paths:
        data, labels = import_cells([path], {})
        write_mudata(data, tmp_path / "cells.h5mu")
        again = read_mudata(tmp_path / "cells.h5mu", "imported")
        assert labels.loc[labels["scored"], "label"].nunique() >= 3, path
        assert again.obs["image"].nunique() == again["protein"].obs["sample"].nunique(), path


def test_cells_without_places_import_once_that_is_said(real_data):
    (path,) = real_data.glob("scrna*.h5ad")
    with pytest.raises(UserError, match="no coordinates.*x: null  where"):
        import_cells([path], {})
    assert np.isnan(import_cells([path], {"x": None})[0].obsm["spatial"]).all()


def test_every_measured_slice_lies_where_its_entry_says(real_data):
    """But for those of the paper, which were found at no address."""
    known = datasets.registry({"registries": [MEASURED]})
    entries = [entry for file, entry in known.values() if file == MEASURED and "study" in entry]
    paths = [entry["path"] for entry in entries if "path" in entry]
    files = [f for path in paths for f in ([path] if isinstance(path, str) else path.values())]
    assert len(files) > 15
    for file in files:
        assert file.startswith("resources/by_hand/"), file
        assert real_data.joinpath(file.rsplit("/", 1)[-1]).is_file(), file


def test_every_public_source_is_an_entry_that_can_be_downloaded(real_data):
    with open(real_data / "sources.tsv", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    assert len(rows) > 20
    for row in rows:
        files = {file["sha256"]: file for file in REGISTRY[row["dataset"]][1]["files"]}
        file = files[row["sha256"]]
        assert file["url"].endswith("/{repository}/{commit}/{path}".format(**row))
        assert file["bytes"] == int(row["bytes"])


def test_genes_and_tags_of_one_tissue_are_two_modalities(caplog, real_data):
    path = {m: f"{real_data}/sim_spamosaic_r1_s1_{m}.h5ad" for m in ("rna", "adt")}
    data, labels = import_cells(list(path.values()), {"path": path})
    assert {m: part.shape for m, part in data.mod.items()} == {
        "rna": (1296, 200),
        "adt": (1296, 100),
    }
    for m, part in data.mod.items():
        np.testing.assert_array_equal(part.X, anndata.read_h5ad(path[m]).X)
    assert len(labels) == 1296 and labels["label"].nunique() == 5
    assert not [r for r in caplog.records if "left out" in r.message or "differ" in r.message]


def test_four_patients_are_one_cohort(tmp_path, real_data):
    names = [f"p{i:02d}" for i in (5, 13, 28, 36)]
    parts = []
    for name in names:
        data, labels = import_cells([real_data / f"keren_tnbc_mibi_{name}.h5ad"], {"name": name})
        parts.append((name, data, labels))
    data, labels = cohort.join(parts, 50)
    write_mudata(data, tmp_path / "cells.h5mu")
    data = read_mudata(tmp_path / "cells.h5mu", "imported")
    assert data["protein"].shape == (5404 + 7663 + 6059 + 2937, 35)
    assert data.obs["slice"].value_counts().to_dict() == dict(zip(names, (5404, 7663, 6059, 2937)))
    assert data.obs["image"].nunique() == 4 and set(data.obs["image"]) == set(names)
    # 1 + 42 + 118 + 11 cells, scored in one slice only, now in all
    scored = labels[labels["scored"] & (labels["label"] == "NK")]
    assert len(scored) == 172 and labels["cell"].isin(data.obs_names).all()
