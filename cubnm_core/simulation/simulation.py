"""`simulate`: a batch of simulations in; BOLD, FC, FCD and state means out, in bounded memory."""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from cubnm_core.equations.hemodynamics import lower_hemodynamics, regional_constants
from cubnm_core.measures import connectivity, rates
from cubnm_core.measures.comparison import check_pairs
from cubnm_core.measures.observables.panel import Panel
from cubnm_core.measures.pieces import Measurement
from cubnm_core.simulation import checks, inhibition
from cubnm_core.simulation.assembly import assemble, chosen_backend, known_constants
from cubnm_core.simulation.observation import Observer, measure_all
from cubnm_core.simulation.schedule import exact, make_schedule
from cubnm_core.simulation.tuning import tune

#: Meaning of `Simulation.status`. After "fic_failed" (no solution, or a mean rate outside its band) all
#: results are there.
STATUS = {0: "ok", 1: "diverged", 2: "fic_failed"}
_DIVERGED, _FIC_FAILED = 1, 2


@dataclass
class Simulation:
    """A batch of B simulations of N nodes.

    Attributes
    ----------
    bold : (B, T, N) array or None
        Percent signal change at TR, 2 TR, ... ; the first `n_burn_in` volumes lie in the burn-in.
    fc : (B, pairs) array or None
        Lower triangle, row-major. NaN for simulations that diverged.
    fcd : (B, window pairs) array or None
        Lower triangle, row-major. NaN for simulations that diverged.
    state_means : dict of (B, N) arrays
        Means over samples after the burn-in.
    states : dict of (B, samples, N) arrays
        Empty unless recorded.
    params : dict of (B,) or (B, N) arrays
        Parameters as used, feedback inhibition included.
    status : (B,) int array
        See `STATUS`.
    n_burn_in : int
        Volumes in the burn-in.
    seconds : float
        Wall time.
    scores : dict of (B,) arrays or None
        Terms of the comparison, where one was asked for. NaN for simulations that diverged.
    observables : dict of (B, K) arrays
        Empty unless recorded. NaN for simulations that diverged.
    repetition_time : float
        In s.
    n_early_samples : int
        Samples of the states in the burn-in.
    measurement : cubnm_core.measures.pieces.Measurement or None
        How BOLD became FC and FCD.
    panel : cubnm_core.measures.observables.panel.Panel or None
        What observables were read out.
    """

    bold: np.ndarray | None
    fc: np.ndarray | None
    fcd: np.ndarray | None
    state_means: dict
    states: dict
    params: dict
    status: np.ndarray
    n_burn_in: int
    seconds: float
    scores: dict | None = None
    observables: dict = field(default_factory=dict)
    repetition_time: float = float("nan")
    measurement: Measurement | None = None
    n_early_samples: int = 0
    panel: Panel | None = None

    def analysed_bold(self, row):
        """BOLD that FC was computed from, of one simulation: (T, N), after the burn-in, filtered."""
        return self.measurement.prepare(self.bold[row, self.n_burn_in :])

    def counted_states(self, row):
        """States of one simulation after the burn-in: dict of (samples, N) arrays."""
        return {name: values[row, self.n_early_samples :] for name, values in self.states.items()}

    def measured(self, layout, rows=slice(None), with_fcd=True):
        """Compute FC and FCD of pieces of simulations from their BOLD, which must have been recorded.

        Parameters
        ----------
        layout : cubnm_core.measures.pieces.Layout
        rows : slice or (L,) int array, optional
            All simulations by default.
        with_fcd : bool, optional

        Returns
        -------
        fc : (L, P) array
            NaN for simulations that diverged, as in the FCD.
        fcd : (L, K) array or None
        """
        finite, dtype = np.asarray(self.status)[rows] != _DIVERGED, self.bold.dtype
        bold = self.bold[rows][finite][:, self.n_burn_in :]
        sizes = [len(self.measurement.pair_index[0])]
        sizes += [self.measurement.n_window_pairs(layout)] if with_fcd else []
        found = [np.full((len(finite), size), np.nan, dtype) for size in sizes]
        if not finite.any():
            return found[0], found[1] if with_fcd else None
        for array, values in zip(
            found, measure_all(self.measurement, bold, layout, with_fcd, dtype), strict=False
        ):
            array[finite] = values
        return found[0], found[1] if with_fcd else None

    def measured_observables(self, layout, rows=slice(None)):
        """Read the recorded observables out of pieces of simulations, whose BOLD must have been recorded.

        Parameters
        ----------
        layout : cubnm_core.measures.pieces.Layout
        rows : slice or (L,) int array, optional
            All simulations by default.

        Returns
        -------
        dict of str to (L, K) arrays
            NaN for simulations that diverged.
        """
        status, found = np.asarray(self.status)[rows], {}
        for place in np.flatnonzero(status != _DIVERGED):
            bold = self.bold[rows][place, self.n_burn_in :]
            values = self.panel.measure_simulation(bold, self.measurement, layout, tuple(self.observables))
            for name, mine in values.items():
                found.setdefault(name, np.full((len(status), mine.size), np.nan))[place] = mine
        return found


def simulate(
    model,
    weights,
    params,
    *,
    duration,
    repetition_time,
    burn_in=30.0,
    dt=1e-4,
    hemodynamic_dt=1e-3,
    connectome=None,
    lengths=None,
    scheme="euler_maruyama",
    fic=None,
    hemodynamics=None,
    window=30.0,
    window_step=5.0,
    window_edges="drop",
    interhemispheric=True,
    hemispheres=None,
    band_pass=None,
    global_signal="kept",
    seed=0,
    noise=None,
    noise_step=None,
    record=("bold", "fc", "fcd", "state_means"),
    comparison=None,
    panel=None,
    state_period=None,
    backend="auto",
    precision=None,
    threads=None,
):
    """Simulate a batch of brain network models.

    Parameters
    ----------
    model : str, Path or Model
        Name of a model that comes with the package, path of a model file, or a `Model`.
    weights : (N, N) or (S, N, N) array
        ``weights[source, target]``; with S connectomes, `connectome` says which one each simulation uses.
    params : dict
        Values of the model's parameters: scalar, (B,) or, for regional ones, (B, N). Those left out take
        their default.
    duration, repetition_time : float
        In s; `duration` includes the burn-in.
    burn_in : float
        In s; what is before it stays out of FC, FCD and means.
    dt, hemodynamic_dt : float
        Time steps of the neural and the haemodynamic model in s.
    connectome : (B,) int array, optional
    lengths : array of the shape of `weights`, optional
        Tract lengths in mm, from source to target. Activity then travels with velocity "v" (m/s), a
        parameter.
    scheme : str
        ``"euler_maruyama"`` or ``"heun"``.
    fic : None, str or mapping
        Feedback inhibition control: ``"analytical"``, ``"plasticity"``, ``"numerical"``, or a mapping such as
        ``{"method": "plasticity", "target": 3.0, "warm_up": 100.0}``; see
        `cubnm_core.simulation.inhibition.Inhibition`.
    hemodynamics : str or mapping
        Constants of the haemodynamic model, required for BOLD, FC and FCD of models that do not describe BOLD
        themselves: a name such as ``"friston-3T"``, a mapping of constants, in which arrays (N,) give every
        region its own, or the scanner, ``{"field_strength": 3.0, "echo_time": 0.030}``; see
        `cubnm_core.equations.hemodynamics.hemodynamic_constants`.
    window, window_step : float
        Of the FCD, in s.
    window_edges : {"drop", "keep"}
        Whether windows at both ends are left out or cut off; see
        `cubnm_core.measures.connectivity.sliding_windows`.
    interhemispheric : bool
        Whether FC and FCD hold pairs between the hemispheres; if not, `hemispheres` is needed.
    hemispheres : (N,) sequence of "L" and "R", optional
    band_pass : (low, high) or (low, high, order), optional
        In Hz, applied to BOLD after the burn-in before FC and FCD; the order is that of the Butterworth
        filter in each direction, 2 by default.
    global_signal : {"kept", "regressed"}
        Whether the mean over all nodes is regressed out of BOLD after the burn-in, after the filter, before
        FC and FCD: for comparison with scans of which it was.
    seed : int or (B,) int array
        Noise seed; simulations of one seed share their noise.
    noise : (steps, N, n_noise) array, optional
        Standard normal noise used as given, instead of `seed`.
    noise_step : float, optional
        In s; `dt` is a multiple of it. The noise of a step is then the sum of the normals of finer steps, so
        that simulations of one seed and one `noise_step` lie on the same Brownian path whatever their `dt`.
        By default one normal is drawn for each step.
    record : tuple of str
        Any of bold, fc, fcd, state_means, states, observables.
    comparison : cubnm_core.measures.comparison.Comparison, optional
        Targets that the simulations are compared with where they run, in slices: without ``"fc"`` and
        ``"fcd"`` in `record`, these are never held for the whole batch.
    panel : cubnm_core.measures.observables.panel.Panel, optional
        The observables that are recorded, or that the comparison names. Only they are computed, one
        simulation after the other, and a GPU gives BOLD back for them.
    state_period : float, optional
        Sampling period of states and of their means in s; by default the first multiple of
        `hemodynamic_dt` from 0.01 on.
    backend : str
        ``"cuda"``, ``"cpu"``, ``"reference"`` (NumPy, double, slow), or ``"auto"``; see `chosen_backend`.
    precision : str, optional
        ``"single"`` or ``"double"``; by default what the model needs. The reference is always double.
    threads : int, optional
        Of the cpu backend; all cores this process may use by default.

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        If something given is wrong; the message says what is allowed.
    """
    started = time.perf_counter()
    checks.check_choices(record=record, backend=backend, global_signal=global_signal)
    checks.check_panel(panel, record, comparison)
    backend = chosen_backend(backend)
    model, batch, used = assemble(
        model,
        weights,
        params,
        seed=seed,
        connectome=connectome,
        lengths=lengths,
        dt=dt,
        scheme=scheme,
        backend=backend,
        precision=precision,
        threads=threads,
    )
    batch = replace(batch, fine_steps=checks.check_noise_step(noise_step, dt, noise))
    precision = precision or model.precision
    size, nodes = len(batch.seeds), batch.nodes
    wants_bold = comparison is not None or bool({"bold", "fc", "fcd", "observables"} & set(record))
    constants = known_constants(model, hemodynamics, wants_bold)
    regional = regional_constants(constants, (size, nodes))
    fic = inhibition.settings(fic)
    used, fic_found = (used, True) if fic is None else tune(fic, model, used, batch, hemodynamic_dt, noise)
    schedule = make_schedule(duration, repetition_time, dt, hemodynamic_dt, burn_in, state_period)
    observer = Observer(
        record=record,
        shape=(size, nodes),
        n_volumes=len(schedule.bold_steps),
        n_burn_in=int(exact(burn_in) / exact(repetition_time)),
        pair_index=_pair_index(record, comparison, nodes, hemispheres, interhemispheric),
        repetition_time=repetition_time,
        window=window,
        window_step=window_step,
        window_edges=window_edges,
        band_pass=band_pass,
        dtype=np.float64 if precision == "double" or backend == "reference" else np.float32,
        comparison=comparison,
        panel=panel,
        global_signal=global_signal,
    )
    noise = checks.check_noise(noise, schedule, nodes, model)
    task = batch.task(
        model,
        used,
        schedule,
        lower_hemodynamics(constants, hemodynamic_dt) if constants else None,
        regional=regional,
        noise=noise,
        keep_states="states" in record,
    )
    task = replace(task, request=observer.request)
    batch.run(task, on_result=observer.add)
    if fic is not None:
        rate = observer.state_means[model.inhibition["rate"]]
        fic_found = fic_found & ~rates.violations(rate, fic.rate_band).any(axis=1)
    return Simulation(
        bold=observer.bold,
        fc=observer.fc,
        fcd=observer.fcd,
        state_means=observer.state_means if "state_means" in record else {},
        states=observer.states,
        params=used,
        status=np.where(observer.finite, np.where(fic_found, 0, _FIC_FAILED), _DIVERGED),
        n_burn_in=observer.n_burn_in,
        seconds=time.perf_counter() - started,
        scores=observer.scores,
        observables=observer.observables,
        repetition_time=repetition_time,
        measurement=observer.measurement,
        n_early_samples=schedule.n_early_samples,
        panel=panel,
    )


def _pair_index(record, comparison, nodes, hemispheres, interhemispheric):
    """Pairs of FC and FCD, or None where neither is needed: of large networks there are many millions."""
    if comparison is None and not {"fc", "fcd"} & set(record):
        return None
    pairs = connectivity.pair_indices(nodes, hemispheres, "all" if interhemispheric else "intrahemispheric")
    for target in () if comparison is None else comparison.targets:
        check_pairs(len(pairs[0]), target)
    return pairs
