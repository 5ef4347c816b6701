"""A batch of simulations: connectomes, noise seeds and time step, turned into tasks of a backend."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cubnm_core.backends import reference
from cubnm_core.backends.task import Task
from cubnm_core.equations.lowering import IN_STRENGTH, lower
from cubnm_core.simulation import parameters


@dataclass(frozen=True)
class Batch:
    """What the runs of one call have in common: tuning of inhibition, and the simulation proper.

    Attributes
    ----------
    weights : (S, N, N) array
    lengths : (S, N, N) array or None
        In mm.
    connectome : (B,) int array
        Which of the S connectomes each simulation has.
    seeds : list of B int
        Of the noise.
    dt : float
        In s.
    scheme : str
    run : callable
        ``run(task, on_result=...)`` of a backend.
    fine_steps : int
        Finer steps in one, whose normals are summed.
    """

    weights: np.ndarray
    lengths: np.ndarray | None
    connectome: np.ndarray
    seeds: list
    dt: float
    scheme: str
    run: Callable
    fine_steps: int = 1

    def task(
        self,
        model,
        used,
        schedule,
        hemodynamics,
        *,
        regional=None,
        noise=None,
        stream="simulation",
        keep_states=False,
    ):
        """The task of running a model with these parameter values; `regional` are haemodynamic constants."""
        program = lower(model, self.dt, self.scheme)
        return Task(
            program=program,
            hemodynamics=hemodynamics,
            balloon=self._balloon(hemodynamics, regional or {}),
            schedule=schedule,
            weights=self.weights,
            connectome=self.connectome,
            coefficients=self._coefficients(program, used),
            initial=self._initial(program, used),
            seeds=self.seeds,
            noise=noise,
            stream=stream,
            lengths=self.lengths,
            steps_per_mm=None if self.lengths is None else 1e-3 / (used["v"] * self.dt),
            keep_states=keep_states,
            fine_steps=self.fine_steps,
        )

    @property
    def nodes(self):
        return self.weights.shape[1]

    def _coefficients(self, program, used):
        values = {name: parameters.regional(value, self.nodes) for name, value in used.items()}
        values[IN_STRENGTH] = self.weights.sum(axis=1)[self.connectome]
        return reference.evaluate(program.coefficients, values)

    def _balloon(self, hemodynamics, regional):
        if hemodynamics is None:
            return {}
        shape = (len(self.seeds), self.nodes)
        return {
            name: regional[value] if isinstance(value, str) else np.broadcast_to(value, shape)
            for name, value in zip(hemodynamics.states, hemodynamics.initial, strict=True)
        }

    def _initial(self, program, used):
        shape = (len(self.seeds), self.nodes)
        return {
            name: parameters.regional(used[value], self.nodes)
            if isinstance(value, str)
            else np.full(shape, value)
            for name, value in zip(program.arrays, program.initial, strict=True)
        }
