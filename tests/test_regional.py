"""The section on regional read-outs: what its maps show, and whom the shared one tells of."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.reporting import regional

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
        "p_fdr": [0.9, 0.6, 0.01, 0.04],
    }
)


def test_regions_that_survive_the_correction_are_named(maps):
    (fit,) = regional.section(cohort(statistics=EFFECTS)).context["fits"]
    (effect,) = fit["effects"]
    assert effect["map"] == "r_E, effect of group (patient - control)"
    assert "2 of 4 regions" in effect["text"] and "RH_a, RH_b." in effect["text"]
    none = regional.section(cohort(statistics=EFFECTS.assign(p_fdr=0.5))).context["fits"][0]["effects"][0]
    assert none["text"].startswith("No region of 4")


def test_what_is_shared_tells_of_enough_people(maps):
    assert regional.aggregate(cohort(people=4)).context["fits"] == []
    (fit,) = regional.aggregate(cohort(people=5, statistics=EFFECTS)).context["fits"]
    assert fit["effects"]


def test_effects_of_groups_of_few_are_not_shared(maps):
    model = pd.DataFrame({"model": ["group"], "n": [6], "smallest_level": [1]})
    few = cohort(people=6, statistics=EFFECTS, statistics_models=model)
    (fit,) = regional.aggregate(few).context["fits"]
    assert fit["effects"] == [] and fit["maps"]
