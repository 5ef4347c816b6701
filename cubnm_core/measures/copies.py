"""The same data twice: scans that share volumes, and vectors that are equal but for rounding and scale."""

from functools import lru_cache

import numpy as np

from cubnm_core.measures.distances import correlation

SAME = 0.99  # correlation of differences from volume to volume, which those of two scans never come near
LARGEST = 5.0  # of the median size of a difference: larger ones count as much as this
FEWEST = 20  # volumes in common that are worth a comparison
NODES = 50  # that are compared, of all parts of the brain
FEWEST_NODES = 6  # whose FC tells two scans apart
HALF = 0.5  # share of the stretches that two scans have in common from which they are one
MARKERS = 7  # stretches of the shorter scan that are looked for in the longer one
MARKER = 10  # volumes of such a stretch
SKETCH = 16  # numbers that stand for a vector
ALIKE = 5e-3  # distance of sketches, in lengths of the vectors, from which vectors are worth a comparison
SAME_VECTOR = 1 - 1e-6  # correlation of vectors that differ by rounding


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def shared_volumes(one, other):
    """Find volumes that two scans have in common, whatever their rounding, scale, offset and order.

    Compared are differences from volume to volume, which neither slow trends nor filters make alike, and FC,
    which knows no order.

    Parameters
    ----------
    one, other : (T, N) and (U, N) array
        In time; NaN for volumes and nodes without a number.

    Returns
    -------
    int
        How many volumes are common to both; 0 where the scans are two.
    """
    short, long = (np.diff(scan.astype(np.float64), axis=0) for scan in sorted((one, other), key=len))
    present = np.flatnonzero(_varies(short) & _varies(long))
    if len(short) < FEWEST or not present.size:
        return 0
    present = present[np.linspace(0, len(present) - 1, min(NODES, len(present))).astype(int)]
    short, long = short[:, present], long[:, present]
    usable = np.flatnonzero(np.isfinite(_windows(short).sum(axis=(1, 2))))
    if not usable.size:
        return 0
    markers = usable[np.linspace(0, len(usable) - 1, min(MARKERS, len(usable))).astype(int)]
    found = [_likeness(long, short[place : place + MARKER]) for place in markers]
    offsets = {int(np.argmax(mine)) - place for mine, place in zip(found, markers, strict=True)}
    common = max(_overlap(short, long, int(offset)) for offset in {*offsets, 0, len(long) - len(short)})
    # Where volumes were taken out in between, no offset holds for all, but most stretches are found.
    share = np.mean([mine.max() > SAME for mine in found])
    if not common and len(markers) == MARKERS and share > HALF:
        common = int(share * (len(short) + 1))
    return common or _in_another_order(one, other)


def _in_another_order(one, other):
    """Count the volumes of scans of one length whose FC is the same: turned round, mixed, of another sign."""
    present = np.isfinite(one).any(axis=0) & np.isfinite(other).any(axis=0)
    one, other = (scan[np.isfinite(scan[:, present]).all(axis=1)][:, present] for scan in (one, other))
    if one.shape != other.shape or len(one) < FEWEST or one.shape[1] < FEWEST_NODES:
        return 0
    places = np.tril_indices(one.shape[1], -1)
    fcs = [np.corrcoef(scan.astype(np.float64).T)[places] for scan in (one, other)]
    known = np.isfinite(fcs[0]) & np.isfinite(fcs[1])
    if np.count_nonzero(known) < FEWEST_NODES:
        return 0
    return len(one) if correlation(fcs[0][known][None], fcs[1][known])[0] > SAME_VECTOR else 0


def _varies(steps):
    """Say which nodes move at all."""
    return (np.nan_to_num(steps) != 0).any(axis=0)


def _windows(steps):
    """Stretches of the length of a marker: (T - 9, N, 10)."""
    return np.lib.stride_tricks.sliding_window_view(steps, MARKER, axis=0)


def _likeness(steps, marker):
    """Mean correlation over nodes of a marker with every stretch of its length; -1 for no number."""
    marker = marker - marker.mean(axis=0)
    count = len(steps) - MARKER + 1
    sums, squares, products = (np.zeros((count, steps.shape[1])) for _ in range(3))
    for place, values in enumerate(marker):
        part = steps[place : place + count]
        sums += part
        squares += part**2
        products += part * values
    found = products / np.sqrt((squares - sums**2 / MARKER) * (marker**2).sum(axis=0))
    return np.where(np.isfinite(found), found, -1.0).mean(axis=1)


def _overlap(short, long, offset):
    """Count the volumes that two scans share where one begins `offset` volumes after the other."""
    first, stop = max(0, -offset), min(len(short), len(long) - offset)
    if stop - first < FEWEST:
        return 0
    one, other = short[first:stop], long[first + offset : stop + offset]
    both = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    if np.count_nonzero(both) < FEWEST:
        return 0
    alike = correlation(_cut(one[both])[None], _cut(other[both]))[0]
    return int(stop - first + 1) if alike > SAME else 0


def _cut(steps):
    """Bring every node to the same size and cut off what is large: all scans begin alike, until steady."""
    size = np.median(np.abs(steps), axis=0)
    size = np.where(size > 0, size, np.abs(steps).max(axis=0, initial=0.0))
    return np.clip(steps / np.where(size > 0, size, 1.0), -LARGEST, LARGEST).ravel()


def sketch(vector):
    """Give a few numbers that stand for a vector, whatever its scale: near each other for equal vectors.

    Random projections keep distances (Johnson & Lindenstrauss 1984, doi:10.1090/conm/026/737400).

    Parameters
    ----------
    vector : (P,) array
        A value that is not finite counts as 0.

    Returns
    -------
    (16,) float64 array
    """
    values = np.where(np.isfinite(vector), vector, 0.0)
    size = np.linalg.norm(values)
    if not size or not np.isfinite(size):
        return np.zeros(SKETCH)
    return _projection(len(values)) @ values / (size * np.sqrt(SKETCH))


@lru_cache(maxsize=1)
def _projection(length):
    """Directions on which vectors of a length are projected: (16, length), always the same."""
    return np.random.default_rng(0).standard_normal((SKETCH, length))


def alike(sketches):
    """Find vectors that may be equal, by their sketches.

    Parameters
    ----------
    sketches : (n, 16) array

    Returns
    -------
    list of (int, int)
        Pairs of places, the first one smaller.
    """
    from scipy.spatial import cKDTree

    sketches = np.asarray(sketches, dtype=np.float64)
    known = np.flatnonzero(sketches.any(axis=1)) if sketches.size else np.array([], dtype=int)
    if len(known) < 2:
        return []
    pairs = cKDTree(sketches[known]).query_pairs(ALIKE)
    return sorted((int(known[one]), int(known[other])) for one, other in pairs)


def are_equal(one, other):
    """Say whether two vectors are equal but for rounding, scale and offset.

    Parameters
    ----------
    one, other : (P,) array
    """
    usable = np.isfinite(one) & np.isfinite(other)
    if np.count_nonzero(usable) < 3:
        return False
    with np.errstate(invalid="ignore", divide="ignore"):
        return bool(correlation(one[usable][None], other[usable])[0] > SAME_VECTOR)
