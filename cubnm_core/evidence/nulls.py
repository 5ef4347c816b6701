"""Null models: does a fit gain from a person's own connectome, or from the true map?

Forward nulls keep the fitted parameters and exchange the connectome or the map. They flatter the person's
own, which the parameters were fitted to, and are a diagnosis only. In a refitted null the whole search is run
again, so that own and null have had the same chances; p values come from those alone.
"""

from dataclasses import replace

import numpy as np

from cubnm_core.fitting.heterogeneity import MapScaled

OTHER_CONNECTOME, REWIRED, SPIN = KINDS = ("other_connectome", "rewired", "spin")
#: Null models of which one and the same serves all people.
SHARED = (SPIN,)
DRAWS = 10_000  # of the permutation test


def follows_map(space):
    """Say whether a parameter of a search space follows a map."""
    return any(isinstance(rule, MapScaled) for rule in space.regional.values())


def turn_maps(space, indices):
    """Turn all maps that parameters follow, together, so that they keep their relations to each other.

    Parameters
    ----------
    space : SearchSpace
    indices : (N,) int array
        Which node every node takes its value from, as of :class:`cubnm_core.statistics.spins.Spins`.

    Returns
    -------
    SearchSpace
        With the same coordinates and bounds.
    """
    rules = {
        name: replace(rule, maps={key: values[indices] for key, values in rule.maps.items()})
        if isinstance(rule, MapScaled)
        else rule
        for name, rule in space.regional.items()
    }
    return replace(space, regional=rules)


def p_value(own, nulls, sign, shared=False, draws=DRAWS, seed=0):
    """Test whether own scores are better than those of refitted null models, over a cohort; one-sided.

    If a connectome's own wiring (the place of a map) does not matter beyond what the null keeps, the own
    score of a person is exchangeable with those of the person's nulls. The statistic is the mean over people
    of own less the mean of the person's nulls. Its null distribution follows from exchange within people: for
    every person, one of the scores at random takes the place of the own one (exchangeability blocks, Winkler
    et al. 2014, doi:10.1016/j.neuroimage.2014.01.060). With one null per person that is the sign-flip test.
    Few refits are enough, because people count together: eight people with three nulls each allow p = .0001;
    a rank among nulls goes down to 1 / (1 + nulls) only. Nulls that serve everybody (one turned map for all
    people) make people dependent, so there the rank is taken: every null in turn is the own one of all people
    at once. Both are (1 + count) / (1 + draws), never 0 (Phipson & Smyth 2010, doi:10.2202/1544-6115.1585).

    Parameters
    ----------
    own : (n,) array
        One score for each person.
    nulls : (n, K) array
        NaN where a person has fewer; without `shared`, people may have different numbers.
    sign : {1, -1}
        1 where a higher score is better.
    shared : bool, optional
        Whether column k is the same null model for everybody.
    draws : int, optional
    seed : int, optional

    Returns
    -------
    float
        NaN where nobody has a null.
    """
    scores = sign * np.column_stack([np.asarray(own, dtype=np.float64), nulls])
    usable = np.isfinite(scores[:, 0]) & np.isfinite(scores[:, 1:]).any(axis=1)
    if shared:
        usable = np.isfinite(scores).all(axis=1)
    scores = scores[usable]
    if not scores.size or scores.shape[1] < 2:
        return np.nan
    known = np.isfinite(scores)
    count = known.sum(axis=1, keepdims=True)
    # Every score, were it the own one, less the mean of the person's others.
    ahead = (count * scores - np.nansum(scores, axis=1, keepdims=True)) / (count - 1)
    pseudo = ahead[:, 1:].mean(axis=0) if shared else _exchange(ahead, known, draws, seed)
    tolerance = 1e-12 * max(1.0, np.abs(scores[known]).max())  # rounding decides no tie
    reached = np.count_nonzero(pseudo >= ahead[:, 0].mean() - tolerance)
    return (1 + reached) / (1 + len(pseudo))


def _exchange(ahead, known, draws, seed):
    """Mean over people of a score each, drawn at random from the person's own and nulls: (draws,)."""
    generator = np.random.default_rng(seed)
    total = np.zeros(draws)
    for mine, there in zip(ahead, known, strict=True):
        total += generator.choice(mine[there], size=draws)
    return total / len(ahead)
