"""Made-up brains: connectomes of a synthetic cohort, and simulated scans as a scanner would give them."""

import numpy as np

GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
SEMI_AXES = (62.0, 85.0, 58.0)  # mm
DECAY_LENGTH = 22.0  # mm of straight distance
# Standard deviation of the logarithm; with the distances it makes weights as unequal as those of real people.
EDGE_SPREAD = 1.2
CALLOSAL_FACTOR = 0.2
HOMOTOPIC_FACTOR = 4.0
TORTUOSITY = 1.25


def node_positions(n_nodes):
    """Place nodes on the two halves of an ellipsoid, left ones first; nodes i and i + N/2 mirror each other.

    Parameters
    ----------
    n_nodes : int
        Even.

    Returns
    -------
    ndarray (N, 3)
        x (left to right), y (back to front), z (up) in mm.
    """
    if n_nodes < 2 or n_nodes % 2:
        raise ValueError(f"a synthetic brain needs an even number of nodes, found {n_nodes}")
    half = n_nodes // 2
    index = np.arange(half)
    x = (index + 0.5) / half
    angle = index * GOLDEN_ANGLE
    ring = np.sqrt(1.0 - x**2)
    right = np.column_stack([x, ring * np.cos(angle), ring * np.sin(angle)]) * SEMI_AXES
    return np.concatenate([right * (-1.0, 1.0, 1.0), right])


def tract_lengths(positions):
    """Give tract lengths as straight distances times a tortuosity.

    Parameters
    ----------
    positions : ndarray (N, 3)
        In mm.

    Returns
    -------
    ndarray (N, N)
        In mm, zero on the diagonal.
    """
    return TORTUOSITY * np.linalg.norm(positions[:, None] - positions[None], axis=2)


def typical_connectome(positions, generator):
    """Draw the connectome that all people of a cohort vary around.

    Weights are log-normal with a median that falls off exponentially with distance; connections between the
    hemispheres are weaker, but for those of mirrored nodes.

    Parameters
    ----------
    positions : ndarray (N, 3)
        As of :func:`node_positions`, in mm.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray (N, N)
        Symmetric, zero diagonal, mean 0.01.
    """
    n_nodes = len(positions)
    half = n_nodes // 2
    logarithm = -tract_lengths(positions) / (TORTUOSITY * DECAY_LENGTH)
    logarithm += _symmetric_normals(n_nodes, EDGE_SPREAD, generator)
    weights = np.exp(logarithm)
    weights[:half, half:] *= CALLOSAL_FACTOR
    weights[half:, :half] *= CALLOSAL_FACTOR
    mirrored = np.arange(half)
    weights[mirrored, mirrored + half] *= HOMOTOPIC_FACTOR
    weights[mirrored + half, mirrored] *= HOMOTOPIC_FACTOR
    return _scale(weights)


def vary_connectome(weights, spread, generator):
    """Multiply every connection by a log-normal factor.

    Parameters
    ----------
    weights : ndarray (N, N)
        Symmetric.
    spread : float
        Standard deviation of the logarithm; 0 changes nothing but the scale.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray (N, N)
        Symmetric, zero diagonal, mean 0.01.
    """
    return _scale(weights * np.exp(_symmetric_normals(len(weights), spread, generator)))


def measure_scan(bold, global_signal, noise, generator):
    """Add to a simulated scan what a scanner and a body add.

    Parameters
    ----------
    bold : ndarray (T, N)
        Simulated BOLD.
    global_signal, noise : float
        Standard deviation of a slow signal common to all nodes and of white noise of every node, as fractions
        of the nodes' mean standard deviation.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray (T, N)
    """
    scale = bold.std(axis=0).mean()
    common = np.convolve(generator.standard_normal(len(bold) + 6), np.hanning(9)[1:-1], mode="valid")
    common /= np.linalg.norm(np.hanning(9)[1:-1])
    return bold + scale * (global_signal * common[:, None] + noise * generator.standard_normal(bold.shape))


def _symmetric_normals(n_nodes, spread, generator):
    """Draw one normal number per pair of nodes."""
    lower = np.tril(generator.standard_normal((n_nodes, n_nodes)), -1)
    return spread * (lower + lower.T)


def _scale(weights):
    """Clear the diagonal and bring the mean to 0.01, the scale on which the global coupling G is given."""
    weights = weights.copy()
    np.fill_diagonal(weights, 0.0)
    return weights * (0.01 / weights.mean())
