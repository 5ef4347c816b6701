"""Expected scores of a scan of finite length, and their sampling SD, by the delta method."""

import numpy as np


def expect_scores(sampling, target_fc, terms):
    """Scores that scans of a network are expected to have.

    Parameters
    ----------
    sampling : cubnm_core.linear.sampling.Sampling
    target_fc : (P,) array
    terms : sequence of str
        Of `cubnm_core.measures.comparison.FC_TERMS`.

    Returns
    -------
    dict of str to (float, float)
        Expectation and SD.
    """
    fc, target = sampling.fc, np.asarray(target_fc, float)
    ones, wanted, own = np.ones_like(fc), target - target.mean(), fc - fc.mean()
    spread = sampling.covariances(np.stack([ones, wanted, own]))
    apart = np.array([fc.mean() - target.mean(), -1.0, 1.0])  # fc - target, in these three
    found = {
        "fc_corr": lambda: _correlation(own, wanted, sampling.variance, spread),
        "fc_diff": lambda: _difference(apart[0], np.sqrt(spread[0, 0]) / len(fc)),
        "fc_normec": lambda: _distance(fc - target, sampling.variance, apart @ spread @ apart, spread[0, 0]),
    }
    return {name: found[name]() for name in terms}


def target_slope(sampling, target_fc, weights):
    """Slope of an expected cost by the FC of the target, (P,), to first order in one over the duration.

    Parameters
    ----------
    sampling : cubnm_core.linear.sampling.Sampling
    target_fc : (P,) array
    weights : dict of str to float
        Of terms in the cost, signed.
    """
    from scipy.special import erf

    fc, target = sampling.fc, np.asarray(target_fc, float)
    wanted, own, size = target - target.mean(), fc - fc.mean(), len(fc)
    common = sampling.covariances(np.ones((1, size)))[0, 0]
    slope = np.zeros(size)
    if "fc_corr" in weights:
        noise = sampling.variance.sum() - common / size
        across = own - (own @ wanted) / (wanted @ wanted) * wanted
        slope += weights["fc_corr"] * across / np.sqrt((wanted @ wanted) * (own @ own + noise))
    if "fc_diff" in weights:
        ratio = (fc.mean() - target.mean()) / np.sqrt(2 * common) * size
        slope -= weights["fc_diff"] * erf(ratio) / size
    if "fc_normec" in weights:
        square = (fc - target) @ (fc - target) + sampling.variance.sum()
        slope -= weights["fc_normec"] * (fc - target) / np.sqrt(square) / (2 * np.sqrt(size))
    return slope


def _correlation(own, wanted, variances, spread):
    """Pearson's r = x / sqrt(v) of the FC with the target: to second order in the errors of x and v."""
    size = len(own)
    noise = (variances.sum() - spread[0, 0] / size) / size
    x, v = own @ wanted / size, own @ own / size + noise
    var_x, cov, var_v = spread[1, 1] / size**2, 2 * spread[1, 2] / size**2, 4 * spread[2, 2] / size**2
    scale = np.sqrt(wanted @ wanted / size)
    mean = x / np.sqrt(v) - 0.5 * cov / v**1.5 + 0.375 * x * var_v / v**2.5
    variance = var_x / v - x * cov / v**2 + 0.25 * x**2 * var_v / v**3
    return mean / scale, np.sqrt(max(variance, 0.0)) / scale


def _difference(mean, sd):
    """Expectation and SD of the absolute value of a normal variable."""
    from scipy.special import erf

    ratio = mean / (sd * np.sqrt(2))
    expected = sd * np.sqrt(2 / np.pi) * np.exp(-(ratio**2)) + mean * erf(ratio)
    return expected, np.sqrt(max(mean**2 + sd**2 - expected**2, 0.0))


def _distance(difference, variances, spread, common):
    """Euclidean distance over its largest possible value.

    The errors' own square varies, too: most by what all edges have in common, the rest taken as even.
    """
    size = len(difference)
    shared, total = common / size, variances.sum()
    square = difference @ difference + total
    var_square = 4 * spread + 2 * (shared**2 + max(total - shared, 0.0) ** 2 / size)
    mean = np.sqrt(square) - var_square / (8 * square**1.5)
    return mean / (2 * np.sqrt(size)), np.sqrt(var_square / (4 * square)) / (2 * np.sqrt(size))
