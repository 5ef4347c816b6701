"""Connectomes and FC as matrices: brought to the scale of the models, lesioned, unfolded."""

import numpy as np

from cubnm_core.connectomes.scaling import scale, threshold_weights
from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices


def connectome(weights, scaling="subject_mean", density=None, threshold=None):
    """Bring a structural connectome to the scale that the models' bounds of coupling are meant for.

    Parameters
    ----------
    weights : (N, N) array
        As tractography gave them, ``weights[source, target]``; the diagonal is set to 0.
    scaling : {"subject_mean", "subject_max", "log", "none"}
        ``subject_mean`` brings the mean of the matrix to 0.01 (as cuBNM), ``subject_max`` the largest weight
        to 1, ``log`` takes log(1 + weight) first.
    density : float, optional
        Share of all connections that stay: the strongest.
    threshold : float, optional
        Weights below become 0, before scaling.

    Returns
    -------
    (N, N) float64 array

    Raises
    ------
    InputError
        If the matrix is not square, holds negative values or ones that are not finite, or is empty.
    """
    weights = _square(weights)
    np.fill_diagonal(weights, 0.0)
    if not np.isfinite(weights).all() or weights.min() < 0:
        bad = np.argwhere(~(weights >= 0) | np.isinf(weights))[0]
        raise InputError(
            f"weights[{bad[0]}, {bad[1]}] is {weights[tuple(bad)]:g}; weights are finite and at least 0: "
            "give the weights themselves, not their logarithms"
        )
    kept = threshold_weights(weights, threshold, density)
    if not kept.any():
        raise InputError("no connection is left; lower the threshold, or give another matrix")
    return scale(kept, scaling)[0]


def lesion(weights, nodes=(), edges=(), share=1.0):
    """Weaken or remove connections of a connectome, on which it is then not scaled anew.

    Parameters
    ----------
    weights : (N, N) array
        As simulated.
    nodes : sequence of int
        All connections to and from these.
    edges : sequence of (int, int)
        These connections, both ways.
    share : float, optional
        Of the weight that is lost; all of it by default.

    Returns
    -------
    (N, N) float64 array
        A copy. A node without connections goes on by itself.

    Raises
    ------
    InputError
        If a node does not exist, the share is none, or nothing is named.
    """
    weights = _square(weights)
    named = [*nodes, *(node for edge in edges for node in edge)]
    if not named:
        raise InputError("nothing is lesioned: name nodes or edges")
    wrong = [node for node in named if not -len(weights) <= node < len(weights)]
    if wrong:
        raise InputError(f"node {wrong[0]} does not exist; there are nodes 0 to {len(weights) - 1}")
    if not 0 < share <= 1:
        raise InputError(f"share is {share:g}; it lies above 0 and is at most 1")
    lost = np.zeros(weights.shape, dtype=bool)
    lost[list(nodes)] = lost[:, list(nodes)] = True
    for one, other in edges:
        lost[one, other] = lost[other, one] = True
    return np.where(lost, (1 - share) * weights, weights)


def to_matrix(pairs, nodes=None, hemispheres=None, diagonal=1.0):
    """Unfold FC, or anything else of pairs of nodes, into symmetric matrices.

    Parameters
    ----------
    pairs : (P,) or (B, P) array
        Lower triangle, row by row.
    nodes : int, optional
        N; by default that of all pairs, P = N (N - 1) / 2.
    hemispheres : (N,) sequence of "L", "R" or "B", optional
        Where the pairs are those within hemispheres only; others become NaN.
    diagonal : float, optional

    Returns
    -------
    (N, N) or (B, N, N) float64 array

    Raises
    ------
    InputError
        If the number of pairs is not that of the nodes.
    """
    pairs = np.asarray(pairs, dtype=np.float64)
    count = pairs.shape[-1]
    if nodes is None:
        nodes = len(hemispheres) if hemispheres is not None else round((1 + np.sqrt(1 + 8 * count)) / 2)
    rows, columns = pair_indices(nodes, hemispheres, "all" if hemispheres is None else "intrahemispheric")
    if len(rows) != count:
        raise InputError(
            f"{count} values are not those of the {len(rows)} pairs of {nodes} nodes; where only pairs "
            "within hemispheres count, give hemispheres"
        )
    matrix = np.full((*pairs.shape[:-1], nodes, nodes), np.nan if hemispheres is not None else 0.0)
    matrix[..., rows, columns] = matrix[..., columns, rows] = pairs
    matrix[..., np.arange(nodes), np.arange(nodes)] = diagonal
    return matrix


def _square(weights):
    weights = np.array(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise InputError(f"a connectome is a square matrix; found shape {weights.shape}")
    return weights
