"""Where a marker's distribution parts into cells without and with it."""

import numpy as np
from sklearn.mixture import GaussianMixture

# a larger share of zeros is a peak of its own, that hides all others
MANY_ZEROS = 0.05
BINS = 128
FEWEST_VALUES = 20


def above_zero(x):
    """Cells that a marker's distribution is looked at in, mask (n,): without zeros, if many."""
    return x != 0 if (x == 0).mean() > MANY_ZEROS else np.ones(len(x), dtype=bool)


def mixture(values):
    """Two normal distributions fitted to one marker.

    Returns
    -------
    separation : float
        Ashman's D, the distance of both means in units of their deviations' root mean square. 0
        of fewer than 20 different values.
    valley : float
        How far the density of both falls between the means below the lower peak there, 0 (one
        peak) to 1.
    cutoff : float
        Above it a value is more likely of the upper one; minus infinity where nothing was fitted.
    """
    values = np.asarray(values, dtype=np.float64)
    spread = values.var() if len(values) else 0.0
    if spread <= 1e-12 or len(np.unique(values)) < FEWEST_VALUES:
        return 0.0, 0.0, -np.inf
    low, high = np.quantile(values, [0.25, 0.95])
    fitted = GaussianMixture(
        2,
        weights_init=[0.8, 0.2],
        means_init=[[low], [max(high, low + spread**0.5)]],
        precisions_init=[[[2 / spread]]] * 2,
        reg_covar=1e-4 * spread,
    ).fit(values[:, None])
    means, variances = fitted.means_.ravel(), fitted.covariances_.ravel()
    lower, upper = np.argsort(means)
    between = np.linspace(means[lower], means[upper], 200)
    likely = fitted.predict_proba(between[:, None])[:, upper] > 0.5
    cutoff = between[likely.argmax()] if likely.any() else between[-1]
    density = np.exp(fitted.score_samples(between[:, None]))
    lowest = density.argmin()
    peak = min(density[: lowest + 1].max(), density[lowest:].max())
    separation = (means[upper] - means[lower]) / np.sqrt(variances.mean())
    return float(separation), float(1 - density[lowest] / peak), float(cutoff)


def otsu(values):
    """The threshold that parts values into two classes with most variance between them.

    Otsu (1979), on a histogram of 128 bins.
    """
    if not len(values):
        return 0.0
    counts, edges = np.histogram(values, bins=BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = len(values) - below
    sums = np.cumsum(counts * centres)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2 * below * above
    return float(edges[1 + np.nan_to_num(apart).argmax()])
