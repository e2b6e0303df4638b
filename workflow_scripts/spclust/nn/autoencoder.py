"""A denoising autoencoder and the likelihoods it can reconstruct proteins or counts under."""

import torch
from torch import Tensor, nn

# bounds of the negative binomial's mean and dispersion, as its users set them
MEAN_BOUNDS, DISPERSION_BOUNDS = (1e-5, 1e6), (1e-4, 1e4)


def multilayer(sizes, last_activation=False):
    """Linear layers of the given sizes with ReLU between them."""
    steps = []
    for a, b in zip(sizes[:-1], sizes[1:], strict=True):
        steps += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*(steps if last_activation else steps[:-1]))


class Gaussian(nn.Module):
    """A mean per cell and protein, a variance per protein."""

    def __init__(self, n_hidden, n_features):
        super().__init__()
        self.mean = nn.Linear(n_hidden, n_features)
        self.log_variance = nn.Parameter(torch.zeros(n_features))

    def loss(self, hidden: Tensor, x: Tensor, size: Tensor) -> Tensor:
        """Negative log-likelihood, averaged over entries, without its constant."""
        variance = self.log_variance.exp().expand_as(x)
        return nn.functional.gaussian_nll_loss(self.mean(hidden), x, variance)


class ZeroInflatedNegativeBinomial(nn.Module):
    """Mean, dispersion and extra zeros per cell and feature (Eraslan et al. 2019)."""

    def __init__(self, n_hidden, n_features):
        super().__init__()
        self.mean = nn.Linear(n_hidden, n_features)
        self.dispersion = nn.Linear(n_hidden, n_features)
        self.dropout = nn.Linear(n_hidden, n_features)

    def loss(self, hidden: Tensor, x: Tensor, size: Tensor) -> Tensor:
        """Negative log-likelihood of counts ``x``, averaged over entries.

        ``size``, shape (n, 1), are the cells' size factors; means are relative to them.
        """
        mean = self.mean(hidden).exp().clamp(*MEAN_BOUNDS) * size
        dispersion = nn.functional.softplus(self.dispersion(hidden)).clamp(*DISPERSION_BOUNDS)
        return -zinb_log_probability(x, mean, dispersion, self.dropout(hidden)).mean()


def zinb_log_probability(x: Tensor, mean: Tensor, dispersion: Tensor, logit: Tensor) -> Tensor:
    """Log-probability of counts under a zero-inflated negative binomial, entry by entry.

    Parameters
    ----------
    x : Tensor
        Counts.
    mean, dispersion : Tensor
        Of the negative binomial, positive; its variance is ``mean + mean^2 / dispersion``.
    logit : Tensor
        Log-odds of a zero besides those of the negative binomial.
    """
    log_total = (mean + dispersion).log()
    at_zero = dispersion * (dispersion.log() - log_total)
    log_choose = torch.lgamma(x + dispersion) - torch.lgamma(dispersion) - torch.lgamma(x + 1)
    counted = log_choose + at_zero + x * (mean.log() - log_total)
    log_extra, log_counted = (nn.functional.logsigmoid(sign * logit) for sign in (1, -1))
    zero = torch.logaddexp(log_extra, log_counted + at_zero)
    return torch.where(x == 0, zero, log_counted + counted)


LIKELIHOODS = {"gaussian": Gaussian, "zinb": ZeroInflatedNegativeBinomial}


class DenoisingAutoencoder(nn.Module):
    """Encoder, mirrored decoder and likelihood.

    Parameters
    ----------
    n_features : int
    widths : sequence of int
        Of the encoder's layers; the last is the linear bottleneck.
    noise : float
        Standard deviation of what is added to the input in training.
    likelihood : {'gaussian', 'zinb'}
    """

    def __init__(self, n_features, widths, noise, likelihood):
        super().__init__()
        self.noise = noise
        self.encoder = multilayer([n_features, *widths])
        mirror = widths[::-1]
        self.decoder = multilayer(mirror, last_activation=True)
        self.likelihood = LIKELIHOODS[likelihood](mirror[-1], n_features)

    def encode(self, x: Tensor) -> Tensor:
        """Bottleneck (n, widths[-1]) of inputs without noise."""
        return self.encoder(x)

    def loss(self, x: Tensor, target: Tensor, size: Tensor, generator: torch.Generator) -> Tensor:
        """Negative log-likelihood of ``target`` given noisy inputs ``x``, both (n, d)."""
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        hidden = self.decoder(self.encoder(x + self.noise * noise))
        return self.likelihood.loss(hidden, target, size)
