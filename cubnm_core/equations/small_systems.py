"""Linear systems of a few unknowns, very many at once: those of every node, by Gauss's method."""

import numpy as np


def solve_small(matrix, right):
    """Solve systems whose entries are arrays.

    Parameters
    ----------
    matrix : (k, k, ...) array
        Real or complex.
    right : (k, r, ...) array
        With the same axes behind the second.

    Returns
    -------
    (k, r, ...) array
        Pivots are the largest of their column; a singular system gives values that are not finite.
    """
    size, shape = len(matrix), right.shape
    rows = np.concatenate([matrix.reshape(size, size, -1), right.reshape(*shape[:2], -1)], axis=1)
    lanes = np.arange(rows.shape[2])
    for column in range(size):
        if column + 1 < size:
            pivot = column + np.abs(rows[column:, column]).argmax(axis=0)
            first = rows[column].copy()
            rows[column] = rows[pivot, :, lanes].T
            rows[pivot, :, lanes] = first.T
        rows[column] /= rows[column, column].copy()
        for other in range(size):
            if other != column:
                rows[other] -= rows[other, column].copy() * rows[column]
    return rows[:, size:].reshape(shape)
