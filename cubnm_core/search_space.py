"""The space a fit searches: free parameters as a unit cube, fixed ones beside it."""

from dataclasses import dataclass, field

import numpy as np

from cubnm_core.errors import InputError


@dataclass(frozen=True)
class SearchSpace:
    """Free parameters with their bounds, and parameters held at a value.

    Parameters
    ----------
    free : dict of str to (low, high)
        Bounds in the unit of the parameter; every search runs in the unit cube between them.
    fixed : dict of str to float, optional

    Raises
    ------
    InputError
        If nothing is free, a bound or fixed value is not finite, bounds do not rise, or a parameter is both
        free and fixed.
    """

    free: dict
    fixed: dict = field(default_factory=dict)

    def __post_init__(self):
        if not self.free:
            raise InputError("No parameter is free; name at least one with its lower and upper bound.")
        for name, (low, high) in self.free.items():
            if not -np.inf < low < high < np.inf:
                raise InputError(
                    f"The bounds of {name} are {low!r} and {high!r}; give two finite numbers, the lower one "
                    "first, or fix the parameter."
                )
        for name, value in self.fixed.items():
            if not np.isfinite(value):
                raise InputError(f"The fixed value of {name} is {value!r}; it must be a finite number.")
            if name in self.free:
                raise InputError(f"{name} is both free and fixed; remove it from one of the two.")

    @property
    def names(self):
        """Names of the free parameters, in the order of the coordinates."""
        return list(self.free)

    @property
    def dimension(self):
        """Number of free parameters."""
        return len(self.free)

    def to_parameters(self, points):
        """Parameter values at points of the unit cube.

        Parameters
        ----------
        points : (B, d) array

        Returns
        -------
        dict of str to (B,) float64 arrays
            Free and fixed parameters.
        """
        points = np.atleast_2d(np.asarray(points, dtype=np.float64))
        low, high = self._bounds()
        values = (1 - points) * low + points * high  # exact at both bounds
        free = {name: values[:, column].copy() for column, name in enumerate(self.names)}
        return free | {name: np.full(len(points), float(value)) for name, value in self.fixed.items()}

    def to_unit(self, params):
        """Points of the unit cube for values of the free parameters.

        Parameters
        ----------
        params : dict of str to float or (B,) array

        Returns
        -------
        (B, d) float64 array
        """
        low, high = self._bounds()
        columns = [np.atleast_1d(np.asarray(params[name], dtype=np.float64)) for name in self.names]
        return (np.stack(columns, axis=1) - low) / (high - low)

    def at_bounds(self, point, margin=0.01):
        """Free parameters that lie at a bound, where a wider range might have given a better fit.

        Parameters
        ----------
        point : (d,) array
            In the unit cube.
        margin : float, optional
            How near counts, as a fraction of the range.

        Returns
        -------
        dict of str to "low" or "high"
        """
        near = {}
        for name, coordinate in zip(self.names, point, strict=True):
            if coordinate <= margin:
                near[name] = "low"
            elif coordinate >= 1 - margin:
                near[name] = "high"
        return near

    def _bounds(self):
        return np.array(list(self.free.values()), dtype=np.float64).T
