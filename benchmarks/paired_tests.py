"""False positives of paired tests with few people: t, BCa, sign flips; exchange between people.

``python benchmarks/paired_tests.py`` draws differences of people without an effect and counts 95 % intervals
that miss the truth and p values up to .05. Two CPU minutes. See README.md in this folder.
"""

import argparse
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats

HERE = Path(__file__).resolve().parent
LEVEL = 0.05
PEOPLE = (3, 4, 5, 6, 8, 10, 20)
RESAMPLES = 1999  # of the bootstrap
PATTERNS = 1999  # of signs, where all of them are too many
AT_ONCE = 250  # cohorts that share resamples and patterns
EFFECT = 1.0  # true mean difference in standard deviations, for the power

#: Differences of people before they are centred; as in false_positives.py, but for two more shapes.
SHAPES = {
    "normal": lambda latent: latent,
    "bounded": lambda latent: np.clip(latent, -0.5, 1.0),  # a third at the lower, a sixth at the upper bound
    "skewed": lambda latent: np.exp(0.5 * latent),  # skewness 1.8
    "very skewed": np.exp,  # skewness 6.2
    "heavy tails": lambda latent: stats.t(3).ppf(stats.norm.cdf(latent)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohorts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    shapes = [
        (shape, n, rates(differences(shape, n, options.cohorts, rng), rng))
        for shape, n in product(SHAPES, PEOPLE)
    ]
    exchanges = [
        (exchange, others, n, rates(exchanged(exchange, others, n, options.cohorts, rng), rng))
        for exchange, others, n in product(EXCHANGES, (None, 4), PEOPLE)
        if others is None or others < n - 1
    ]
    power = [(n, rates(EFFECT + differences("normal", n, options.cohorts, rng), rng)) for n in PEOPLE]
    text = markdown(shapes, exchanges, power, options)
    path = HERE / "results" / "paired_tests.md"
    path.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {path}")


def differences(shape, n, cohorts, rng):
    """Differences of people with population mean 0 and standard deviation 1: (cohorts, n)."""
    change = SHAPES[shape]
    many = change(np.random.default_rng(1).standard_normal(2_000_000))
    if shape == "heavy tails":  # symmetric: the mean is known
        return change(rng.standard_normal((cohorts, n))) / np.sqrt(3)
    return (change(rng.standard_normal((cohorts, n))) - many.mean()) / many.std()


def giver(scores, rng):
    """Some people's parts do well with everybody."""
    return scores + rng.standard_normal((len(scores), 1, scores.shape[2]))


def mutual(scores, rng):
    """Two people's parts suit each other both ways or not at all."""
    lower = np.tril(scores, -1)
    return lower + np.swapaxes(lower, 1, 2) + scores * np.eye(scores.shape[1])


EXCHANGES = {
    "nothing shared": lambda scores, rng: scores,
    "givers differ": giver,
    "likeness is mutual": mutual,
}


def exchanged(exchange, others, n, cohorts, rng):
    """Own less mean of others where own parts are no better: (cohorts, n).

    Score i, j is that of person i with the part of person j. With `others`, everybody is exchanged with so
    many people drawn at random, else with all.
    """
    scores = EXCHANGES[exchange](rng.standard_normal((cohorts, n, n)), rng)
    chance = rng.random(scores.shape)
    chance[:, np.arange(n), np.arange(n)] = np.inf
    drawn = np.argsort(chance, axis=2)[:, :, : others or n - 1]
    theirs = np.take_along_axis(scores, drawn, axis=2).mean(axis=2)
    return np.diagonal(scores, axis1=1, axis2=2) - theirs


def rates(cohorts, rng):
    """Share of cohorts in which 0 is refused: by the t interval, the BCa interval and the sign-flip p."""
    parts = [cohorts[start : start + AT_ONCE] for start in range(0, len(cohorts), AT_ONCE)]
    found = [np.array([by_t(part), by_bca(part, rng), by_signs(part, rng)]) for part in parts]
    return dict(zip(("t", "BCa", "signs"), np.concatenate(found, axis=1).mean(axis=1), strict=True))


def by_t(cohorts):
    """Whether the t interval leaves out 0, which is where p ≤ .05 in the t test."""
    return stats.ttest_1samp(cohorts, 0.0, axis=1).pvalue <= LEVEL


def by_bca(cohorts, rng):
    """Whether the bias-corrected and accelerated bootstrap interval leaves out 0 (Efron 1987)."""
    found = stats.bootstrap(
        (cohorts,), np.mean, axis=1, n_resamples=RESAMPLES, method="BCa", rng=rng
    ).confidence_interval
    return (found.low > 0) | (found.high < 0)


def by_signs(cohorts, rng):
    """Whether p ≤ .05 by flipping signs: all patterns, or random ones."""
    n = cohorts.shape[1]
    if 2**n <= PATTERNS:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    else:
        signs = np.vstack([np.ones(n), rng.choice([-1, 1], (PATTERNS, n))])
    observed = np.abs(cohorts.sum(axis=1))
    reached = (np.abs(signs @ cohorts.T) >= observed - 1e-12 * (1 + observed)).mean(axis=0)
    return reached <= LEVEL


_HEAD = """\
# Paired tests of few people

{date}, `python benchmarks/paired_tests.py`, seed {seed}, {cohorts:,} cohorts per cell. False positives
in %: how often a true mean difference of 0 is rejected by the 95 % t interval / the 95 % bootstrap interval
(BCa) / sign flips at p ≤ .05. Nominal is 5; two Monte-Carlo standard errors are {error:.1f}; **bold**: above
7.5, Bradley's liberal limit (1978, doi:10.1111/j.2044-8317.1978.tb00581.x). The coverage of an interval is
100 minus its cell. Bounded: a third of the people at the lower, a sixth at the upper bound; skewed:
log-normal, skewness 1.8; very skewed: log-normal, 6.2; heavy tails: t with three degrees of freedom."""

_EXCHANGE = """\
## Exchange between people

Each person's own parameters (or connectome) versus those of all others or of four, averaged within the
person, where own ones are no better: t interval / sign flips. Differences are not independent, because the
same others serve several people. Givers differ: some people's parameters suit everybody; mutual: the
parameters of two people suit each other in both directions or in neither."""

_POWER = """\
## Power

How often a mean difference of one standard deviation is found, normal, in %. The bootstrap finds more because
its false-positive rate is too high."""


def markdown(shapes, exchanges, power, options):
    """The result, for people."""
    error = 200 * np.sqrt(LEVEL * (1 - LEVEL) / options.cohorts)
    head = _HEAD.format(date=date.today().isoformat(), error=error, **vars(options))
    rates_of_shapes = {(n, shape): found for shape, n, found in shapes}
    kinds = list(dict.fromkeys((exchange, others) for exchange, others, *_ in exchanges))
    rates_of_exchanges = {(n, (exchange, others)): found for exchange, others, n, found in exchanges}
    names = [f"{exchange}, {others or 'all'}" for exchange, others in kinds]
    parts = [
        head,
        table(SHAPES, SHAPES, rates_of_shapes, ("t", "BCa", "signs")),
        _EXCHANGE,
        table(names, kinds, rates_of_exchanges, ("t", "signs")),
        _POWER,
        table(
            ["t / BCa / signs"], [None], {(n, None): found for n, found in power}, ("t", "BCa", "signs"), 1
        ),
    ]
    return "\n\n".join(parts) + "\n"


def table(names, keys, found, tests, limit=0.075):
    """A line for every number of people, a column for every key."""
    lines = [["people", *names], ["---"] * (1 + len(names))]
    for n in PEOPLE:
        cells = [
            [cell(found[n, key][test], limit) for test in tests] if (n, key) in found else [] for key in keys
        ]
        lines.append([n, *map(" / ".join, cells)])
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def cell(share, limit):
    """A share in %, bold where it is too high."""
    text = f"{100 * share:.1f}"
    return f"**{text}**" if share > limit else text


if __name__ == "__main__":
    main()
