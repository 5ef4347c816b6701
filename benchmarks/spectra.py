"""Power spectra of BOLD of scans and simulations, as the page on haemodynamic constants has them."""

import numpy as np

REPETITION_TIME = 0.72  # s, of all scans here
SEGMENT = 256  # volumes
FAST = 0.1  # Hz
SLOPES = ((0.01, 0.1), (0.1, 0.3))  # Hz
FLOOR = 0.5  # Hz, from where on power is taken for noise of scanner and body


def spectrum(bold):
    """Frequencies (F,) in Hz and shares of power (F,) of BOLD (T, N), averaged over regions.

    Welch's method, without a linear trend in every segment; frequency 0 is left out.
    """
    from scipy.signal import welch

    frequencies, power = welch(
        np.asarray(bold, float), 1 / REPETITION_TIME, nperseg=SEGMENT, axis=0, detrend="linear"
    )
    shares = power[1:] / power[1:].sum(axis=0)
    return frequencies[1:], shares.mean(axis=1)


def spectral_row(bold):
    """What the page says of a spectrum: a dict of floats."""
    frequencies, shares = spectrum(bold)
    above = shares - shares[frequencies >= FLOOR].mean()
    fast = frequencies > FAST
    return {
        "fast": float(shares[fast].sum()),
        "fast above the floor": float(above[fast].sum() / above.sum()),
        "peak": float(frequencies[shares.argmax()]),
        "slopes": [_slope(frequencies, above, low, high) for low, high in SLOPES],
    }


def _slope(frequencies, power, low, high):
    """Slope of the logarithms between two frequencies, where there is power."""
    within = (frequencies >= low) & (frequencies <= high) & (power > 0)
    return float(np.polyfit(np.log(frequencies[within]), np.log(power[within]), 1)[0])
