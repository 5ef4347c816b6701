"""Cohorts without an effect of the group, and the tests that may find one all the same."""

import numpy as np

from cubnm_core.statistics.combat import harmonised_test
from cubnm_core.statistics.exchange import draw_permutations
from cubnm_core.statistics.linear_models import term_test
from cubnm_core.statistics.permutation import permutation_test

LEVEL = 0.05
PERMUTATIONS, REFITS = 499, 199
COMBAT_SHARE = 5  # for so many fewer cohorts, as every permutation fits ComBat anew
RESPONSES = 50  # parameters (or regions) per synthetic cohort
SITES, PER_FAMILY = 4, 2
MOST_SESSIONS = 5
TRUE_DIFFERENCE = 0.8  # standard deviations
SHAPES = {
    "normal": lambda latent: latent,
    "bounded": lambda latent: np.clip(latent, -0.5, 1.0),  # a third at the lower, a sixth at the upper bound
    "skewed": np.exp,
}


def made_people(n, rng):
    """People whose groups are of equal size and have nothing to do with anything else."""
    return {
        "group": rng.permutation(np.arange(n) % 2).astype(float),
        "age": rng.normal(size=n),
        "motion": rng.gamma(4.0, 0.5, n) - 2.0,
        "site": rng.integers(SITES, size=n),
        "family": np.arange(n) // PER_FAMILY,
    }


def plain(people, rng):
    """Parameters depend on age."""
    return 0.4 * people["age"][:, None] + rng.normal(size=(len(people["age"]), RESPONSES))


def moving(people, rng):
    """Patients move more, and parameters depend on motion (or on how good the fit is)."""
    people["motion"] = people["motion"] + 0.8 * people["group"]
    people["measured"] = people["motion"] + rng.normal(0, 0.65, len(people["motion"]))
    return plain(people, rng) + 0.6 * people["motion"][:, None]


def scattered(people, rng):
    """Sites differ in the parameters and in how many patients they have."""
    shares = np.linspace(0.2, 0.8, SITES)[people["site"]]
    people["group"] = (rng.random(len(shares)) < shares).astype(float)
    return plain(people, rng) + 0.8 * rng.normal(size=(SITES, RESPONSES))[people["site"]]


def related(people, rng):
    """Relatives are alike and in one group."""
    families = people["family"].max() + 1
    people["group"] = rng.permutation(np.arange(families) % 2).astype(float)[people["family"]]
    return plain(people, rng) + 1.2 * rng.normal(size=(families, RESPONSES))[people["family"]]


def changing(people, rng):
    """Two sessions; patients are fewer, move more in the second, and change with twice the spread."""
    n = len(people["age"])
    people["group"] = rng.permutation(np.arange(n) < n // 4).astype(float)
    people["weights"] = np.repeat([[-1.0], [1.0]], n, axis=1)
    people["motion change"] = rng.normal(size=n) + 0.8 * people["group"]
    own, spread = rng.normal(size=(n, RESPONSES)), 0.5 * (1 + people["group"])
    noise = spread[:, None] * rng.normal(size=(2, n, RESPONSES))
    return own + noise + 0.5 * np.stack([np.zeros(n), people["motion change"]])[..., None]


def sloping(people, rng):
    """Three to five sessions; everybody has a slope of their own, patients have fewer sessions."""
    n = len(people["age"])
    times = np.arange(MOST_SESSIONS, dtype=float)
    last = np.where(people["group"] == 1, 3, rng.integers(3, MOST_SESSIONS + 1, n))
    present = times[:, None] < last
    distance = np.where(present, times[:, None] - (last - 1) / 2, 0.0)
    people["weights"] = distance / (distance**2).sum(axis=0)
    own, slope = rng.normal(size=(2, n, RESPONSES))
    noise = 0.5 * rng.normal(size=(MOST_SESSIONS, n, RESPONSES))
    return own + 0.2 * slope * times[:, None, None] + noise


def harmonisable(people, rng):
    """Regions whose mean and spread differ between sites, which have unevenly many patients."""
    n = len(people["age"])
    people["site"] = np.arange(n) % SITES
    latent = scattered(people, rng)
    return latent * rng.uniform(0.7, 1.5, (SITES, RESPONSES))[people["site"]]


def responses_of(people, latent, change):
    """Responses of people: values, or what is weighed over sessions."""
    values = change(latent)
    return np.einsum("sn,snr->nr", people["weights"], values) if "weights" in people else values


def linear(*covariates, random=None, blocks=None):
    """Give the test of a model: by t and by permutation."""

    def test(people, responses, rng):
        return both_p(design_of(people, covariates), responses, people.get(random), people.get(blocks), rng)

    return test


def harmonise_once(people, responses, rng):
    """Harmonise, then test as if these were the data."""
    design = design_of(people, ("age",))
    harmonised = harmonised_test(design, [1], responses, people["site"], np.arange(len(design))[None])[0]
    return both_p(design, harmonised, None, None, rng)


def harmonise_always(people, responses, rng):
    """Harmonise anew in every permutation; there is no t."""
    design = design_of(people, ("age",))
    orders = draw_permutations(len(design), REFITS, int(rng.integers(2**31)), people["site"])
    p = harmonised_test(design, [1], responses, people["site"], orders)[1]
    return np.stack([np.full(len(p), np.nan), p])


# What is made, of how many people, and the tests.
SCENARIOS = {
    "labels permuted": (plain, 40, {"group + age": linear("age")}),
    "labels permuted, 16 people": (plain, 16, {"group + age": linear("age")}),
    "motion or fit quality differs between groups": (
        moving,
        40,
        {
            "group + age": linear("age"),
            "group + age + mean_fd": linear("age", "motion"),
            "group + age + mean_fd, measured with error": linear("age", "measured"),
        },
    ),
    "sites differ, patients unevenly over sites": (
        scattered,
        80,
        {
            "group + age": linear("age"),
            "group + age + site": linear("age", "site"),
            "group + age, random: site": linear("age", random="site"),
            "group + age + site, blocks: site": linear("age", "site", blocks="site"),
        },
    ),
    "relatives are alike and share a group": (
        related,
        80,
        {
            "group + age": linear("age"),
            "group + age, random: family": linear("age", random="family"),
            "group + age, blocks: family, exchange: whole": linear("age", blocks="family"),
        },
    ),
    "change between two sessions, patients' twice as variable": (
        changing,
        80,
        {"group": linear(), "group + mean_fd_change": linear("motion change")},
    ),
    "slopes over 3 to 5 sessions, patients' over 3": (sloping, 40, {"group + age": linear("age")}),
    "regions, sites differ in mean and spread": (
        harmonisable,
        80,
        {
            "group + age + site": linear("age", "site"),
            "group + age, after ComBat once": harmonise_once,
            "group + age, ComBat in every permutation": harmonise_always,
        },
    ),
}


def design_of(people, covariates):
    """Intercept, group, covariates; a site takes a column for all but the first."""
    columns = [np.ones(len(people["group"])), people["group"]]
    for name in covariates:
        levels = np.unique(people[name]) if name == "site" else ()
        columns += [people[name] == level for level in levels[1:]] or [people[name]]
    return np.column_stack(columns).astype(float)


def both_p(design, responses, clusters, blocks, rng):
    """p of the group by t and by permutation: (2, M)."""
    whole = blocks is not None and len(np.unique(blocks)) > SITES
    drawn = draw_permutations(len(design), PERMUTATIONS, int(rng.integers(2**31)), blocks, whole)
    by_t = term_test(design, [1], responses, clusters=clusters).p
    return np.stack([by_t, permutation_test(design, [1], responses, drawn, clusters)[0]])
