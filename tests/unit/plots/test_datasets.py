"""The figures of a dataset, before anything is clustered."""

import numpy as np
import pandas as pd
import pytest
from quality_tables import left_by_quality

from spclust.plots import captions, datasets, style


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Pixels take most of the time."""
    monkeypatch.setattr(style, "DPI", 60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the analysis leaves of a tissue with areas, in four images."""
    return left_by_quality(tmp_path_factory.mktemp("dataset") / "quality")


def drawn(folder):
    assert all(path.stat().st_size > 1000 for path in folder.iterdir())
    return {path.name for path in folder.iterdir()}


def test_a_dataset_gives_every_figure(folder, tmp_path):
    datasets.plot_dataset(tmp_path / "figures", {"quality": folder}, pdf=True)
    names = captions.captions("dataset")
    assert len(names) == 8
    assert drawn(tmp_path / "figures") == {f"{n}.{kind}" for n in names for kind in ("png", "pdf")}


def test_another_setting_has_figures_of_its_own(folder, tmp_path):
    seen = {"quality": folder, "quality-mine": folder}
    datasets.plot_dataset(tmp_path / "figures", seen)
    names = captions.captions("dataset")
    assert drawn(tmp_path / "figures") == {f"{n}{end}.png" for n in names for end in ("", "-mine")}


def test_an_empty_table_has_no_figure(folder, tmp_path, caplog):
    few = tmp_path / "quality"
    few.mkdir()
    for path in folder.iterdir():
        table = pd.read_csv(path) if path.suffix == ".csv" else None
        if table is not None:
            empty = path.stem in ("pairs", "corrections", "histograms", "densities")
            table[: 0 if empty else None].to_csv(few / path.name, index=False)
    with caplog.at_level("INFO"):
        datasets.plot_dataset(tmp_path / "figures", {"quality": few})
    assert "not drawn: quality_cells, which needs analyses.quality.histograms" in caplog.text
    found = {f"quality_{name}.png" for name in ("correlation", "images", "markers")}
    assert drawn(tmp_path / "figures") == found


def test_very_many_images_and_markers_still_fit_a_page(tmp_path):
    folder = left_by_quality(tmp_path / "quality", n_cells=4200, n_images=70, area=False)
    images = pd.read_csv(folder / "images.csv")
    assert len(images) == 70 and images["density"].notna().all()
    datasets.plot_dataset(tmp_path / "figures", {"quality": folder})
    for path in (tmp_path / "figures").iterdir():
        import matplotlib.image

        height, width, _ = np.shape(matplotlib.image.imread(path))
        assert height <= 11 * 60 and width <= 1.1 * style.WIDTH * 60, path.name
