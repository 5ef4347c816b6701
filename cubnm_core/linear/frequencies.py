"""Frequencies at which spectra are computed, so that few of them give integrals to many digits.

Spectra of linear systems are rational functions. A Moebius map takes all frequencies to one circle, on which
they are smooth and periodic: there the trapezoidal rule converges exponentially (Trefethen & Weideman 2014,
doi:10.1137/130932132), and a rule of twice as many points contains the former.
"""

from dataclasses import dataclass

import numpy as np

_INFINITE = 1e6  # in units of the scale: a frequency beyond everything that moves


@dataclass(frozen=True)
class Continuous:
    """All frequencies, for integrals over spectra of signals in continuous time.

    Attributes
    ----------
    scale : float
        In Hz; half of the points lie below.
    """

    scale: float

    def place(self, angle):
        """Frequencies in Hz and weights of an integral over angles; `angle` (F,) lies in 0 to pi."""
        ratio = np.minimum(np.tan(np.minimum(angle, np.pi - 1 / _INFINITE) / 2), _INFINITE)
        return self.scale * ratio, 0.5 * self.scale * (1 + ratio**2)

    def tail(self, power, frequency, lag):
        """What white noise leaves at high frequencies: the spectrum of a first-order process.

        Parameters
        ----------
        power : (F, N) array
        frequency : (F,) array
        lag : float

        Returns
        -------
        (F, N) array, (N,) array
            A part of the power, and its integral with the lag's phase.
        """
        decay = 2 * np.pi * self.scale
        amplitude = power[-1] * (2 * np.pi * frequency[-1]) ** 2
        part = amplitude / (decay**2 + (2 * np.pi * frequency[:, None]) ** 2)
        return part, amplitude / (2 * decay) * np.exp(-decay * abs(lag))


@dataclass(frozen=True)
class Sampled:
    """Frequencies up to Nyquist's, for signals sampled with a repetition time in s."""

    scale: float
    repetition_time: float

    def place(self, angle):
        """Frequencies in Hz and weights of an integral over angles; `angle` (F,) lies in 0 to pi."""
        warped = np.tan(np.pi * self.scale * self.repetition_time)
        sine, cosine = np.sin(angle / 2), np.cos(angle / 2)
        frequency = np.arctan2(warped * sine, cosine) / (np.pi * self.repetition_time)
        slope = 0.5 * warped / (cosine**2 + (warped * sine) ** 2) / (np.pi * self.repetition_time)
        return frequency, slope

    def tail(self, power, frequency, lag):
        """None: no frequency is high."""
        return np.zeros_like(power), np.zeros(power.shape[1])


@dataclass(frozen=True)
class Rule:
    """A trapezoidal rule of `intervals` (even) on half the circle; the other half mirrors it.

    Integrals are over all frequencies, positive and negative, of what is even in them.
    """

    intervals: int
    map: object

    @property
    def frequency(self):
        """In Hz, (F,); the first is 0."""
        return self.map.place(self._angles)[0]

    @property
    def weights(self):
        """(F,) array: integrals are weighted sums."""
        return self._weights(np.ones(self.intervals + 1))

    @property
    def coarse_weights(self):
        """Weights of the rule with every other point, to say how far its integrals have converged."""
        return self._weights(np.tile([2.0, 0.0], self.intervals // 2 + 1)[: self.intervals + 1])

    @property
    def _angles(self):
        return np.pi * np.arange(self.intervals + 1) / self.intervals

    def _weights(self, counts):
        ends = np.ones(self.intervals + 1)
        ends[[0, -1]] = 0.5
        return 2 * np.pi / self.intervals * counts * ends * self.map.place(self._angles)[1]

    def doubled(self):
        """The rule of twice as many intervals: its even points are those of this one."""
        return Rule(2 * self.intervals, self.map)
