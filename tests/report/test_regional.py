"""Sections on regional read-outs and parameters: what is shown is of people, not of their sessions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.report.sections import parameters, regional

LABELS = ["LH_a", "LH_b", "RH_a", "RH_b"]
KEYS = {"fit": "one", "label": LABELS}


def states(people, fit="one"):
    """Regional means of people 0, 1, ...: of region k of person p, k + p."""
    return pd.DataFrame(
        [
            {"key": f"sub-{p}", "fit": fit, "label": label, "hemisphere": label[0], "variable": "r_E"}
            | {"mean": float(k + p), "sd": 0.1, "unit": "Hz"}
            for p in range(people)
            for k, label in enumerate(LABELS)
        ]
    )


def cohort(people=3, **tables):
    found = {"states": states(people)} | tables
    return SimpleNamespace(
        fits=["one"],
        tables=found,
        of_fit=lambda name, fit: found[name][found[name]["fit"] == fit],
        people=pd.Series({f"sub-{p}": f"{p}" for p in range(people)}, dtype=object),
        config={"statistics": {"alpha": 0.05}},
        nodes=pd.DataFrame({"label": LABELS, "network": ["Vis", "Default"] * 2}),
        brain=SimpleNamespace(kind="atlas", note="", looks="left, lateral"),
        smallest_group=5,
    )


@pytest.fixture
def maps(monkeypatch):
    """Values of every map by title, instead of pictures."""
    found = {}

    def kept(brain, values, title, unit="", scale=None):
        found[title] = values
        return title

    monkeypatch.setattr(regional, "brain_map", kept)
    monkeypatch.setattr(regional, "picture", lambda *_, alt: alt)
    return found


def test_maps_are_mean_and_spread_over_people(maps):
    regional.section(cohort())
    assert maps["r_E, mean over people"].to_dict() == dict(zip(LABELS, [1.0, 2.0, 3.0, 4.0], strict=True))
    assert np.allclose(maps["r_E, SD over people"], 1.0)


def test_one_person_has_no_spread(maps):
    regional.section(cohort(people=1))
    assert list(maps) == ["r_E, mean over people"]


def test_nobody_has_no_maps(maps):
    empty = cohort(people=0, states=states(1)[:0])
    assert regional.section(empty).context["fits"] == [] and not maps


def test_reliability_is_that_of_one_session(maps):
    rows = pd.DataFrame({**KEYS, "variable": "r_E", "quantity": "state", "source": "simulated"})
    both = [rows.assign(icc_type=kind, icc=value) for kind, value in (("ICC(2,1)", 0.3), ("ICC(2,k)", 0.6))]
    regional.section(cohort(reliability=pd.concat(both)))
    assert (maps["r_E, ICC(2,1), median 0.30"] == 0.3).all()


EFFECTS = pd.DataFrame(
    {
        **KEYS,
        **{"model": "group", "quantity": "state", "sample": "all", "df_term": 1, "effect": "Hedges' g"},
        **{"term": "group", "contrast": "patient - control", "variable": "r_E"},
        "effect_size": [0.1, -0.2, 0.9, 0.3],
        "p_fdr": [0.01, 0.6, 0.9, 0.9],
        "p_permutation_fdr": [0.9, 0.6, 0.01, 0.04],
    }
)


def test_regions_that_survive_the_correction_are_named(maps):
    (fit,) = regional.section(cohort(statistics=EFFECTS)).context["fits"]
    (effect,) = fit["effects"]
    assert effect["map"] == "r_E, effect of group (patient - control)"
    assert "2 of 4 regions" in effect["text"] and "RH_a, RH_b." in effect["text"]
    unmoved = EFFECTS.assign(p_permutation_fdr=np.nan)  # no permutation changes the term
    (by_model,) = regional.section(cohort(statistics=unmoved)).context["fits"][0]["effects"]
    assert "1 of 4 regions" in by_model["text"] and "LH_a." in by_model["text"]
    nothing = EFFECTS.assign(p_permutation_fdr=0.5)
    (none,) = regional.section(cohort(statistics=nothing)).context["fits"][0]["effects"]
    assert none["text"].startswith("None of 4 regions")


def test_the_level_is_that_of_the_configuration(maps):
    strict = cohort(statistics=EFFECTS)
    strict.config["statistics"]["alpha"] = 0.02
    (effect,) = regional.section(strict).context["fits"][0]["effects"]
    assert "1 of 4 regions have p below 0.02" in effect["text"]


def test_sessions_of_a_person_are_averaged(maps):
    """Three people, one of whom has two sessions of which the second is far off."""
    several = cohort()
    again = states(1).assign(key="sub-0_ses-2", mean=lambda rows: rows["mean"] + 6.0)
    several.tables["states"] = pd.concat([states(3), again])
    several.people["sub-0_ses-2"] = "0"
    (fit,) = regional.section(several).context["fits"]
    assert fit["n"] == 3
    assert maps["r_E, mean over people"]["LH_a"] == pytest.approx((3.0 + 1.0 + 2.0) / 3)
    assert maps["r_E, SD over people"]["LH_a"] == pytest.approx(1.0)
    several.smallest_group = 4
    assert regional.aggregate(several).context["fits"] == []


def test_what_is_shared_tells_of_enough_people(maps):
    assert regional.aggregate(cohort(people=4)).context["fits"] == []
    (fit,) = regional.aggregate(cohort(people=5, statistics=EFFECTS)).context["fits"]
    assert fit["effects"]


def test_effects_of_groups_of_few_are_not_shared(maps):
    model = pd.DataFrame({"model": ["group"], "n": [6], "smallest_level": [1]})
    few = cohort(people=6, statistics=EFFECTS, statistics_models=model)
    (fit,) = regional.aggregate(few).context["fits"]
    assert fit["effects"] == [] and fit["maps"]


def test_a_group_counts_people_not_sessions(monkeypatch):
    """Two groups of two, of whom one has two sessions; a group of one person is not drawn."""
    estimates = pd.DataFrame(
        {
            "key": ["sub-1_ses-a", "sub-1_ses-b", "sub-2", "sub-3", "sub-4"],
            "selected": True,
            "G": [1.0, 3.0, 5.0, 6.0, 7.0],
        }
    )
    people = pd.Series(dict(zip(estimates["key"], "11234", strict=True)), dtype=object)
    cohort = SimpleNamespace(people=people, groups=people.map(dict(zip("1234", "aabb", strict=True))))
    found = parameters.of_people(cohort, estimates, ["G"])
    assert found["G"].tolist() == [2.0, 5.0, 6.0, 7.0] and found["key"].tolist()[0] == "sub-1_ses-a"
    cohort.free = lambda fit: {"G": (0.0, 9.0)}
    monkeypatch.setattr(parameters, "picture", lambda *_, alt: alt)
    nothing = pd.DataFrame({"parameter": []})
    assert "groups" in parameters._pictures(cohort, "one", estimates, ["G"], nothing)
    alone = estimates[estimates["key"] != "sub-2"]
    assert "groups" not in parameters._pictures(cohort, "one", alone, ["G"], nothing)
