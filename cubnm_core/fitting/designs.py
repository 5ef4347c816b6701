"""Points of the unit cube that are laid out before anything is simulated: grids, random and Sobol designs."""

import numpy as np

from cubnm_core.errors import InputError

DESIGNS = ("grid", "random", "sobol")


def grid(shape, names):
    """Every combination of equally spaced values, both bounds included, the first parameter slowest.

    Parameters
    ----------
    shape : dict of str to int
        Points along every free parameter; a single one lies in the middle of its range.
    names : list of str
        The free parameters.

    Returns
    -------
    (n, d) array

    Raises
    ------
    InputError
        If the shape does not fit the free parameters.
    """
    if set(shape) != set(names):
        raise InputError(
            f"The shape of the grid names {', '.join(shape) or 'nothing'}; give the number of points for "
            f"exactly the free parameters {', '.join(names)}."
        )
    if min(shape.values()) < 1:
        raise InputError(f"The shape of the grid is {shape}; every parameter needs at least one point.")
    axes = [np.linspace(0, 1, shape[name]) if shape[name] > 1 else np.array([0.5]) for name in names]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(names))


def random(size, dimension, seed):
    """Independent uniform points, (size, dimension)."""
    return np.random.default_rng(seed).random((size, dimension))


def sobol(size, dimension, seed):
    """First points of a scrambled Sobol sequence (Owen 1998, doi:10.1006/jcom.1998.0487), (size, dimension).

    They are evenest where `size` is a power of two.
    """
    from scipy.stats.qmc import Sobol

    sequence = Sobol(dimension, scramble=True, rng=np.random.default_rng(seed))
    return sequence.random(2 ** int(np.ceil(np.log2(size))))[:size]


def latin_hypercube(size, dimension, seed):
    """Points of which every slice of the range of every parameter holds one, (size, dimension)."""
    generator = np.random.default_rng(seed)
    slices = generator.permuted(np.tile(np.arange(size), (dimension, 1)), axis=1).T
    return (slices + generator.random((size, dimension))) / size


class DesignSearch:
    """Points known in advance, simulated a generation at a time.

    Parameters
    ----------
    points : (n, d) array
    population : int
        Points per generation; the last may have fewer.
    name : str
        Of the design, for the reason why the search ended.

    Attributes
    ----------
    stopped : str or None
        Why the search ended.
    """

    def __init__(self, points, population, name):
        self._points, self._population, self._name = points, population, name
        self._done = 0
        self.stopped = None

    def ask(self):
        """Points of the next generation, (n, d)."""
        return self._points[self._done : self._done + self._population].copy()

    def tell(self, costs):
        """Costs of the points asked for last, (n, objectives); a design does not depend on them."""
        self._done += len(costs)
        if self._done == len(self._points):
            self.stopped = f"all {len(self._points)} points of the {self._name} done"
