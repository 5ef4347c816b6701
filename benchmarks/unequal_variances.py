"""False positives where one group varies more than the other, and what permutations find in 400 regions.

``python benchmarks/unequal_variances.py`` draws data sets without a group difference and counts p values up
to .05, then cohorts in which five regions differ. About two CPU minutes. See README.md in this folder.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np

from cubnm_core.statistics.exchange import draw_permutations
from cubnm_core.statistics.linear_models import false_discovery_rate, term_test
from cubnm_core.statistics.permutation import permutation_test

HERE = Path(__file__).resolve().parent
LEVEL = 0.05
RESPONSES = 50  # data sets that share people, covariates and permutations
PERMUTATIONS = 499
SITES, PER_FAMILY = 4, 2
SPREADS = {
    "as much": 1.0,
    "patients 1.5 ×": 1.5,
    "patients 2 ×": 2.0,
    "controls 1.5 ×": 1 / 1.5,
    "controls 2 ×": 0.5,
}  # SD of patients by that of controls
REGIONS, DIFFERENT, DIFFERENCE = 400, 5, 3.0
FOUND = {"1,000": 1000, "20 per region": 20 * REGIONS, "20,000": 20_000}


def alone(people, spread, rng):
    """People are independent: latent parameters, random intercept, options of the permutations."""
    return noise(spread, rng), None, {}


def at_sites(people, spread, rng):
    """Sites differ, and people change places within them."""
    people["columns"] = [people["site"] == level for level in range(1, SITES)]
    shift = 0.8 * rng.normal(size=(SITES, RESPONSES))[people["site"]]
    return noise(spread, rng) + shift, None, {"blocks": people["site"]}


def in_families(people, spread, rng):
    """Relatives are alike and share a group, and whole families change places."""
    return alike(people, spread, rng), None, {"blocks": people["family"], "whole": True}


def with_intercept(people, spread, rng):
    """Relatives are alike and share a group, and have a random intercept."""
    return alike(people, spread, rng), people["family"], {}


def noise(spread, rng):
    """Parameters that vary so much: (n, RESPONSES)."""
    return spread[:, None] * rng.normal(size=(len(spread), RESPONSES))


def alike(people, spread, rng):
    """The same with a share of relatives in it."""
    shared = rng.normal(size=(people["family"].max() + 1, RESPONSES))[people["family"]]
    return noise(spread, rng) + spread[:, None] * shared


CASES = {
    "independent people": (alone, [(60, 20), (32, 8), (24, 8), (12, 8), (8, 8)]),
    "blocks: site": (at_sites, [(60, 20), (32, 8)]),
    "pairs of relatives, exchange: whole": (in_families, [(60, 20), (32, 16)]),
    "pairs of relatives, random: family": (with_intercept, [(60, 20), (32, 16)]),
}
SLOW, SHARE = with_intercept, 10  # a mixed model for every data set: for so many fewer of them


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", type=int, default=10_000, help="data sets per cell")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    regions, cells = found_regions(rng), []
    for name, (make, all_sizes) in CASES.items():
        cohorts = options.sets // RESPONSES // (SHARE if make is SLOW else 1)
        for sizes in all_sizes:
            found = [rates(make, sizes, ratio, cohorts, rng) for ratio in SPREADS.values()]
            cells.append((name, sizes, found))
            print(name, sizes, *map(_both, found), flush=True)
    text = markdown(cells, regions, options)
    path = HERE / "results" / "unequal_variances.md"
    path.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {path}")


def made_people(sizes, rng):
    """People of two groups, patients moving more; families are of one group."""
    group = np.repeat([0.0, 1.0], sizes)
    n = len(group)
    return {
        "group": group,
        "motion": rng.gamma(4.0, 0.5, n) + 0.8 * group,
        "site": rng.permutation(np.arange(n) % SITES),
        "family": np.arange(n) // PER_FAMILY,
        "columns": [],
    }


def rates(make, sizes, ratio, cohorts, rng):
    """Share of p up to the level, by t and by permutation."""
    p = [both_p(make, sizes, ratio, rng) for _ in range(cohorts)]
    return (np.concatenate(p, axis=1) <= LEVEL).mean(axis=1)


def both_p(make, sizes, ratio, rng):
    """p of the group by t and by permutation, with motion as a covariate: (2, RESPONSES)."""
    people = made_people(sizes, rng)
    latent, clusters, exchange = make(people, np.where(people["group"] == 1, ratio, 1.0), rng)
    responses = latent + 0.6 * people["motion"][:, None]
    design = np.column_stack([np.ones(len(latent)), people["group"], people["motion"], *people["columns"]])
    drawn = draw_permutations(len(design), PERMUTATIONS, int(rng.integers(2**31)), **exchange)
    by_t = term_test(design, [1], responses, clusters=clusters).p
    return np.stack([by_t, permutation_test(design, [1], responses, drawn, clusters)[0]])


def found_regions(rng, cohorts=4, n=20):
    """Share of differing regions found after correction (FDR, FWE), and of false ones, by permutations."""
    found = {name: [] for name in FOUND}
    for _ in range(cohorts):
        people = made_people((n, n), rng)
        responses = rng.normal(size=(2 * n, REGIONS))
        responses[:, :DIFFERENT] += DIFFERENCE * people["group"][:, None]
        design = np.column_stack([np.ones(2 * n), people["group"], people["motion"]])
        for name, count in FOUND.items():
            drawn = draw_permutations(2 * n, count, int(rng.integers(2**31)))
            p, familywise = permutation_test(design, [1], responses, drawn)
            hits = np.array([false_discovery_rate(p), familywise]) < LEVEL
            found[name].append([hits[:, :DIFFERENT].mean(axis=1), hits[:, DIFFERENT:].mean(axis=1)])
    return {name: np.mean(each, axis=0) for name, each in found.items()}


_HEAD = """\
# Groups that do not vary alike

{date}, `python benchmarks/unequal_variances.py`, seed {seed}, {sets:,} data sets a cell, {permutations}
permutations. Share of p ≤ .05 in % for a group difference that is not there, by t (ordinary least squares, or
a mixed model) / by permutation. Motion is a covariate, and patients move more. SD: how much patients vary.
Two Monte-Carlo standard errors are {error:.1f} (with a random intercept {slow_error:.1f}, as there are a
tenth of the data sets); **bold**: outside 4 to 6."""

_FOUND = """\
## Five regions of 400

Groups of 20 differ by {difference:g} standard deviations in {different} of {regions} regions, over 4 cohorts:
share of these found after correction, and of the other regions, in %."""


def markdown(cells, found, options):
    """The result, for people."""
    error = 200 * np.sqrt(LEVEL * (1 - LEVEL) / options.sets)
    shared = {"date": date.today().isoformat(), "permutations": PERMUTATIONS, "error": error}
    shared["slow_error"] = error * np.sqrt(SHARE)
    rows = [[name, "{} + {}".format(*sizes), *map(_both, found_here)] for name, sizes, found_here in cells]
    regions = [
        [name, *(f"{100 * share:.1f}" for share in (*shares[0], *shares[1]))]
        for name, shares in found.items()
    ]
    parts = [
        _HEAD.format(**vars(options), **shared),
        table(["without effect", "controls + patients", *(f"SD {name}" for name in SPREADS)], rows),
        _FOUND.format(difference=DIFFERENCE, different=DIFFERENT, regions=REGIONS),
        table(["permutations", "found, FDR", "found, FWE", "false, FDR", "false, FWE"], regions),
    ]
    return "\n\n".join(parts) + "\n"


def _both(shares):
    return " / ".join(f"{100 * p:.1f}" if 0.04 <= p <= 0.06 else f"**{100 * p:.1f}**" for p in shares)


def table(head, rows):
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    main()
