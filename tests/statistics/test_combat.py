"""ComBat is that of neuroCombat, and its test finds no more than it should."""

import numpy as np
import pandas as pd
import pytest

from cubnm_core.errors import InputError
from cubnm_core.statistics.combat import Combat, harmonised_test
from cubnm_core.statistics.exchange import draw_permutations
from cubnm_core.statistics.linear_models import term_test
from workflow_scripts.configuration import combat_sites

pytest.importorskip("neuroCombat", reason="neuroCombat is not installed")


def people(rng, n=60, regions=12):
    """Sites with a mean and a spread of their own; nothing goes with the group, which sites have unevenly."""
    sites = np.repeat(["a", "b", "c"], n // 3)
    share = {"a": 0.3, "b": 0.5, "c": 0.7}
    group = np.concatenate(
        [rng.permutation(np.arange(n // 3) < share[site] * n // 3) for site in "abc"]
    ).astype(float)
    age = rng.normal(size=n)
    place = np.unique(sites, return_inverse=True)[1]
    shift, scale = rng.normal(size=(3, regions)), rng.uniform(0.7, 1.5, (3, regions))
    values = shift[place] + scale[place] * rng.normal(size=(n, regions)) + 0.4 * age[:, None]
    return sites, np.column_stack([np.ones(n), group, age]), values


def test_values_are_those_of_the_library(capsys):
    from neuroCombat import neuroCombat

    sites, design, values = people(np.random.default_rng(1))
    covariates = pd.DataFrame({"site": sites, "group": design[:, 1], "age": design[:, 2]})
    expected = neuroCombat(values.T, covariates, "site", continuous_cols=["group", "age"])["data"].T
    found = Combat(sites, design[:, 1:]).harmonise(values)
    np.testing.assert_allclose(found, expected, atol=1e-6)  # there, covariates are in single precision
    assert found.std(axis=0).min() > 0
    by_site = [found[sites == site].mean(axis=0) for site in "abc"]
    raw = [values[sites == site].mean(axis=0) for site in "abc"]
    assert np.ptp(by_site, axis=0).mean() < 0.4 * np.ptp(raw, axis=0).mean()


@pytest.mark.slow
def test_repeating_it_in_every_permutation_keeps_the_level():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(30):
        sites, design, values = people(rng)
        orders = draw_permutations(len(sites), 99, int(rng.integers(2**31)), sites)
        found.append(harmonised_test(design, [1], values, sites, orders)[1])
    assert np.mean(np.concatenate(found) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_an_effect_is_found_and_a_constant_region_has_no_p():
    rng = np.random.default_rng(3)
    sites, design, values = people(rng)
    values[:, 0] += 3 * design[:, 1]
    values[:, 5] = 2.0
    orders = draw_permutations(len(sites), 199, 0, sites)
    harmonised, p, p_familywise = harmonised_test(design, [1], values, sites, orders)
    assert p[0] == p_familywise[0] == 1 / 200 and np.isnan(p[5]) and np.isnan(harmonised[:, 5]).all()
    assert (p_familywise >= p)[np.isfinite(p)].all()
    known = term_test(design, [1], harmonised[:, :1])
    assert known.estimate[0] == pytest.approx(3, abs=1)


def test_too_few_regions_and_sites_that_hold_one_group_are_refused():
    sites, design, values = people(np.random.default_rng(4))
    with pytest.raises(InputError, match="two regions or more"):
        harmonised_test(design, [1], values[:, :1], sites, np.arange(60)[None])
    confounded = np.column_stack([design[:, 0], sites == "a", design[:, 2]]).astype(float)
    with pytest.raises(InputError, match="cannot be separated"):
        harmonised_test(confounded, [1], values, sites, np.arange(60)[None])


MODEL = {
    "formula": "group + age",
    "test": None,
    "quantities": ["states"],
    "random": None,
    "blocks": None,
    "exchange": "within",
    "combat": "site",
}


def rows(sites, groups):
    return [
        {"participant_id": str(number), "site": site, "group": group, "age": 30 + number}
        for number, (site, group) in enumerate(zip(sites, groups, strict=True))
    ]


def test_conditions_are_told_before_the_first_job():
    enough = rows("a" * 12 + "b" * 12, "xy" * 12)
    assert combat_sites.check(MODEL, enough, "here") == []
    assert combat_sites.check({**MODEL, "combat": None}, enough, "here") == []
    (text,) = combat_sites.check(MODEL, rows("a" * 12 + "b" * 9, "xy" * 10 + "x"), "here")
    assert text.startswith("here.combat: ComBat needs 10 people of every site") and "b (9)" in text
    assert "leave combat out" in text
    (text,) = combat_sites.check(MODEL, rows("a" * 12 + "b" * 12, "x" * 12 + "y" * 12), "here")
    assert "group is confounded with site" in text and "add people of both" in text
    (text,) = combat_sites.check(MODEL, rows("a" * 24, "xy" * 12), "here")
    assert "two sites or more" in text
    few = rows("a" * 12 + "b" * 9, "xy" * 10 + "x")
    several = [{**row, "session_id": name} for row in few for name in "12"]
    assert "b (9)" in combat_sites.check(MODEL, several, "here")[0]  # people, not sessions


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantities": ["parameters"]}, "add states"),
        ({"random": "family"}, "random intercept for family"),
        ({"blocks": "site", "exchange": "whole"}, "know no other blocks"),
        ({"blocks": "family"}, "exchange people within site"),
    ],
)
def test_what_combat_cannot_do_is_refused(change, words):
    (text,) = combat_sites.check({**MODEL, **change}, rows("a" * 12 + "b" * 12, "xy" * 12), "here")
    assert words in text and "leave combat out" in text
