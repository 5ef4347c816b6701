"""FC within and between networks, and of regions that correspond across hemispheres."""

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import average_fc


def network_fc(scan):
    """Mean FC of every two networks, and within every network of two nodes or more: (K,).

    Networks in the order of their names, the lower triangle with its diagonal row by row; what the pair mask
    leaves without pairs is left out. Networks are the user's, as those of Yeo et al. 2011
    (doi:10.1152/jn.00338.2011).
    """
    if scan.regions.networks is None:
        raise InputError("network_fc needs the network of every node")
    scan.check_volumes(np.count_nonzero(scan.counted))
    names, member = np.unique(np.asarray(scan.regions.networks, dtype=str), return_inverse=True)
    rows, cols = scan.regions.pair_index
    one, other = np.maximum(member[rows], member[cols]), np.minimum(member[rows], member[cols])
    cell = one * (one + 1) // 2 + other
    count = len(names) * (len(names) + 1) // 2
    pairs = np.bincount(cell, minlength=count)
    sums = np.bincount(cell, weights=scan.fc[rows, cols], minlength=count)
    return sums[pairs > 0] / pairs[pairs > 0]


def homotopic_fc(scan):
    """FC of every region with that in its place in the other hemisphere, (M,).

    Zuo et al. 2010 (doi:10.1523/JNEUROSCI.2612-10.2010).
    """
    if scan.regions.homologues is None:
        raise InputError("homotopic_fc needs regions that correspond across hemispheres")
    scan.check_volumes(np.count_nonzero(scan.counted))
    left, right = np.asarray(scan.regions.homologues).T
    return scan.fc[left, right]


def pool_correlations(values, volumes):
    """Mean over runs through Fisher's z."""
    return average_fc(values)
