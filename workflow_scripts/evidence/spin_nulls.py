"""Spin nulls for a node table: which nodes turn, and the sphere that they turn on."""

from functools import cache

import numpy as np

from cubnm_core.statistics.spins import HEMISPHERES, draw_spins

SURFACE, ELLIPSOID = "fsaverage5", "ellipsoid"
NEAR = 10.0  # mm between the parcels of an atlas in MNI space and the surface, in the median


def draw(nodes, count, seed):
    """Draw spins of the cortical nodes of a node table.

    Parameters
    ----------
    nodes : list of dict
        Rows of the node table. Where it names structures, only the cortex turns; midline nodes never do.
    count : int
    seed : int

    Returns
    -------
    spins : cubnm_core.statistics.spins.Spins
    sphere : {"fsaverage5", "ellipsoid"}
        Where nodes came to the sphere through their nearest vertex on the pial surface of fsaverage5, or, for
        coordinates that are not near it, by their direction from the centre of the hemisphere.

    Raises
    ------
    InputError
        If nodes have no coordinates, or a hemisphere has too few.
    """
    coordinates = np.array([[node.get(axis) for axis in "xyz"] for node in nodes], dtype=float)
    hemispheres = [node["hemisphere"] for node in nodes]
    cortical = is_cortical(nodes)
    surfaces = fsaverage()
    is_near = _median_distance(coordinates, hemispheres, cortical, surfaces) <= NEAR
    spins = draw_spins(coordinates, hemispheres, count, seed, cortical, surfaces if is_near else None)
    return spins, SURFACE if is_near else ELLIPSOID


def is_cortical(nodes):
    """Say which nodes belong to the cortex, (N,) bool: all where the table names no structures."""
    structures = np.array([node.get("structure") for node in nodes], dtype=object)
    return structures == "cortex" if any(structures) else np.ones(len(nodes), dtype=bool)


@cache
def fsaverage():
    """Pial surface and sphere of fsaverage5 (nilearn brings it), by hemisphere: (V, 3) arrays in mm."""
    from nilearn.datasets import load_fsaverage

    meshes = load_fsaverage("fsaverage5")
    sides = zip(HEMISPHERES, ("left", "right"), strict=True)
    kinds = ("pial", "sphere")
    return {side: tuple(meshes[kind].parts[part].coordinates for kind in kinds) for side, part in sides}


def _median_distance(coordinates, hemispheres, cortical, surfaces):
    """Distance of the cortical nodes of both hemispheres from the surface; infinite without coordinates."""
    from scipy.spatial import KDTree

    found = []
    for side in HEMISPHERES:
        mine = coordinates[cortical & (np.asarray(hemispheres) == side)]
        if not np.isfinite(mine).all():
            return np.inf
        if len(mine):
            found.append(KDTree(surfaces[side][0]).query(mine)[0])
    return np.median(np.concatenate(found)) if found else np.inf
