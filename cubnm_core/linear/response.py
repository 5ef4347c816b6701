"""`linear_response`: FC and expected scores of a batch of networks around their stable fixed points."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from cubnm_core.equations.files import load_model
from cubnm_core.equations.hemodynamics import regional_constants
from cubnm_core.equations.model import TIME_UNITS, Model
from cubnm_core.errors import InputError
from cubnm_core.linear.branches import default_noisy_run, find_branches
from cubnm_core.linear.fixed_points import Network
from cubnm_core.linear.haemodynamic_filter import HaemodynamicFilter
from cubnm_core.linear.linearisation import linearise
from cubnm_core.linear.observation import LinearObserver
from cubnm_core.linear.signals import Signal
from cubnm_core.linear.spectra import LinearNetwork
from cubnm_core.linear.stability import leading_eigenvalue
from cubnm_core.measures.comparison import FC_TERMS, check_pairs
from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.simulation import inhibition
from cubnm_core.simulation.assembly import assemble, chosen_backend, known_constants
from cubnm_core.simulation.checks import check_choices
from cubnm_core.simulation.parameters import regional
from cubnm_core.simulation.schedule import exact, make_schedule
from cubnm_core.simulation.tuning import tune

#: Relative change of the growth by fluctuations above which these are not small and expected scores are off.
NONLINEAR = 0.3
#: Distance of noisy runs from the fixed point above which they live elsewhere.
OFF_BRANCH = 0.5
_TOLERANCE = 1e-3


@dataclass
class LinearResponse:
    """B networks of N nodes around their fixed points.

    Attributes
    ----------
    fc : (B, pairs) array
        Expected in a scan of this length, lower triangle, row-major; NaN without a stable fixed point.
    expected, sampling_sd : dict of str to (B,) arrays
        Scores against the target, and how they scatter between scans of the same network.
    flags : dict of str to (B,) bool arrays
        ``no_fixed_point``, ``unstable``, ``several`` (starts or noise seeds end at different ones),
        ``nonlinear`` (fluctuations change the growth by more than `NONLINEAR`), ``off_branch`` (noisy runs
        are farther than `OFF_BRANCH` from the fixed point; both unknown without noisy runs), ``fic_failed``.
    growth, frequency : (B,) arrays
        Of the slowest deviation from the fixed point, in 1/s and Hz.
    distance : (B,) array
        Of noisy runs from the fixed point, relative; NaN without them.
    noisy_growth : (B,) array
        As `growth`, with the slopes averaged over the fluctuations of the noisy runs; NaN without them.
    state_means : dict of str to (B, N) arrays
        What the model records, at the fixed point.
    params : dict of (B,) or (B, N) arrays
        Parameters as used, feedback inhibition included.
    networks : list of LinearNetwork or None
        For spectra of one's own: ``networks[row].cross_spectra(frequency)``; None without a fixed point.
    seconds : float
        Wall time.
    """

    fc: np.ndarray
    expected: dict
    sampling_sd: dict
    flags: dict
    growth: np.ndarray
    frequency: np.ndarray
    distance: np.ndarray
    noisy_growth: np.ndarray
    state_means: dict
    params: dict
    networks: list
    seconds: float
    _observer: LinearObserver

    @property
    def flagged(self):
        """Whether any flag says that simulations have to decide, (B,) bool."""
        return np.any(list(self.flags.values()), axis=0)

    def sampling(self, row):
        """How FC scatters between scans of one network; raises an InputError without a stable fixed point."""
        if not self.growth[row] < 0:
            raise InputError(f"network {row} has no stable fixed point, so no FC")
        return self._observer.sample(self.networks[row], self._eigenvalue(row))

    def lagged_covariance(self, row, lag=0.0, tolerance=_TOLERANCE):
        """Covariance of the signal that FC is computed from, (N, N): of each node `lag` s later with each."""
        return self._observer.covariance(self.networks[row], self._eigenvalue(row), lag, tolerance)

    def _eigenvalue(self, row):
        return complex(self.growth[row], 2 * np.pi * self.frequency[row])


def linear_response(
    model,
    weights,
    params,
    *,
    duration,
    repetition_time,
    burn_in=30.0,
    dt=1e-3,
    hemodynamic_dt=1e-3,
    connectome=None,
    lengths=None,
    fic=None,
    hemodynamics=None,
    interhemispheric=True,
    hemispheres=None,
    band_pass=None,
    global_signal="kept",
    seed=0,
    comparison=None,
    starts=("noisy",),
    noisy=None,
    tolerance=_TOLERANCE,
    backend="auto",
    threads=None,
):
    """FC and expected scores from the equations, linearised around a stable fixed point.

    Around it a network driven by noise is an Ornstein-Uhlenbeck process, whose spectra are known in closed
    form (Deco et al. 2013, doi:10.1523/JNEUROSCI.1091-13.2013). Noise that depends on states has the
    amplitude of the fixed point. Keywords are those of `cubnm_core.simulate`, but for:

    Parameters
    ----------
    model : str, Path or Model
        Whose equations have derivatives everywhere.
    dt, hemodynamic_dt : float
        Of feedback inhibition control where it simulates, in s; noisy runs have a time step of their own.
    comparison : cubnm_core.measures.comparison.Comparison, optional
        Targets, and terms that compare FC.
    starts : sequence of str
        Where fixed points are searched from: the first that leads to one decides. ``"noisy"`` takes the means
        of short noisy runs, and so the branch that simulations live on; ``"initial"`` follows the initial
        values of the states without noise; ``"operating_point"`` and ``"high"`` start where feedback
        inhibition control aims at, and at high values of bounded states.
    noisy : cubnm_core.linear.branches.NoisyRun, optional
    tolerance : float
        Relative error of integrals over frequencies.

    Returns
    -------
    LinearResponse

    Raises
    ------
    InputError
        If something given is wrong, an equation has no derivative, or a term does not compare FC.
    """
    started = time.perf_counter()
    _check_terms(comparison)
    check_choices(backend=backend, global_signal=global_signal)
    model = model if isinstance(model, Model) else load_model(model)
    linearisation = linearise(model)
    backend = chosen_backend(backend)
    scheme = "heun" if lengths is None else "euler_maruyama"
    _, batch, used = assemble(
        model,
        weights,
        params,
        seed=seed,
        connectome=connectome,
        lengths=lengths,
        dt=dt,
        scheme=scheme,
        backend=backend,
        threads=threads,
    )
    fic_found = np.ones(len(batch.seeds), bool)
    if fic is not None:
        used, fic_found = tune(inhibition.settings(fic), model, used, batch, hemodynamic_dt, None)
    n_volumes = _count_volumes(duration, repetition_time, burn_in, (dt, hemodynamic_dt))
    observer = LinearObserver(
        signal=Signal(repetition_time, n_volumes, band_pass, global_signal),
        pair_index=pair_indices(batch.nodes, hemispheres, "all" if interhemispheric else "intrahemispheric"),
        comparison=comparison,
        tolerance=tolerance,
    )
    for target in () if comparison is None else comparison.targets:
        check_pairs(len(observer.pair_index[0]), target)
    full = {name: regional(value, batch.nodes) for name, value in used.items()}
    network = Network(linearisation, full, batch.weights, batch.connectome)
    run = {"backend": backend, "threads": threads}
    branches = find_branches(network, batch, used, starts, noisy or default_noisy_run(model), run)
    values = network.values(branches.states)
    build = partial(_linear_networks, network, batch, values, branches.found)
    networks = build(linearisation.slopes(values), known_constants(model, hemodynamics))
    blurred = build(linearisation.mean_slopes(values, branches.spread), {})
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        views = list(pool.map(observer.look, range(network.size), networks))
        noisy_growth = np.array(list(pool.map(_growth, blurred)))
    growth = np.array([view.eigenvalue.real for view in views])
    return LinearResponse(
        fc=np.stack([view.fc for view in views]),
        expected={name: np.array([view.scores[name][0] for view in views]) for name in observer.terms},
        sampling_sd={name: np.array([view.scores[name][1] for view in views]) for name in observer.terms},
        flags={
            "no_fixed_point": ~branches.found,
            "unstable": growth >= 0,
            "several": branches.several,
            "off_branch": branches.distance > OFF_BRANCH,
            "nonlinear": np.abs(noisy_growth - growth) > NONLINEAR * np.abs(growth),
            "fic_failed": ~fic_found,
        },
        growth=growth,
        frequency=np.array([abs(view.eigenvalue.imag) / (2 * np.pi) for view in views]),
        distance=branches.distance,
        noisy_growth=noisy_growth,
        state_means=linearisation.recorded(values),
        params=used,
        networks=networks,
        seconds=time.perf_counter() - started,
        _observer=observer,
    )


def _check_terms(comparison):
    terms = () if comparison is None else comparison.terms
    wrong = [name for name in terms if name not in FC_TERMS]
    if wrong:
        raise InputError(
            f"linear response gives {', '.join(FC_TERMS)}; {', '.join(wrong)} can only be had by simulation"
        )


def _count_volumes(duration, repetition_time, burn_in, steps):
    """Volumes after the burn-in, as a simulation has them."""
    schedule = make_schedule(duration, repetition_time, *steps, burn_in)
    return len(schedule.bold_steps) - int(exact(burn_in) / exact(repetition_time))


def _growth(network):
    """Growth of the slowest deviation; NaN without a network, or where a slope is none."""
    if network is None or not all(np.isfinite(s).all() for s in (network.by_states, network.by_sums)):
        return np.nan
    return leading_eigenvalue(network).real


def _linear_networks(network, batch, values, found, slopes, constants):
    """The linear network of every row; None where there is no fixed point."""
    linearisation = network.linearisation
    noise = linearisation.noise(values)
    level, observed = linearisation.observed(values)
    constants |= regional_constants(constants, level.shape)
    return [
        LinearNetwork(
            weights=batch.weights[batch.connectome[row]],
            delays=_delays(batch, network.params, row),
            by_states=slopes.by_states[:, :, row],
            by_sums=slopes.by_sums[:, :, row],
            sent_by_states=slopes.sent_by_states[:, :, row],
            noise=noise[:, :, row],
            observed=observed[:, row],
            unit=TIME_UNITS[linearisation.model.time_unit],
            filter=_filter(constants, level, row),
        )
        if found[row]
        else None
        for row in range(network.size)
    ]


def _filter(constants, level, row):
    """From activity to BOLD; None for models that describe BOLD itself."""
    if not constants:
        return None
    own = {name: value[row] if np.ndim(value) else value for name, value in constants.items()}
    return HaemodynamicFilter(own, level[row])


def _delays(batch, params, row):
    """Conduction delays of one network in s; None without."""
    if batch.lengths is None:
        return None
    return batch.lengths[batch.connectome[row]] / (1e3 * params["v"][row, 0])
