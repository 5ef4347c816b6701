"""Mean excitatory firing rates and the band they belong in: one definition of a rate violation.

A node violates the band if its firing rate, averaged over the time after the burn-in, lies outside
``[low, high]`` Hz. Cost terms, constraints, the status of a simulation and the report all ask here.
"""

import numpy as np

from cubnm_core.errors import InputError

# Hz, by method of feedback inhibition control. The analytical solution aims at 3 Hz on average only, and is
# given the 3 ± 1 Hz of cuBNM 0.1.0; plasticity holds every node, and is held to 3 ± 0.5 Hz.
DEFAULT_BANDS = {"analytical": (2.0, 4.0), "numerical": (2.0, 4.0), "plasticity": (2.5, 3.5)}

PENALTY_DECAY = 0.05  # 1/Hz


def check_band(band):
    """Give a band as two floats.

    Parameters
    ----------
    band : (low, high)
        In Hz.

    Raises
    ------
    InputError
        Unless ``0 <= low < high < infinity``.
    """
    low, high = band
    if not 0 <= low < high < np.inf:
        raise InputError(
            f"The band of firing rates is {low!r} to {high!r} Hz; give two finite numbers from 0, the lower "
            "one first."
        )
    return float(low), float(high)


def violations(mean_rates, band):
    """Say which nodes have left the band.

    Parameters
    ----------
    mean_rates : (B, N) array
        Time mean of the excitatory firing rate of every node after the burn-in, in Hz.
    band : (low, high)
        In Hz; both ends belong to it.

    Returns
    -------
    (B, N) bool array
        True for a rate that is not a number.
    """
    low, high = check_band(band)
    mean_rates = np.asarray(mean_rates, dtype=np.float64)
    return ~((mean_rates >= low) & (mean_rates <= high))


def excess(mean_rates, band):
    """How far every node lies outside the band.

    Parameters
    ----------
    mean_rates : (B, N) array
        In Hz.
    band : (low, high)
        In Hz.

    Returns
    -------
    (B, N) float64 array
        In Hz; 0 inside the band.
    """
    low, high = check_band(band)
    mean_rates = np.asarray(mean_rates, dtype=np.float64)
    return np.maximum(np.maximum(low - mean_rates, mean_rates - high), 0.0)


def share_outside(mean_rates, band):
    """Share of the nodes of every simulation that violate the band: (B,) in 0 to 1."""
    return violations(mean_rates, band).mean(axis=1)


def penalty(mean_rates, band):
    """Mean over nodes of ``1 - exp(-0.05 * excess)``, with the excess in Hz: (B,) in 0 to 1.

    With the band 2 to 4 Hz it is the feedback inhibition penalty of cuBNM 0.1.0 without its scale. The 3 Hz
    at the centre are those of Deco et al. 2014 (doi:10.1523/JNEUROSCI.5068-13.2014).
    """
    return np.mean(-np.expm1(-PENALTY_DECAY * excess(mean_rates, band)), axis=1)
