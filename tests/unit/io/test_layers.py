"""Values that were measured may stand in a layer or in raw; the export has the file's own X."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spclust.data.cell_files import GIVEN, read_mudata, write_mudata
from spclust.errors import UserError
from spclust.io.importing import import_cells


def standardised(cells):
    """As scanpy leaves them: X of z-scores, what was measured beside it."""
    cells.layers["counts"] = sp.csr_matrix(cells.X)
    names = ["CD20", "CD3", "CD4"]  # more features, in another order
    cells.raw = anndata.AnnData(
        2 * cells.X[:, [1, 0, 0]], obs=cells.obs, var=pd.DataFrame(index=names)
    )
    cells.X = (cells.X - cells.X.mean(0)) / cells.X.std(0)


@pytest.mark.parametrize("layer, factor", [("counts", 1), ("raw", 2)])
def test_a_layer_or_raw_is_taken_and_the_file_comes_back_as_it_was(
    h5ad, frame, layer, factor, tmp_path
):
    path = h5ad(standardised)
    data, _ = import_cells([path], {"layer": layer, "exclude_proteins": []})
    write_mudata(data, tmp_path / "cells.h5mu")
    data = read_mudata(tmp_path / "cells.h5mu", "imported")
    part = data["protein"]
    values = part.X.toarray() if sp.issparse(part.X) else part.X
    np.testing.assert_allclose(values, factor * frame[["CD3", "CD20"]], rtol=1e-6)
    assert part.X.dtype == np.float32 and list(part.var_names) == ["CD3", "CD20"]
    # what export puts back
    np.testing.assert_array_equal(part.layers[GIVEN], anndata.read_h5ad(path).X)
    assert set(part.layers) == {"counts", GIVEN} and part.raw.shape == (120, 3)


def test_a_layer_named_raw_is_before_raw(h5ad, frame):
    def change(cells):
        standardised(cells)
        cells.layers["raw"] = 3 * frame[["CD3", "CD20"]].to_numpy()

    data, _ = import_cells([h5ad(change)], {"layer": "raw"})
    np.testing.assert_allclose(data["protein"].X, 3 * frame[["CD3", "CD20"]], rtol=1e-6)


def test_each_modality_may_have_its_layer(two, h5mu):
    counts = two["rna"].X.copy()
    two["rna"].layers["counts"], two["rna"].X = counts, np.log1p(counts)
    data, _ = import_cells([h5mu()], {"layer": {"rna": "counts"}})
    np.testing.assert_array_equal(data["rna"].X, counts)
    assert GIVEN in data["rna"].layers and GIVEN not in data["adt"].layers
    with pytest.raises(UserError, match="no modality 'gex', for which `layer`.*are: rna, adt"):
        import_cells([h5mu()], {"layer": {"gex": "counts"}})
    with pytest.raises(UserError, match="modality 'adt': there is no layer 'counts'.*are: none"):
        import_cells([h5mu()], {"layer": "counts"})


def test_what_is_not_there_is_refused_by_name(h5ad, save, frame):
    with pytest.raises(UserError, match=r"no layer 'count'.*mean  layer: counts. .*: counts, raw"):
        import_cells([h5ad(standardised)], {"layer": "count"})
    with pytest.raises(
        UserError, match="`layer` is of h5ad, h5mu and Zarr files, and the format is tab"
    ):
        import_cells([save(frame)], {"layer": "raw"})

    def lacking(cells):
        cells.raw = cells[:, ["CD3"]].copy()

    with pytest.raises(UserError, match="raw lacks 1 of the features of X, e.g. 'CD20'"):
        import_cells([h5ad(lacking)], {"layer": "raw"})


def test_transformed_values_beside_others_are_said(h5ad, caplog):
    import_cells([h5ad(standardised)], {})
    assert "X has negative values" in caplog.text and "write  layer: counts" in caplog.text
    caplog.clear()
    import_cells([h5ad(lambda cells: cells.layers.update(counts=cells.X))], {})
    import_cells([h5ad(standardised)], {"layer": "counts"})
    assert "negative" not in caplog.text
