"""Settings of searches from the configuration: optimisers by name, objectives, constraints, re-tests."""

import pytest
from cohorts import TinyCohort

from cubnm_core.errors import InputError
from workflow_scripts.configuration import configuration, fit_settings, objectives
from workflow_scripts.fitting.fit_problems import optimizer_settings


@pytest.fixture
def config(tmp_path):
    config = TinyCohort(tmp_path).config
    config["fits"] = {"one": {"fic": "analytical", "free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]}}}
    return config


def resolved(config, **stated):
    config["fits"]["one"] |= stated
    return fit_settings.resolve_fit(configuration.validate(config), "one")


TWO = ["fc_corr", {"fcd_ks": 2.0, "fc_diff": 1.0}]


def test_several_objectives_become_groups_and_their_sum(config):
    fit = resolved(config, objectives=TWO, optimizer={"name": "NSGA-2"})
    assert fit["optimizer"]["name"] == "nsga2"
    objective = objectives.make_objective(fit)
    assert objective.groups == ({"fc_corr": 1.0}, {"fcd_ks": 2.0, "fc_diff": 1.0})
    assert objective.terms == {"fc_corr": 1.0, "fcd_ks": 2.0, "fc_diff": 1.0}
    assert "fcd_ks" in fit["objective"]  # people without an FCD are excluded by it


def test_options_of_the_search_reach_it(config):
    stated = {"name": "DE", "patience": 4, "options": {"CR": 0.9}, "initial": {"G": 1.0, "w_p": 1.0}}
    fit = resolved(config, optimizer=stated, retest={"candidates": 3}, replicates=2)
    search = optimizer_settings(fit["optimizer"])
    assert (search.name, search.patience, search.options) == ("de", 4, {"CR": 0.9})
    assert fit["retest"] == {"candidates": 3, "seeds": 10, "first_seed": 500} and fit["replicates"] == 2
    plain = resolved({**config, "fits": {"one": {"free": config["fits"]["one"]["free"]}}})
    assert plain["retest"] is None and plain["replicates"] == 1 and plain["objectives"] == []


def test_terms_of_ones_own_can_be_objectives(config, tmp_path):
    (tmp_path / "term.py").write_text("def term(a, b, c, d, e):\n    return 0.0\n")
    own = {"mine": {"file": str(tmp_path / "term.py")}}
    fit = resolved(config, objectives=["fc_corr", "mine"], terms=own, optimizer={"name": "nsga2"})
    assert objectives.make_objective(fit).groups[1] == {"mine": 1.0}


NSGA = {"optimizer": {"name": "nsga2"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"optimizer": {"name": "psso"}},
            ["fits.one.optimizer", "no optimiser 'psso'", "did you mean 'PSO'"],
        ),
        ({"optimizer": {"name": "de", "options": {"cr": 0.9}}}, ["DE has no option 'cr'", "CR"]),
        ({"objectives": TWO}, ["cmaes searches for one objective", "nsga2"]),
        ({"objectives": TWO, "objective": {"fc_corr": 1.0}, **NSGA}, ["two ways to state the cost"]),
        ({"objectives": ["fc_corr"], **NSGA}, ["one objective alone is stated under objective"]),
        ({"objectives": ["fc_cor", "fcd_ks"], **NSGA}, ["no term 'fc_cor'", "did you mean 'fc_corr'"]),
        ({"objectives": TWO, "optimizer": {"name": "nsga2", "patience": 3}}, ["optimizer.patience"]),
        ({"constraints": {"fc_corr": 0.1}}, ["'fc_corr' cannot be constrained"]),
        ({"fic": None, "constraints": {"fic_failed": 0.0}}, ["fic_failed has no meaning without fic"]),
        (
            {"fic": None, "constraints": {"rate_band": 0.0}},
            ["constraints.rate_band: has no meaning without fic"],
        ),
        ({"optimizer": {"initial": {"G": 1.0}}}, ["a value for every free parameter (G, w_p), found G"]),
        ({"optimizer": {"initial": {"G": 9.0, "w_p": 1.0}}}, ["G is 9.0, outside its bounds [0.5, 3.0]"]),
        ({"retest": {"first_seed": 0}}, ["retest.first_seed: 0 to 9 are also seeds of the search (0)"]),
        ({"retest": {"first_seed": 995}}, ["995 to 1004 is also a seed of the evaluation", "first_seed"]),
        ({"noise_seed": 998, "replicates": 3}, ["998 to 1000 is also a seed of the evaluation"]),
        ({"noise_seed": 500_500}, ["is also a seed of scans of synthetic twins (500000 to 539999)"]),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(config, change, words):
    with pytest.raises(InputError) as refused:
        resolved(config, **change)
    for word in words:
        assert word in str(refused.value)
