"""The pool of first labels: how well its members agree, and how sure the vote is."""

import numpy as np

from spclust.plots import style

CAPTION = (
    "The pool of first labels. Left: mean adjusted Rand index of each member to the others, by "
    "transform (and panel, where not all features cluster) and head; a ring marks those that the "
    "spectral consensus sees. Right: cells by the share of the votes that their cluster got."
)
NEEDS = ("votes",)


def draw(run):
    members = run.votes.members
    # one word where the panel makes no difference
    seen = members["transform"] + members["panel"].map(
        lambda name: "" if name == "all" else f", {name}"
    )
    transforms = list(dict.fromkeys(seen))
    heads = list(dict.fromkeys(members["head"]))
    fig = style.figure(style.WIDTH, 1.1 + 0.24 * len(transforms))
    left, right = fig.subplots(1, 2, width_ratios=[3, 2])
    for i, head in enumerate(heads):
        mask = members["head"] == head
        own = members[mask]
        # heads beside each other, or those that agree alike would hide one another
        shift = 0.16 * (i - (len(heads) - 1) / 2)
        rows = [transforms.index(name) + shift for name in seen[mask]]
        edges = [style.INK if central else "none" for central in own["central"]]
        left.scatter(
            own["agreement"],
            rows,
            s=20,
            color=style.PALETTE[i],
            edgecolors=edges,
            linewidths=0.8,
            zorder=2,
        )
    left.set_yticks(range(len(transforms)), transforms)
    left.set_ylim(len(transforms) - 0.5, -0.5)
    left.set_xlabel("agreement with the other members (mean ARI)")
    left.grid(axis="y", color=style.BACKGROUND, zorder=0)
    entries = list(zip(style.PALETTE, heads))
    style.legend(fig, entries, "head")
    shares = run.votes.confidence("vote")
    right.hist(shares, bins=np.linspace(0, 1, 21), color=style.PALETTE[0])
    right.set_xlim(0, 1)
    right.set_xlabel("share of the votes")
    right.set_ylabel("cells")
    return fig
