"""Spin nulls: maps of the cortex turned on the sphere, so that they stay smooth and lose their place.

Alexander-Bloch et al. 2018 (doi:10.1016/j.neuroimage.2018.05.070) for the test; Markello & Misic 2021
(doi:10.1016/j.neuroimage.2021.118052) for its versions over parcels. Both hemispheres turn alike, mirrored.
Every parcel takes over the value of exactly one other, so that no value is lost or used twice.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError

HEMISPHERES = ("L", "R")
FEWEST = 5  # parcels of a hemisphere below which rotations say nothing
METHODS = ("hungarian", "vasa")
MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Spins:
    """Rearrangements of the nodes: spin ``k`` gives node ``i`` the value of node ``indices[k, i]``.

    Attributes
    ----------
    indices : (K, N) int array
        Nodes that stay out of the rotation have their own index.
    moved : (N,) bool array
        Nodes that take part.
    """

    indices: np.ndarray
    moved: np.ndarray

    def __len__(self):
        return len(self.indices)


def draw_spins(coordinates, hemispheres, n_spins, seed, cortical=None, surfaces=None, method="hungarian"):
    """Draw random rotations and what each of them does to the parcels.

    Parameters
    ----------
    coordinates : (N, 3) array
        MNI coordinates in mm, x from left to right.
    hemispheres : (N,) sequence of "L", "R" or "B"
        Midline nodes stay out.
    n_spins : int
    seed : int
        More spins of the same seed begin with the same ones.
    cortical : (N,) bool array, optional
        Nodes of the cortex; others stay out. Default: all of both hemispheres.
    surfaces : dict, optional
        Of "L" and "R": the `surface` and `sphere` of :func:`on_surface`. Default: :func:`on_ellipsoid`.
    method : {"hungarian", "vasa"}
        Parcels are assigned so that the sum of all distances is the smallest, or one after the other, the one
        farthest from any other first (Váša et al. 2018, doi:10.1093/cercor/bhx249).

    Returns
    -------
    Spins

    Raises
    ------
    InputError
        If a node that takes part has no coordinates, or a hemisphere has fewer than five places.
    """
    hemispheres = np.asarray(hemispheres)
    moved = np.isin(hemispheres, HEMISPHERES)
    if cortical is not None:
        moved &= np.asarray(cortical, dtype=bool)
    coordinates = np.asarray(coordinates, dtype=np.float64)
    _check(coordinates, hemispheres, moved)
    places = {side: np.flatnonzero(moved & (hemispheres == side)) for side in HEMISPHERES}
    spheres = {
        side: _on_sphere(coordinates[place], None if surfaces is None else surfaces[side])
        for side, place in places.items()
        if place.size
    }
    indices = np.tile(np.arange(len(moved)), (n_spins, 1))
    for row, rotation in zip(indices, _rotations(n_spins, seed), strict=True):
        turns = {"L": rotation, "R": MIRROR @ rotation @ MIRROR}
        for side, sphere in spheres.items():
            row[places[side]] = places[side][assignment(sphere, turns[side], method)]
    return Spins(indices, moved)


def _check(coordinates, hemispheres, moved):
    unknown = np.flatnonzero(moved & ~np.isfinite(coordinates).all(axis=1))
    if unknown.size:
        raise InputError(
            f"Spin nulls need coordinates: {unknown.size} nodes of the cortex have none, the first of them "
            f"node {unknown[0]}; add columns x, y, z to the node table."
        )
    for side in HEMISPHERES:
        count = len(np.unique(coordinates[moved & (hemispheres == side)], axis=0))
        if 0 < count < FEWEST or not moved.any():
            raise InputError(
                f"Spin nulls need at least {FEWEST} cortical nodes at different places in a hemisphere; "
                f"there are {count} in {side}."
            )


def _rotations(count, seed):
    """Rotations (count, 3, 3), uniform over all there are."""
    from scipy.spatial.transform import Rotation

    return Rotation.random(count, rng=np.random.default_rng(seed)).as_matrix()


def _on_sphere(coordinates, surface):
    return on_ellipsoid(coordinates) if surface is None else on_surface(coordinates, *surface)


def on_ellipsoid(coordinates):
    """Bring the parcels of a hemisphere to the unit sphere by their direction from its centre.

    The axes are scaled by their spread first: a hemisphere is longer than it is wide. Angles between 100
    parcels of fsaverage5 then correlate .95 with those on its sphere, without the scaling .90; through the
    nearest vertex (:func:`on_surface`) it is .997.

    Parameters
    ----------
    coordinates : (N, 3) array

    Returns
    -------
    (N, 3) float64 array
        Of length 1.
    """
    centred = coordinates - coordinates.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    scaled = centred / np.where(spread > 0, spread, 1.0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(length > 0, length, 1.0)


def on_surface(coordinates, surface, sphere):
    """Bring the parcels of a hemisphere to the unit sphere through their nearest vertex on a folded surface.

    Parameters
    ----------
    coordinates : (N, 3) array
    surface, sphere : (V, 3) array
        The same vertices on the folded surface, in the space of the coordinates, and on the sphere that was
        registered with it.

    Returns
    -------
    (N, 3) float64 array
        Of length 1.
    """
    from scipy.spatial import KDTree

    found = np.asarray(sphere, dtype=np.float64)[KDTree(surface).query(coordinates)[1]]
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def assignment(sphere, rotation, method="hungarian"):
    """Say which parcel every parcel takes its value from when all are turned.

    Parameters
    ----------
    sphere : (N, 3) array
    rotation : (3, 3) array
        Applied from the right: a parcel at `x` comes to lie at ``x @ rotation``.
    method : {"hungarian", "vasa"}

    Returns
    -------
    (N,) int array
        A permutation.

    Raises
    ------
    InputError
        If there is no such method.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    distances = cdist(sphere, sphere @ rotation)
    if method == "hungarian":
        return linear_sum_assignment(distances)[1]
    if method == "vasa":
        return _farthest_first(distances)
    raise InputError(f"There is no method {method!r} for spins; there are {', '.join(METHODS)}.")


def _farthest_first(distances):
    """Give every row a column of its own: next comes the row whose nearest free column is the farthest."""
    distances = distances.copy()
    chosen = np.empty(len(distances), dtype=int)
    for _ in chosen:
        nearest = distances.min(axis=1)
        nearest[np.isinf(nearest)] = -1.0  # rows that have their column
        row = int(nearest.argmax())
        chosen[row] = distances[row].argmin()
        distances[row] = np.inf
        distances[:, chosen[row]] = np.inf
    return chosen


def spin_test(maps, turned, spins):
    """Correlate maps with one that is turned, and hold the correlation against those of the turned ones.

    Parameters
    ----------
    maps : (M, N) array
    turned : (N,) array
        Values that are not finite, here or there, do not count: in a turned map they are elsewhere.
    spins : Spins
        Only nodes that take part count.

    Returns
    -------
    r : (M,) float64 array
        Pearson correlation; NaN where a map does not vary.
    p : (M,) float64 array
        Share of the spins, the unturned map among them, whose correlation is at least as far from 0.
    n : (M,) int array
        Nodes that count.
    """
    maps = np.atleast_2d(np.asarray(maps, dtype=np.float64))[:, spins.moved]
    turned = np.asarray(turned, dtype=np.float64)
    candidates = np.vstack([turned, turned[spins.indices]])[:, spins.moved]
    found = pairwise_correlation(maps, candidates)
    r = found[:, 0]
    # Rounding must not decide about a spin that leaves the map as it is.
    as_far = np.abs(found) >= np.abs(r)[:, None] - 1e-12
    p = np.where(np.isfinite(r), as_far.mean(axis=1), np.nan)
    return r, p, np.isfinite(maps + candidates[0]).sum(axis=1)


def pairwise_correlation(one, other):
    """Correlate every row of `one` (M, N) with every row of `other` (K, N) where both are finite: (M, K)."""
    known, known_too = np.isfinite(one), np.isfinite(other)
    # Centred first, so that sums of squares lose no digits.
    one = np.where(known, one - np.nanmean(one, axis=1, keepdims=True), 0.0)
    other = np.where(known_too, other - np.nanmean(other, axis=1, keepdims=True), 0.0)
    known, known_too = known.astype(float), known_too.astype(float)
    count = known @ known_too.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, mean_too = one @ known_too.T / count, known @ other.T / count
        covariance = one @ other.T / count - mean * mean_too
        variance = one**2 @ known_too.T / count - mean**2
        variance_too = known @ (other**2).T / count - mean_too**2
        return covariance / np.sqrt(np.maximum(variance, 0.0) * np.maximum(variance_too, 0.0))
