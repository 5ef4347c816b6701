"""Models with a random intercept for many responses at once: a ratio of variances, and what it makes linear.

The members of a cluster (a site, a family, the sessions of a person) share a random intercept (Laird & Ware
1982, doi:10.2307/2529876). Given the ratio of its variance to the residual one, responses and design can be
transformed so that an ordinary linear model holds; the ratio is found by restricted maximum likelihood, for
thousands of regional responses together. Ratios and estimates equal those of statsmodels' MixedLM, which
takes one response at a time.
"""

import numpy as np

LARGEST_SHARE = 0.999  # of the variance that may lie between clusters
GRID = 41
STEPS = 40
GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


def variance_ratio(design, responses, clusters):
    """Find the variance of the random intercept by restricted maximum likelihood.

    Parameters
    ----------
    design : (n, k) array
        Of full rank.
    responses : (n, M) array
    clusters : (n,) sequence
        Name of everybody's cluster.

    Returns
    -------
    (M,) float64 array
        Variance between clusters as a multiple of the residual variance; 0 where clusters are no more alike
        than others, or all have one member.
    """
    profile = _Profile(design, responses, clusters)
    shares = np.linspace(0.0, LARGEST_SHARE, GRID)
    heights = np.array([profile(np.full(profile.count, share)) for share in shares])
    best = heights.argmin(axis=0)
    low, high = shares[np.maximum(best - 1, 0)], shares[np.minimum(best + 1, GRID - 1)]
    found = _golden_section(profile, low, high)
    found = np.where(profile(np.zeros(profile.count)) <= profile(found), 0.0, found)
    return found / (1.0 - found)


def _golden_section(profile, low, high):
    """Narrow an interval around a minimum for every response at once."""
    for _ in range(STEPS):
        width = GOLDEN * (high - low)
        left_is_lower = profile(high - width) <= profile(low + width)
        low, high = np.where(left_is_lower, low, high - width), np.where(left_is_lower, low + width, high)
    return (low + high) / 2.0


class _Profile:
    """Minus twice the restricted log likelihood of a share of variance, up to a constant, by response.

    Residuals of the ordinary model stand for the responses: what the design explains changes nothing, and
    large means would cost digits.
    """

    def __init__(self, design, responses, clusters):
        basis = np.linalg.qr(design)[0]
        residuals = responses - basis @ (basis.T @ responses)
        length = np.linalg.norm(residuals, axis=0)
        residuals = residuals / np.where(length > 0, length, 1.0)
        place = np.unique(np.asarray(clusters), return_inverse=True)[1]
        member = np.eye(place.max() + 1)[:, place]
        self.sizes = member.sum(axis=1)
        self.basis_sums, self.sums = member @ basis, (member @ residuals).T
        self.products = np.einsum("gk,gl->gkl", self.basis_sums, self.basis_sums)
        self.rank, self.free = basis.shape[1], len(basis) - basis.shape[1]
        self.count = responses.shape[1]

    def __call__(self, share):
        ratio = (share / (1.0 - share))[:, None]
        shrinking = ratio / (1.0 + ratio * self.sizes)
        information = np.eye(self.rank) - np.tensordot(shrinking, self.products, axes=1)
        slope = -(shrinking * self.sums) @ self.basis_sums
        explained = (slope * np.linalg.solve(information, slope[..., None])[..., 0]).sum(axis=1)
        squares = 1.0 - (shrinking * self.sums**2).sum(axis=1) - explained
        spread = np.log1p(ratio * self.sizes).sum(axis=1) + np.linalg.slogdet(information)[1]
        return self.free * np.log(np.maximum(squares, 1e-300)) + spread


def whiten(values, clusters, ratio):
    """Transform values so that their residuals are independent and of one variance.

    Parameters
    ----------
    values : (n, K) array
        Design or responses.
    clusters : (n,) sequence
    ratio : float
        As of :func:`variance_ratio`; 0 changes nothing.

    Returns
    -------
    (n, K) float64 array
        From every value a share of the mean of its cluster is taken away.
    """
    values = np.asarray(values, dtype=np.float64)
    if ratio == 0:
        return values
    place = np.unique(np.asarray(clusters), return_inverse=True)[1]
    sizes = np.bincount(place)
    means = np.zeros((len(sizes), values.shape[1]))
    np.add.at(means, place, values)
    share = (1.0 - 1.0 / np.sqrt(1.0 + ratio * sizes)) / sizes
    return values - (share[:, None] * means)[place]
