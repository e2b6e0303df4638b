"""When a difference between two methods is more than chance would make."""

# level at which two methods differ
ALPHA = 0.05


def surely_differs(low, high, level):
    """Whether intervals of a difference leave 0 out and are sure enough; of columns, for each."""
    return (level >= 1 - ALPHA) & ((low > 0) | (high < 0))


def can_be_found(slices, rivals):
    """Whether any difference could be, at 5 %: the least p of so many slices, times the rivals."""
    return 2.0 ** (1 - slices) * rivals <= ALPHA
