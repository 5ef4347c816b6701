"""Edge time series: how strongly, and how alike at any two times, pairs of nodes deflect together."""

import numpy as np

from cubnm_core.measures.observables.phases import similarity_distribution

SHARES = np.arange(1, 100) / 100  # of the quantiles that stand for a distribution


def edge_amplitude(scan):
    """Quantiles (99,) over time of the root mean square of all edge time series.

    An edge time series is the product of two nodes' standardised signals (Faskowitz et al. 2020,
    doi:10.1038/s41593-020-00719-y); its root sum of squares over edges marks events (Zamani Esfahlani et al.
    2020, doi:10.1073/pnas.2005531117). It is 1 for independent nodes on average.
    """
    scan.check_volumes(np.count_nonzero(scan.counted))
    squares = np.zeros(len(scan.standard))
    for block in scan.regions.blocks:
        power = scan.standard[:, block] ** 2
        squares += (power.sum(axis=1) ** 2 - (power**2).sum(axis=1)) / 2
    return np.quantile(np.sqrt(squares / _pairs(scan)), SHARES)


def edge_fcd(scan):
    """Distribution function (10000,) of correlations over edges between any two times.

    Rabuffo et al. 2021 (doi:10.1523/ENEURO.0283-21.2021). Time by time matrices of products of single nodes
    give the sums over edges without ever holding edges.
    """
    scan.check_volumes(np.count_nonzero(scan.counted))
    sums, products = np.zeros(len(scan.standard)), np.zeros((len(scan.standard),) * 2)
    for block in scan.regions.blocks:
        series = np.ascontiguousarray(scan.standard[:, block])
        power = series**2
        sums += (series.sum(axis=1) ** 2 - power.sum(axis=1)) / 2
        products += ((series @ series.T) ** 2 - power @ power.T) / 2
    return similarity_distribution(products - np.outer(sums, sums) / _pairs(scan))


def _pairs(scan):
    return sum(len(block) * (len(block) - 1) // 2 for block in scan.regions.blocks)
