"""What a folder of kept values holds; see :mod:`spclust.comparison.kept`."""

from spclust.errors import UserError

KEPT = ("runs.tsv", "classes.tsv", "settings.json")


def broken(path, error):
    """UserError for a file of kept values that cannot be read."""
    return UserError(
        f"kept: {path} is broken ({type(error).__name__}: {error}); bring it back, remove the "
        "folder, or write  kept: null"
    )
