"""The space a fit searches: free coordinates as a unit cube, and the parameters that follow from them."""

from dataclasses import dataclass, field

import numpy as np

from cubnm_core.errors import InputError


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Free coordinates with their bounds, values held fixed, and parameters that differ between nodes.

    A coordinate is a parameter (``G``), or what a rule makes a regional parameter of: its baseline and the
    coefficients of its maps (``w_p``, ``w_p.myelin``), or its values in groups of nodes (``w_p[Vis]``).

    Parameters
    ----------
    free : dict of str to (low, high)
        Bounds in the unit of the parameter; every search runs in the unit cube between them.
    fixed : dict of str to float or (N,) array, optional
        Coordinates held at a value, or parameters held at one value for every node.
    regional : dict of str to MapScaled or Grouped, optional
        The rule of every regional parameter; all its coordinates must be free or fixed.

    Raises
    ------
    InputError
        If nothing is free, a bound or fixed value is not finite, bounds do not rise, a coordinate is both
        free and fixed, belongs to no parameter or is missing, or regional values differ in their number of
        nodes.
    """

    free: dict
    fixed: dict = field(default_factory=dict)
    regional: dict = field(default_factory=dict)

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
            if not np.isfinite(value).all():
                raise InputError(f"The fixed value of {name} is {value!r}; it must be a finite number.")
            if name in self.free:
                raise InputError(f"{name} is both free and fixed; remove it from one of the two.")
        self._check_coordinates()
        self._check_nodes()

    def _check_coordinates(self):
        """Every coordinate of a rule has a value, and every value has a use."""
        needed = self._rule_coordinates()
        numbers = {name for name, value in self.fixed.items() if not np.ndim(value)}
        missing = [name for name in needed if name not in self.free and name not in numbers]
        if missing:
            raise InputError(
                f"{missing[0]} is neither free nor fixed at a number; regional parameters need it."
            )
        stray = [
            name
            for name in [*self.free, *self.fixed]
            if name not in needed and (name in self.regional or "." in name or "[" in name)
        ]
        if stray:
            raise InputError(
                f"{stray[0]} belongs to no map or group of a regional parameter; there are "
                f"{', '.join(needed) or 'no regional parameters'}."
            )

    def _check_nodes(self):
        sizes = {name: rule.n_nodes for name, rule in self.regional.items()}
        sizes |= {name: len(value) for name, value in self.fixed.items() if np.ndim(value)}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{name}: {size}" for name, size in sizes.items())
            raise InputError(f"Regional parameters differ in their number of nodes ({listed}).")

    @property
    def names(self):
        """Names of the free coordinates, in their order."""
        return list(self.free)

    @property
    def dimension(self):
        """Number of free coordinates."""
        return len(self.free)

    @property
    def regional_names(self):
        """Names of the parameters that differ between nodes."""
        return [*self.regional, *(name for name, value in self.fixed.items() if np.ndim(value))]

    @property
    def parameter_names(self):
        """Names of the parameters of the model that points stand for."""
        used = self._rule_coordinates()
        return [name for name in (*self.free, *self.fixed) if name not in used] + list(self.regional)

    def coordinates(self, points):
        """Values of the coordinates at points of the unit cube.

        Parameters
        ----------
        points : (B, d) array

        Returns
        -------
        dict of str to (B,) float64 arrays
            Free coordinates and those fixed at a number.
        """
        points = np.atleast_2d(np.asarray(points, dtype=np.float64))
        low, high = self._bounds()
        values = (1 - points) * low + points * high  # exact at both bounds
        free = {name: values[:, column].copy() for column, name in enumerate(self.names)}
        numbers = {name: value for name, value in self.fixed.items() if not np.ndim(value)}
        return free | {name: np.full(len(points), float(value)) for name, value in numbers.items()}

    def compose(self, coordinates):
        """Parameters of the model, from coordinates.

        Parameters
        ----------
        coordinates : dict of str to (B,) array
            Free and fixed ones, as :meth:`coordinates` gives them.

        Returns
        -------
        dict of str to (B,) or (B, N) float64 arrays
        """
        coordinates = {name: np.atleast_1d(np.asarray(value, float)) for name, value in coordinates.items()}
        size = len(coordinates[self.names[0]])
        used = self._rule_coordinates()
        params = {name: values for name, values in coordinates.items() if name not in used}
        params |= {
            name: np.tile(np.asarray(value, dtype=np.float64), (size, 1))
            for name, value in self.fixed.items()
            if np.ndim(value)
        }
        return params | {name: rule.values(name, coordinates) for name, rule in self.regional.items()}

    def to_parameters(self, points):
        """Parameters of the model at points of the unit cube.

        Parameters
        ----------
        points : (B, d) array

        Returns
        -------
        dict of str to (B,) or (B, N) float64 arrays
            Free and fixed parameters; (B, N) for regional ones.
        """
        return self.compose(self.coordinates(points))

    def to_unit(self, coordinates):
        """Points of the unit cube for values of the free coordinates.

        Parameters
        ----------
        coordinates : dict of str to float or (B,) array

        Returns
        -------
        (B, d) float64 array
        """
        low, high = self._bounds()
        columns = [np.atleast_1d(np.asarray(coordinates[name], dtype=np.float64)) for name in self.names]
        return (np.stack(columns, axis=1) - low) / (high - low)

    def at_bounds(self, point, margin=0.01):
        """Free coordinates that lie at a bound, where a wider range might have given a better fit.

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

    def _rule_coordinates(self):
        """Names of the coordinates that regional parameters are made of."""
        return [name for parameter, rule in self.regional.items() for name in rule.coordinates(parameter)]

    def _bounds(self):
        return np.array(list(self.free.values()), dtype=np.float64).T


@dataclass(frozen=True, eq=False)
class Prior:
    """Pulls a fit towards a point, such as the best one of the group (shrinkage).

    Parameters
    ----------
    center : (d,) array
        In the unit cube.
    weight : float
        Of the distance in the cost.
    spread : float or (d,) array, optional
        Distance that counts as 1, as a fraction of the range of every coordinate.
    """

    center: np.ndarray
    weight: float
    spread: float | np.ndarray = 1.0

    def distance(self, points):
        """Mean over coordinates of the squared distance in units of the spread, of (n, d) points: (n,)."""
        return np.mean(((np.atleast_2d(points) - self.center) / self.spread) ** 2, axis=1)
