"""The smallest effect that a design would probably find: noncentral t and F distributions of SciPy."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.statistics.linear_models import HEDGES, PARTIAL_ETA, PARTIAL_R, degrees_of_freedom

POWER, LEVEL = 0.8, 0.05


@dataclass(frozen=True)
class DetectableEffect:
    """An effect that is found with a stated probability.

    Attributes
    ----------
    effect : {"hedges_g", "partial_r", "partial_eta_squared"}
        Its measure, as of :class:`cubnm_core.statistics.linear_models.TermTest`; a difference is in residual
        standard deviations, without the correction for small samples.
    size : float
    df : int
        Residual degrees of freedom.
    """

    effect: str
    size: float
    df: int

    def attenuate(self, reliability):
        """Give the effect on true values that shows as this one on measured values.

        Measurement error makes the standard deviation of a response 1 / sqrt(reliability) times as large
        (Spearman 1904, The American Journal of Psychology 15, 72).

        Parameters
        ----------
        reliability : float
            Intraclass correlation of the response.

        Returns
        -------
        float
            NaN without reliability, or where no effect is large enough.
        """
        if not reliability > 0:
            return np.nan
        size = self.size / (reliability if self.effect == PARTIAL_ETA else np.sqrt(reliability))
        return size if self.effect == HEDGES or size < 1 else np.nan


def detectable_effect(design, columns, two_levels=False, clusters=None, power=POWER, level=LEVEL):
    """Find the effect of a term that a two-sided test finds with a stated probability.

    Parameters
    ----------
    design : (n, k) array
        Of full rank, with the intercept.
    columns : sequence of int
        Those of the term; one is tested by t, several together by F.
    two_levels : bool
        Whether the column tells two levels apart.
    clusters : (n,) sequence, optional
        Whose members share a random intercept. A term that is constant within them is tested as if their
        members were all alike; for others the intercept is ignored.
    power, level : float

    Returns
    -------
    DetectableEffect
    """
    from scipy.special import ncfdtrinc, nctdtrinc
    from scipy.stats import f, t

    columns, (n, k) = list(columns), design.shape
    df = degrees_of_freedom(design, columns, clusters)
    if df != n - k:
        design = _means(design, clusters)
    if len(columns) > 1:
        q = len(columns)
        noncentrality = ncfdtrinc(q, df, 1 - power, f.ppf(1 - level, q, df))
        return DetectableEffect(PARTIAL_ETA, float(noncentrality / (noncentrality + df)), df)
    noncentrality = nctdtrinc(df, 1 - power, t.ppf(1 - level / 2, df))
    if two_levels:
        unscaled = np.linalg.pinv(design.T @ design)[columns[0], columns[0]]
        return DetectableEffect(HEDGES, float(noncentrality * np.sqrt(unscaled)), df)
    return DetectableEffect(PARTIAL_R, float(noncentrality / np.sqrt(noncentrality**2 + df)), df)


def _means(design, clusters):
    """Means of the rows of a design over clusters."""
    place = np.unique(np.asarray(clusters), return_inverse=True)[1]
    member = np.eye(place.max() + 1)[:, place]
    return member @ design / member.sum(axis=1, keepdims=True)
