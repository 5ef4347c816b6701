"""What a backend is asked to run, and what it gives back."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """When things happen, counted in haemodynamic steps.

    Attributes
    ----------
    n_steps : int
        Haemodynamic steps of the whole simulation.
    inner_steps : int
        Neural steps in one haemodynamic step.
    bold_steps : int array
        Numbers of finished haemodynamic steps at which BOLD is sampled, increasing.
    state_interval : int
        Haemodynamic steps from one sample of the states to the next; the first is taken after so many.
    burn_in_steps : int
        Samples up to this haemodynamic step stay out of the means.
    """

    n_steps: int
    inner_steps: int
    bold_steps: np.ndarray
    state_interval: int
    burn_in_steps: int

    @property
    def first_counted(self):
        """First haemodynamic step whose sample counts in the means."""
        return (self.n_early_samples + 1) * self.state_interval

    @property
    def n_early_samples(self):
        """Samples of the states that do not count in the means."""
        return self.burn_in_steps // self.state_interval

    @property
    def n_counted(self):
        """Samples that count in the means."""
        return max(0, self.n_steps // self.state_interval - self.first_counted // self.state_interval + 1)


@dataclass(frozen=True)
class Request:
    """What is wanted of BOLD; a backend that computes FC and FCD itself need not give back the BOLD.

    Attributes
    ----------
    wants_bold, wants_fc, wants_fcd : bool
    n_burn_in : int
        Volumes that stay out of FC and FCD.
    pair_index : tuple of int arrays, or None
        See `connectivity.pair_indices`.
    windows : tuple of int arrays, or None
        See `connectivity.sliding_windows`.
    band_pass : (low, high) in Hz, or (low, high, order), or None
    repetition_time : float
        In s.
    global_signal : {"kept", "regressed"}
        See `connectivity.prepare_bold`.
    comparison : Comparison, or None
        What each simulation is compared with; FC and FCD are then computed, whether or not they are wanted.
    measurement : Measurement, or None
        For targets that are compared with pieces of simulations.
    """

    wants_bold: bool
    wants_fc: bool
    wants_fcd: bool
    n_burn_in: int
    pair_index: tuple | None
    windows: tuple | None
    band_pass: tuple | None
    repetition_time: float
    comparison: object = None
    global_signal: str = "kept"
    measurement: object = None

    @property
    def is_prepared(self):
        """Whether FC and FCD are computed from something else than BOLD as it is."""
        return self.band_pass is not None or self.global_signal == "regressed"

    @property
    def computes_fc(self):
        """Whether FC has to be computed."""
        return self.wants_fc or self.comparison is not None

    @property
    def computes_fcd(self):
        """Whether the FCD has to be computed."""
        return self.wants_fcd or (self.comparison is not None and self.comparison.wants_fcd)


@dataclass(frozen=True)
class Task:
    """A batch of B simulations.

    Attributes
    ----------
    weights : (S, N, N) array
        ``weights[connectome, source, target]``.
    connectome : (B,) int array
    coefficients : dict of (B, N) arrays
        Values of the program's coefficients.
    initial : dict of (B, N) arrays
        Values of the program's arrays at the start.
    hemodynamics : HemodynamicProgram, or None
        None for models whose output is BOLD.
    balloon : dict of (B, N) arrays
        Values of the haemodynamic states at the start; empty without haemodynamics.
    seeds : list of B ints
    noise : (steps, N, n_noise) array, or None
        Used instead of seeds when given.
    stream : str
        Key of `noise.STREAMS`.
    lengths : (S, N, N) array, or None
        Tract lengths in mm; None for no delays.
    steps_per_mm : (B,) array
        Integration steps that activity needs for one millimetre.
    keep_states : bool
        Whether samples of the states are wanted, not only their means.
    request : Request, or None
        None where only the states count.
    fine_steps : int
        Finer steps in one, whose normals are summed to the noise of a step.
    """

    program: object
    hemodynamics: object
    balloon: dict
    schedule: Schedule
    weights: np.ndarray
    connectome: np.ndarray
    coefficients: dict
    initial: dict
    seeds: list
    noise: np.ndarray | None
    stream: str
    lengths: np.ndarray | None
    steps_per_mm: np.ndarray | None
    keep_states: bool
    request: Request | None = None
    fine_steps: int = 1

    @property
    def nodes(self):
        return self.weights.shape[1]

    def delays(self, row):
        """Delays of one simulation in integration steps, (source, target); one step means no delay."""
        lengths = self.lengths[self.connectome[row]]
        return np.maximum(1, np.rint(lengths * self.steps_per_mm[row])).astype(np.int32)


@dataclass
class TileResult:
    """Output of one tile of L simulations.

    Attributes
    ----------
    bold : (L, T, N) array, or None
    state_means : dict of (L, N) float64 arrays
        After the burn-in.
    states : dict of (L, samples, N) arrays, or None
    finite : (L,) bool array
        False where a state stopped being a finite number.
    fc, fcd : (L, pairs) and (L, window pairs) arrays, or None
        From a backend that computes them itself.
    scores : dict of (L,) float64 arrays, or None
        The terms of the request's comparison, from a backend that computes them itself.
    """

    bold: np.ndarray | None
    state_means: dict
    states: dict | None
    finite: np.ndarray
    fc: np.ndarray | None = None
    fcd: np.ndarray | None = None
    scores: dict | None = None

    @property
    def is_observed(self):
        """Whether the backend has computed itself what is wanted of BOLD."""
        return not (self.fc is None and self.fcd is None and self.scores is None)
