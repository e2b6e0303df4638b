"""``n_clusters.json``: how many clusters a dataset is divided into."""

import json
from pathlib import Path

from spclust.data.tables import rebuild


def read_n_clusters(path):
    """The number of clusters that was chosen for a slice."""
    try:
        return int(json.loads(Path(path).read_text())["n_clusters"])
    except (OSError, ValueError, KeyError) as error:
        raise rebuild(path, f"holds no n_clusters ({error})", "choose_n_clusters") from error
