"""A valid configuration with something at every kind of place, and what to spoil it with."""

import copy

from configurations import SHIPPED
from hypothesis import strategies as st

from spclust.plan import cards

VALID = SHIPPED | {
    "datasets": ["demo", {"name": "mine", "path": ["a.csv", "b.csv"], "label": "cell_type"}],
    "method": {"cold": {"recipe": "spclust", "temperature": 0.2, "hidden_dims": [8, 4]}},
    "graphs": {"k20": {"n_neighbors": 20, "spatial_graph": "radius", "radius": 40.0}},
    "preprocess": {"default": {"clip": None, "modalities": {"rna": {"clip": 3.0}}}},
    "transfer": {"model": "spclust", "from": "demo", "to": ["mine"]},
}

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1e-3", "auto", "none", "demo", "nan", "-1", "a/b", "../x", "{a}", "\0"])
    | st.dates()
    | st.binary(max_size=3)
)


def places(value, path=()):
    """Every place of a nested value but its root."""
    if isinstance(value, dict | list):
        for key, own in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(own, (*path, key))


def put(value, path, new):
    out = copy.deepcopy(value)
    inside = out
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return out


CARDS = cards.load()
PLACES = list(places(VALID))
