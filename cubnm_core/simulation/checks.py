"""What is given to `simulate`, checked and brought into one shape; messages say what is allowed."""

import warnings

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.simulation.schedule import exact

#: Mean sum of a node's weights above which a connectome is taken as one that was not scaled.
UNSCALED = 100.0

_ALLOWED = {
    "record": ("bold", "fc", "fcd", "state_means", "states", "observables"),
    "precision": ("single", "double"),
    "global_signal": ("kept", "regressed"),
    "backend": ("auto", "cuda", "cpu", "reference"),
}


def check_choices(**chosen):
    """Raise an `InputError` for an unknown value of ``record``, ``precision`` or ``backend``."""
    for name, values in chosen.items():
        for value in (values,) if isinstance(values, str) else values:
            if value not in _ALLOWED[name]:
                raise InputError(f"{name}: {value!r} is unknown; allowed are {', '.join(_ALLOWED[name])}")


def check_panel(panel, record, comparison):
    """Raise an `InputError` where observables are asked for that the panel does not hold."""
    names = () if panel is None else panel.names
    lacking = [name for name in (comparison.observables if comparison else ()) if name not in names]
    if lacking or ("observables" in record and panel is None):
        raise InputError(
            f"the observables {', '.join(lacking)} are compared, but not in panel"
            if lacking
            else "record: 'observables' needs a panel that names them"
        )


def check_weights(weights):
    """Connectomes as a finite (S, N, N) float array; one alone may be (N, N)."""
    weights = np.asarray(weights, float)
    weights = weights[None] if weights.ndim == 2 else weights
    if weights.ndim != 3 or weights.shape[1] != weights.shape[2]:
        raise InputError(f"weights must be (N, N) or (S, N, N); found shape {weights.shape}")
    if not np.isfinite(weights).all():
        bad = np.argwhere(~np.isfinite(weights))[0]
        raise InputError(
            f"weights hold values that are not finite, the first in connectome, row, column {bad.tolist()}"
        )
    return weights


def warn_of_scale(weights, stacklevel):
    """Warn of connectomes far from the scale that bounds of coupling are meant for: (S, N, N) or (N, N)."""
    strength = float(np.mean(np.sum(weights, axis=-1)))
    if strength > UNSCALED:
        warnings.warn(
            f"a node's weights add up to {strength:.3g} on average, and bounds of the coupling are meant for "
            "about 1 (a mean weight of 0.01): scale the connectome, as with cubnm_core.connectome(weights)",
            stacklevel=stacklevel,
        )


def check_lengths(lengths, weights, scheme):
    """Tract lengths (mm) in the shape of the weights, (S, N, N); None without conduction delays."""
    if lengths is None:
        return None
    if scheme != "euler_maruyama":
        raise InputError(
            f"scheme: conduction delays work with euler_maruyama only, not with {scheme!r}; choose "
            "euler_maruyama, or leave out lengths"
        )
    lengths = np.asarray(lengths, float)
    lengths = lengths[None] if lengths.ndim == 2 else lengths
    if lengths.shape != weights.shape:
        raise InputError(f"lengths has shape {lengths.shape}; it must be that of weights, {weights.shape}")
    if not (np.isfinite(lengths) & (lengths >= 0)).all():
        bad = np.argwhere(~(np.isfinite(lengths) & (lengths >= 0)))[0]
        raise InputError(f"lengths must be 0 or more (mm); the first wrong one is at {bad.tolist()}")
    return lengths


def check_indices(connectome, size, count):
    """Which of `count` connectomes each of `size` simulations uses, (B,) int; needed if there are several."""
    if connectome is None:
        if count > 1:
            raise InputError(
                f"{count} connectomes are given: say with `connectome` which one each simulation uses"
            )
        return np.zeros(size, int)
    indices = np.broadcast_to(np.asarray(connectome, int), (size,))
    if indices.min() < 0 or indices.max() >= count:
        raise InputError(
            f"connectome holds indices {indices.min()} to {indices.max()}; allowed are 0 to {count - 1}"
        )
    return indices


def check_seeds(seed, size):
    """One seed for each of `size` simulations, as a list of int."""
    seeds = [int(value) for value in np.broadcast_to(np.asarray(seed), (size,))]
    if min(seeds) < 0:
        raise InputError(f"seed {min(seeds)} is negative; seeds are whole numbers from 0 to 2**64 - 1")
    return seeds


def check_noise_step(noise_step, dt, noise):
    """Finer steps in one, whose normals are summed; 1 if there are none."""
    if noise_step is None:
        return 1
    if noise is not None:
        raise InputError("noise_step: the noise is given already; leave out noise or noise_step")
    parts = exact(dt) / exact(noise_step) if noise_step > 0 else 0
    if parts < 1 or parts.denominator != 1:
        raise InputError(
            f"noise_step ({noise_step:g} s) must divide dt ({dt:g} s) without remainder; leave it out for "
            "one normal per step"
        )
    return int(parts)


def check_noise(noise, schedule, nodes, model):
    """Noise to be used as given, (steps, N, noise terms); None if it is drawn."""
    if noise is None:
        return None
    expected = (schedule.n_steps * schedule.inner_steps, nodes, len(model.noise))
    if np.shape(noise) != expected:
        raise InputError(
            f"noise must have shape (steps, N, noise terms) = {expected}; found {np.shape(noise)}"
        )
    return np.asarray(noise)
