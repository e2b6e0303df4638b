"""CosMx, MERSCOPE and Xenium: expression and places of cells, controls left out."""

import gzip
from importlib.util import find_spec

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spclust.data.cell_files import unit_of
from spclust.errors import UserError
from spclust.io.importing import import_cells, import_slice
from spclust.plan import datasets

N = 60
GENES = ["CD3E", "MS4A1", "HLA-DQB1/2"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def cosmx(tmp_path, rng):
    """Two fields of view in which ids start anew, and counts outside of cells."""
    cell = pd.DataFrame({"fov": np.repeat([16, 17], N // 2), "cell_ID": [*range(1, 31)] * 2})
    counts = pd.DataFrame(rng.poisson(3, (N, 3)), columns=GENES)
    counts[["NegPrb01", "Negative2", "SystemControl7"]] = 1
    expression = pd.concat([cell, counts], axis=1)
    expression.insert(2, "cell", [f"c_1_{i}" for i in range(N)])
    outside = expression.iloc[[0, 30]].assign(cell_ID=0)
    metadata = cell.assign(
        Area=50,
        cell=expression["cell"],
        CenterX_local_px=rng.uniform(size=N),
        CenterY_local_px=rng.uniform(size=N),
        CenterX_global_px=rng.uniform(0, 9000, N),
        CenterY_global_px=rng.uniform(0, 9000, N),
        **{"Mean.CD45": 7.5, "Max.CD45": 9},
    )

    def write(change=lambda expression, metadata: None):
        whole = pd.concat([outside, expression])
        change(whole, metadata)
        paths = [tmp_path / f"S0_{name}_file.csv.gz" for name in ("exprMat", "metadata")]
        whole.to_csv(paths[0], index=False)
        metadata.sample(frac=1, random_state=0).to_csv(paths[1], index=False)
        return paths, expression, metadata.sample(frac=1, random_state=0)

    return write


def test_cosmx_has_genes_of_one_table_and_places_of_the_other(cosmx, caplog):
    paths, expression, metadata = cosmx()
    for files in (paths, paths[::-1]):
        data, _ = import_cells(files, {})
        cells = data["rna"]
        assert list(data.mod) == ["rna"] and list(cells.var_names) == GENES
        order = metadata.index
        np.testing.assert_array_equal(cells.X.toarray(), expression.loc[order, GENES])
        np.testing.assert_allclose(
            data.obsm["spatial"], metadata[["CenterX_global_px", "CenterY_global_px"]], rtol=1e-6
        )
        assert data.obs["image"].value_counts().to_dict() == {"16": 30, "17": 30}
        assert set(data.obs_names) == {f"{f}_{i}" for f in (16, 17) for i in range(1, 31)}
        assert unit_of(data) == "px" and set(cells.obs["Mean.CD45"]) == {7.5}
    assert "3 controls are left out: NegPrb01, Negative2, SystemControl7" in caplog.text
    assert "2 of its 62 rows are left out" in caplog.text


def test_every_row_of_the_table_of_cells_is_known(cosmx):
    def lacking(expression, metadata):
        expression.drop(index=expression.index[expression["cell_ID"] == 7], inplace=True)

    paths, _, metadata = cosmx(lacking)
    data, _, rows = import_slice(paths, {})
    assert rows["cell"].dropna().tolist() == data.obs_names.tolist() and len(data) == N - 2
    assert rows["id"].tolist() == metadata["cell_ID"].astype(str).tolist()
    assert rows["row"].tolist() == list(range(2, N + 2)) and set(rows["file"]) == {str(paths[1])}
    np.testing.assert_allclose(rows["x"], metadata["CenterX_global_px"])
    out = (metadata["cell_ID"] == 7).to_numpy()
    assert rows["cell"].isna().tolist() == out.tolist()
    assert set(rows["left_out"][out]) == {f"not in {paths[0]}"}
    assert rows["image"][~out].tolist() == metadata["fov"][~out].astype(str).tolist()


def test_cosmx_proteins_are_a_modality_of_their_own_name(cosmx):
    def proteins(expression, metadata):
        expression[GENES] = expression[GENES] + 0.5
        expression.rename(columns={"MS4A1": "CD20", "CD3E": "Ms IgG1"}, inplace=True)

    data, _ = import_cells(cosmx(proteins)[0], {})
    assert list(data.mod) == ["protein"]
    assert list(data["protein"].var_names) == ["CD20", "HLA-DQB1/2"]


@pytest.mark.parametrize(
    ("said", "isotype", "modality"),
    [({}, "CD3E", "rna"), ({}, "Rb IgG", "protein"), ({"modality": "adt"}, "CD3E", "adt")],
)
def test_counts_are_genes_unless_antibodies_are_among_them(cosmx, said, isotype, modality):
    def named(expression, metadata):
        expression.rename(columns={"CD3E": isotype}, inplace=True)

    paths = cosmx(named)[0]
    definition = {"name": "mine", "path": [str(path) for path in paths], **said}
    cfg = datasets.import_cfg(datasets.defaults_of("dataset") | definition)
    assert list(import_cells(paths, cfg)[0].mod) == [modality]


def test_a_folder_of_cosmx_counts_as_its_two_tables(cosmx, tmp_path):
    paths, _, metadata = cosmx()
    metadata[["fov", "cell_ID"]].assign(x_local_px=1, target="CD3E").to_csv(
        tmp_path / "S0_tx_file.csv"
    )
    metadata[["fov"]].assign(x_global_px=1).to_csv(tmp_path / "S0_fov_positions_file.csv")
    notes = tmp_path / "metadata.json"
    notes.write_text("{}")
    assert datasets.local_files({"name": "a", "path": str(tmp_path)}) == [*map(str, paths)]
    notes.unlink()
    assert len(import_cells([tmp_path], {})[0]) == N
    everything = sorted(tmp_path.iterdir())
    assert len(everything) == 4 and len(import_cells(everything, {})[0]) == N


def test_two_slides_of_cosmx_are_two_datasets(cosmx, tmp_path):
    for path in cosmx()[0]:
        (tmp_path / f"other_{path.name}").write_bytes(path.read_bytes())
    with pytest.raises(UserError, match="there are 2 and 2; make each slide a dataset"):
        import_cells([tmp_path], {})


def test_tables_of_other_cells_are_refused(cosmx):
    def other(expression, metadata):
        metadata["cell_ID"] += 1000

    with pytest.raises(UserError, match="no cell in common: ids such as .*'16', '0'"):
        import_cells(cosmx(other)[0], {})


def test_a_value_of_an_expression_table_is_named_by_file_and_line(cosmx):
    def gap(expression, metadata):
        metadata.loc[0, "CenterX_global_px"] = np.nan

    with pytest.raises(UserError, match="metadata_file.csv.gz, line .*CenterX_global_px"):
        import_cells(cosmx(gap)[0], {})


def test_merscope_has_long_ids_kept_and_blanks_left_out(tmp_path, rng, caplog):
    ids = [2698580000210000000 + i for i in range(N)]
    counts = pd.DataFrame(rng.poisson(3, (N, 3)), columns=GENES).assign(**{"Blank-1": 0})
    counts.insert(0, "cell", ids)
    about = pd.DataFrame({"EntityID": ids, "fov": [1] * 30 + [2] * 30, "volume": 9.5})
    about[["center_x", "center_y"]] = rng.uniform(0, 900, (N, 2))
    about["Anti-Ms-CD45RA_raw"] = 1
    counts.to_csv(tmp_path / "cell_by_gene.csv", index=False)
    about[::-1].to_csv(tmp_path / "cell_metadata.csv", index=False)
    (tmp_path / "detected_transcripts.csv").write_text(",gene\n0,CD3E\n")
    data, _ = import_cells([tmp_path], {})
    assert list(data["rna"].var_names) == GENES and unit_of(data) == "µm"
    assert list(data.obs_names) == [*map(str, ids[::-1])]
    np.testing.assert_array_equal(data["rna"].X.toarray(), counts[GENES][::-1])
    np.testing.assert_allclose(data.obsm["spatial"], about[["center_x", "center_y"]][::-1], 1e-6)
    assert data.obs["image"].nunique() == 2 and "1 controls are left out: Blank-1" in caplog.text
    # as older versions write them: no name above the ids
    about.set_index("EntityID").rename_axis(None).to_csv(tmp_path / "cell_metadata.csv")
    assert len(import_cells([tmp_path], {})[0]) == N


@pytest.fixture
def xenium(tmp_path, rng):
    """The matrix is in the order of the cells, of which the table has one more."""
    names = [*GENES, "CD3E", "CD20", "CD8A", "NegControlProbe_1", "BLANK_1"]
    kinds = ["Gene Expression"] * 4 + ["Protein Expression"] * 2
    kinds += ["Negative Control Probe", "Unassigned Codeword"]
    ids = [f"aaaa{i:03d}-1" for i in range(N)]
    cells = pd.DataFrame({"cell_id": ids, "cell_area": 9.5})
    cells[["x_centroid", "y_centroid"]] = rng.uniform(0, 900, (N, 2))
    counts = rng.poisson(2, (N - 1, len(names)))
    matrix = sp.csc_matrix(counts.T)
    with h5py.File(tmp_path / "cell_feature_matrix.h5", "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(ids[:-1], dtype="S")
        for key in ("data", "indices", "indptr"):
            group[key] = getattr(matrix, key)
        group["shape"] = matrix.shape
        features = group.create_group("features")
        features["name"] = np.array(names, dtype="S")
        features["id"] = np.array([f"ENSG{i}" for i in range(len(names))], dtype="S")
        features["feature_type"] = np.array(kinds, dtype="S")
    return cells, counts


WRITE = {
    "cells.csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "cells.parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.mark.parametrize("name", WRITE)
def test_xenium_has_genes_and_proteins(xenium, tmp_path, name, caplog):
    if "parquet" in name and find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed")
    cells, counts = xenium
    WRITE[name](cells[::-1], tmp_path / name)
    (tmp_path / "metrics_summary.csv").write_text("a,b\n1,2\n")
    with gzip.open(tmp_path / "transcripts.csv.gz", "wt") as file:
        file.write("transcript_id,cell_id\n1,aaaa001-1\n")
    data, _ = import_cells([tmp_path], {})
    assert {m: list(part.var_names) for m, part in data.mod.items()} == {
        "rna": ["CD3E_ENSG0", "MS4A1", "HLA-DQB1/2", "CD3E_ENSG3"],
        "protein": ["CD20", "CD8A"],
    }
    assert list(data.obs_names) == list(cells["cell_id"][:-1][::-1])
    np.testing.assert_array_equal(data["rna"].X.toarray(), counts[::-1, :4])
    np.testing.assert_array_equal(data["protein"].X.toarray(), counts[::-1, 4:6])
    places = cells[["x_centroid", "y_centroid"]][:-1][::-1]
    np.testing.assert_allclose(data.obsm["spatial"], places, rtol=1e-6)
    assert unit_of(data) == "µm" and "2 controls are left out" in caplog.text
    assert "1 of its 60 rows are left out" in caplog.text


def test_a_matrix_alone_is_told_what_belongs_to_it(xenium, tmp_path):
    with pytest.raises(UserError, match="no places of cells.*path: .cells.parquet, cell_feature"):
        import_cells([tmp_path / "cell_feature_matrix.h5"], {})
    xenium[0].assign(transcript_counts=9).to_csv(tmp_path / "cells.csv", index=False)
    with pytest.raises(UserError, match="there are 1 and 0; name them as  path:"):
        import_cells([tmp_path / "cells.csv"], {})
    with h5py.File(tmp_path / "old_matrix.h5", "w") as file:
        file["matrix/genes"] = [1]
    with pytest.raises(UserError, match="old_matrix.h5: not a matrix of 10x Genomics as of today"):
        import_cells([tmp_path / "cells.csv", tmp_path / "old_matrix.h5"], {})


@pytest.mark.parametrize(
    ("folder", "shape"),
    [("21_cosmx_rna", {"rna": (29, 1000)}), ("23_merscope", {"rna": (50, 10)})],
)
def test_real_layouts(folder, shape, shared_tables):
    data, _ = import_cells([shared_tables / folder], {})
    assert {m: part.shape for m, part in data.mod.items()} == shape
