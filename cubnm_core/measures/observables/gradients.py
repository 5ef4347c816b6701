"""Gradients of the FC by diffusion maps, and how well those of a simulation agree with those of a scan.

BrainSpace, which computes the same (Vos de Wael et al. 2020, doi:10.1038/s42003-020-0794-7), brings VTK and
nilearn with it; the few lines needed here stand on SciPy.
"""

import numpy as np

from cubnm_core.errors import InputError

COUNT = 3  # gradients
STRONGEST = 0.1  # share of the connections of every node that are kept, more only where nodes fall apart
ANISOTROPY = 0.5  # of the diffusion


def fc_gradients(scan):
    """The first three gradients of the FC, (N * 3,), node by node.

    Margulies et al. 2016 (doi:10.1073/pnas.1608282113): the strongest tenth of every node's FC, cosine
    similarity of the rows, diffusion map. With pairs within hemispheres only, those of each hemisphere.
    """
    scan.check_volumes(np.count_nonzero(scan.counted))
    found = np.zeros((scan.bold.shape[1], COUNT))
    for block in scan.regions.blocks:
        found[block] = diffusion_map(_affinity(scan.fc[np.ix_(block, block)]))
    return found.ravel()


def _affinity(fc):
    """Cosine similarity of the rows of an FC matrix, each without its weaker nine tenths.

    More are kept, twice as many each time, until all nodes hang together.
    """
    from scipy.sparse.csgraph import connected_components

    count = len(fc)
    if count <= COUNT + 1:
        raise InputError(f"gradients need more than {COUNT + 1} nodes (of a hemisphere); here are {count}")
    if not np.isfinite(fc).all():
        return np.full_like(fc, np.nan)
    kept, ordered = max(2, int(np.ceil(STRONGEST * count))), np.sort(fc, axis=1)
    while True:
        rows = np.where(fc >= ordered[:, count - kept, None], np.maximum(fc, 0.0), 0.0)
        rows = rows / np.sqrt(np.sum(rows**2, axis=1))[:, None]
        affinity = rows @ rows.T
        if kept == count or connected_components(affinity, directed=False)[0] == 1:
            return affinity
        kept = min(2 * kept, count)


def diffusion_map(affinity):
    """Coordinates of a diffusion map: (N, 3) from an (N, N) affinity of numbers from 0 on.

    Coifman and Lafon 2006 (doi:10.1016/j.acha.2006.04.006), over all diffusion times.
    """
    from scipy.linalg import eigh

    if not np.isfinite(affinity).all():
        return np.full((len(affinity), COUNT), np.nan)
    strength = affinity.sum(axis=1) ** ANISOTROPY
    affinity = affinity / strength / strength[:, None]
    root = np.sqrt(affinity.sum(axis=1))
    last = len(affinity) - 1
    values, vectors = eigh(affinity / root / root[:, None], subset_by_index=(last - COUNT, last))
    values, vectors = values[::-1], vectors[:, ::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors[:, 1:] / vectors[:, :1] * (values[1:] / (1.0 - values[1:]))


def align(gradients, target):
    """Rotate and reflect (N, 3) gradients so that they lie nearest to others: Procrustes."""
    from scipy.linalg import orthogonal_procrustes

    gradients, target = gradients - gradients.mean(axis=0), target - target.mean(axis=0)
    return gradients @ orthogonal_procrustes(gradients, target)[0]


def pool_gradients(values, volumes):
    """Mean of the gradients of runs, each aligned with those of the first."""
    first = values[0].reshape(-1, COUNT)
    aligned = [align(run.reshape(-1, COUNT), first).ravel() for run in values[1:]]
    return np.average([(first - first.mean(axis=0)).ravel(), *aligned], axis=0, weights=volumes)


def misalignment(simulated, target):
    """1 minus the mean correlation of three gradients, after alignment: (B,) from (B, N * 3) and (N * 3,)."""
    target, found = target.reshape(-1, COUNT), np.full(len(simulated), np.nan)
    for row in np.flatnonzero(np.isfinite(simulated).all(axis=1)):
        aligned = align(simulated[row].reshape(-1, COUNT), target)
        found[row] = 1.0 - np.mean(
            [np.corrcoef(*pair)[0, 1] for pair in zip(aligned.T, target.T, strict=True)]
        )
    return found


def first_range(values, repetition_time):
    """How far apart the ends of the first gradient lie."""
    return float(np.ptp(values.reshape(-1, COUNT)[:, 0]))
