"""The Balloon-Windkessel model as a linear filter around the mean input of every node."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.derivatives import differentiate
from cubnm_core.equations.evaluation import evaluate
from cubnm_core.equations.hemodynamics import BOLD, EQUATIONS, EXTRACTION
from cubnm_core.equations.small_systems import solve_small

_STATES = tuple(name for name, _ in EQUATIONS)
_INPUT = "z"


def rest_states(constants, mean_input):
    """States of the haemodynamic model under constant input.

    Parameters
    ----------
    constants : dict of str to float or arrays
        As returned by `cubnm_core.equations.hemodynamics.hemodynamic_constants`.
    mean_input : (N,) array

    Returns
    -------
    dict of str to (N,) arrays
        Not a number where the inflow would not be positive.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        inflow = mean_input / constants["gamma"]
        volume = np.expm1(constants["alpha"] * np.log1p(inflow))
        outflow = np.expm1((1 / constants["alpha"] - 1) * np.log1p(volume))  # by volume, relative
        found = constants | {"x": np.zeros_like(inflow), "f": inflow, "v": volume}
        extracted = (1 + inflow) * evaluate(ex.parse(EXTRACTION), found)
        content = (inflow - extracted - outflow) / (1 + outflow)
    return {"x": found["x"], "v": volume, "q": content, "f": inflow}


@dataclass(frozen=True)
class HaemodynamicFilter:
    """BOLD per neural input of every node.

    Attributes
    ----------
    constants : dict of str to float or (N,) arrays
    mean_input : (N,) array
        Around which the filter is taken.
    """

    constants: dict
    mean_input: np.ndarray

    @property
    def scale(self):
        """Resonance of the vasodilatory signal in Hz, where spectra of BOLD change."""
        return float(np.sqrt(np.mean(self.constants["gamma"])) / (2 * np.pi))

    def gain(self, frequency):
        """Complex amplitudes (F, N), in percent signal change per unit of input, at (F,) Hz."""
        by_states, by_input, observed = self._slopes
        laplace = 2j * np.pi * np.asarray(frequency, float)[:, None]
        matrix = np.eye(len(_STATES))[:, :, None, None] * laplace - by_states[:, :, None]
        right = np.broadcast_to(by_input[:, None, None], (len(_STATES), 1, *matrix.shape[2:]))
        states = solve_small(matrix, right.astype(complex))[:, 0]
        return np.einsum("sn,sfn->fn", observed, states)

    @cached_property
    def _slopes(self):
        """Of the states' derivatives by the states (4, 4, N) and the input (4, N), of BOLD (4, N)."""
        values = self.constants | rest_states(self.constants, self.mean_input) | {_INPUT: self.mean_input}
        slopes, observed = _slopes()

        def spread(expression):
            return np.broadcast_to(evaluate(expression, values), np.shape(self.mean_input))

        by_states = np.array([[spread(slope) for slope in row[:-1]] for row in slopes])
        by_input = np.array([spread(row[-1]) for row in slopes])
        return by_states, by_input, np.array([spread(slope) for slope in observed])


@cache
def _slopes():
    """Derivatives of every equation by the states and the input, and of BOLD by the states."""
    extraction = {"extraction": ex.parse(EXTRACTION)}
    equations = [ex.substitute(ex.parse(text), extraction) for _, text in EQUATIONS]
    names = (*_STATES, _INPUT)
    bold = ex.parse(BOLD)
    return (
        tuple(tuple(differentiate(equation, name) for name in names) for equation in equations),
        tuple(differentiate(bold, name) for name in _STATES),
    )
