"""When BOLD and states of a simulation are sampled."""

import math
from fractions import Fraction

import numpy as np

from cubnm_core.backends.task import Schedule
from cubnm_core.errors import InputError

_STATE_PERIOD = 0.01  # s; short beside the time constants of firing rates


def make_schedule(duration, repetition_time, dt, hemodynamic_dt, burn_in=0.0, state_period=None):
    """When BOLD and states are sampled, without drift for any repetition time.

    Parameters
    ----------
    duration, repetition_time, dt, hemodynamic_dt, burn_in, state_period : float
        In s. Volume k is taken at the haemodynamic step nearest to k repetition times. States are sampled
        every 10 ms by default, or at the first multiple of `hemodynamic_dt` from there on.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        If the steps do not divide each other, or nothing lies after the burn-in.
    """
    inner = exact(hemodynamic_dt) / exact(dt)
    if inner.denominator != 1:
        raise InputError(f"hemodynamic_dt ({hemodynamic_dt:g} s) must be a whole multiple of dt ({dt:g} s)")
    if not duration > burn_in >= 0:
        raise InputError(
            f"duration ({duration:g} s) must exceed burn_in ({burn_in:g} s), which may not be negative"
        )
    if repetition_time < hemodynamic_dt or duration < repetition_time:
        raise InputError(
            f"repetition_time ({repetition_time:g} s) must lie between hemodynamic_dt ({hemodynamic_dt:g} s) "
            f"and duration ({duration:g} s)"
        )
    interval = exact(state_period or _STATE_PERIOD) / exact(hemodynamic_dt)
    if not state_period:
        interval = Fraction(math.ceil(interval))
    if interval.denominator != 1:
        raise InputError(
            f"state_period ({state_period:g} s) must be a whole multiple of hemodynamic_dt "
            f"({hemodynamic_dt:g} s)"
        )
    return Schedule(
        n_steps=int(exact(duration) / exact(hemodynamic_dt)),
        inner_steps=int(inner),
        bold_steps=_sample_steps(duration, repetition_time, hemodynamic_dt),
        state_interval=int(interval),
        burn_in_steps=int(exact(burn_in) / exact(hemodynamic_dt)),
    )


def exact(seconds):
    """Give the decimal number that was written, not its nearest binary fraction."""
    return Fraction(repr(float(seconds)))


def _sample_steps(duration, period, step):
    """Steps nearest to each multiple of a period within the duration."""
    steps_per_period = exact(period) / exact(step)
    count = int(exact(duration) / exact(period))
    twice = 2 * steps_per_period.numerator * np.arange(1, count + 1, dtype=object)
    denominator = steps_per_period.denominator
    return ((twice + denominator) // (2 * denominator)).astype(np.int64)
