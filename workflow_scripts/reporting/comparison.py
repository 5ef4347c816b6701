"""Does a fit beat a baseline? Paired over people, said in a sentence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

MEASURES = {"fc_corr": "FC r", "fcd_ks": "FCD KS", "cost": "cost"}
HIGHER_IS_BETTER = {"fc_corr": True, "fcd_ks": False}
# What a fit is compared with: name of the baseline in the table, the measure it speaks to, how it is called.
BASELINES = {
    "sc_fc": ("fc_corr", "SC–FC correlation"),
    "group_mean_fc": ("fc_corr", "group-mean FC"),
    "scan_rescan_fc": ("fc_corr", "scan–rescan agreement"),
    "scan_rescan_ks": ("fcd_ks", "scan–rescan agreement"),
}


@dataclass(frozen=True)
class Comparison:
    """A fit against one baseline: difference is fit minus baseline, low and high its 95 % interval."""

    measure: str
    n_people: int
    n_better: int
    fit_mean: float
    baseline_mean: float
    difference: float
    low: float
    high: float
    beats: bool

    @property
    def is_better_on_average(self):
        """Whether the mean difference at least points the right way."""
        return is_better(self.fit_mean, self.baseline_mean, self.measure)


def is_better(score, baseline, measure):
    """Whether a score is on the better side of a baseline; a tie is not."""
    return bool(score > baseline if HIGHER_IS_BETTER[measure] else score < baseline)


def compare(fit, baseline, measure):
    """Compare a fit with a baseline, paired over people.

    A fit beats a baseline when the 95 % t interval of the mean difference lies wholly on the better side.
    With fewer than three people there is no interval worth the name: it must be better in each of them.

    Parameters
    ----------
    fit, baseline : pandas.Series
        One value per person.
    measure : {"fc_corr", "fcd_ks"}

    Returns
    -------
    Comparison or None
        None where no person has both values.
    """
    pairs = pd.DataFrame({"fit": fit, "baseline": baseline}).dropna()
    if pairs.empty:
        return None
    better = [is_better(*pair, measure) for pair in pairs.to_numpy()]
    difference = pairs["fit"] - pairs["baseline"]
    low, high = _interval(difference)
    # The limit that is nearer to no difference decides.
    decisive = low if HIGHER_IS_BETTER[measure] else high
    beats = is_better(decisive, 0.0, measure) if np.isfinite(decisive) else all(better)
    means = pairs["fit"].mean(), pairs["baseline"].mean()
    return Comparison(measure, len(pairs), sum(better), *means, difference.mean(), low, high, beats)


def _interval(difference):
    if len(difference) < 3:
        return np.nan, np.nan
    half = stats.t.ppf(0.975, len(difference) - 1) * difference.sem()
    return difference.mean() - half, difference.mean() + half
