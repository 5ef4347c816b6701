"""Protocols: their numbers, what wins over them, and which models they are for."""

from copy import deepcopy

import pytest
from minimal_settings import BASE, refusal

from workflow_scripts.configuration import configuration, fit_settings, hemodynamics, objectives, schemas


@pytest.fixture
def config():
    """A small valid configuration."""
    return {**deepcopy(BASE), "bold": {"hemodynamics": "cubnm-3T"}}


@pytest.fixture
def follow(config):
    """Resolve a fit that follows a protocol, with further entries."""

    def resolve(protocol, **entries):
        config["bold"] = {"hemodynamics": "friston-3T"}
        config.pop("simulation", None)
        about = schemas.protocols()[protocol]["about"]
        if "model" in about:
            free = {"G": [0.1, 5.0], "sigma": [0.0005, 0.01]}
            config["fits"]["one"] |= {"model": about["model"], "free": free}
        config["fits"]["one"] |= {"protocol": protocol, **entries}
        return fit_settings.resolve_fit(configuration.validate(config), "one")

    return resolve


@pytest.mark.parametrize("name", schemas.protocols())
def test_every_protocol_is_valid_and_says_what_it_is_and_costs(name, follow):
    about, fit = schemas.protocols()[name]["about"], follow(name)
    assert len(about["text"]) > 40 and (about["source"] is None or about["source"].startswith("10."))
    search, retest = fit["optimizer"], fit["retest"] or {"candidates": 0, "seeds": 0}
    searched = search["generations"] * search["population"] * fit["replicates"]
    retested = retest["candidates"] * retest["seeds"]
    assert about["simulations"] == search["restarts"] * (searched + retested)


def test_the_protocol_of_the_cubnm_paper_has_its_numbers(follow):
    fit = follow("cubnm2025")
    wanted = {"name": "cmaes", "population": 128, "generations": 120, "restarts": 2, "tolerance": 5e-3}
    assert {key: fit["optimizer"][key] for key in wanted} == wanted
    assert fit["objective"] == {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5}
    assert fit["fic"] == {"method": "analytical"} and fit["rate_limits"] == [2.0, 4.0]
    assert fit["replicates"] == 1 and fit["retest"] is None and fit["constraints"] == {}
    assert hemodynamics.set_name(fit["simulation"]["hemodynamics"]) == "cubnm-3T"
    timing = {"duration": 900.0, "burn_in": 30.0, "dt": 1e-4, "hemodynamic_dt": 1e-3}
    assert {key: fit["simulation"][key] for key in timing} == timing


PFIC = {"kappa": 0.65, "gamma": 0.41, "tau": 0.98, "alpha": 0.33, "rho": 0.34}
PFIC |= {"k1": 4.3 * 28.265 * 3 * 0.0331 * 0.34, "k2": 0.47 * 110 * 0.0331 * 0.34, "k3": 0.53}


def test_the_protocol_of_pfic_has_its_numbers(follow):
    fit = follow("pfic2024")
    wanted = {"name": "cmaes", "population": 100, "generations": 100, "restarts": 5, "tolerance": 0.0}
    assert {key: fit["optimizer"][key] for key in wanted} == wanted
    assert fit["model"] == "pFIC" and fit["fic"] == {"method": "analytical"}
    assert fit["replicates"] == 5 and fit["averaged_runs"] == 10 and fit["retest"]["seeds"] == 20
    assert fit["objective"] == {"fc_corr": 1.0, "fc_diff": 1.0, "fcd_ks_binned": 1.0}
    assert fit["rate_limits"] == [2.7, 3.3] and fit["constraints"] == {}
    assert fit["strongest_weight"] == 0.02
    assert fit["search_steps"] == {"dt": 6e-3, "hemodynamic_dt": 6e-3}
    assert fit["simulation"]["dt"] == fit["simulation"]["hemodynamic_dt"] == 5e-4
    assert fit["simulation"]["duration"] - fit["simulation"]["burn_in"] == 1200 * 0.72
    found = fit["simulation"]["hemodynamics"]
    assert {name: found[name] for name in PFIC} == pytest.approx(PFIC, rel=1e-12)
    objective = objectives.make_objective(fit)
    assert objective.averaged == 10 and objective.band == (2.7, 3.3)


def test_the_protocol_of_pmfm_has_its_numbers(follow):
    fit = follow("pmfm2021")
    wanted = {"name": "cmaes", "population": 500, "generations": 500, "restarts": 10}
    assert {key: fit["optimizer"][key] for key in wanted} == wanted
    assert fit["model"] == "rWWEx" and fit["fic"] is None and fit["rate_limits"] is None
    assert fit["objective"] == {"fc_corr": 1.0, "fcd_ks_binned": 1.0}
    assert fit["replicates"] == 3 and fit["strongest_weight"] == 0.2
    assert fit["simulation"]["dt"] == 0.01 and "search_steps" not in fit
    assert int(984 / 0.72) - int(120 / 0.72) == 1200
    assert "Not reproduced" in schemas.protocols()["pmfm2021"]["about"]["text"]


def test_what_pfic2024_meant_before_is_refused_with_both_ways_out():
    former = {"fits": {"one": {"protocol": "pfic2024", "free": {"G": [0.1, 5.0], "sigma": [0.0, 0.01]}}}}
    for model in ({}, {"model": "rWW"}, {"model": "rWWEx"}):
        message = refusal(BASE | {"fits": {"one": former["fits"]["one"] | model}})
        for word in ("fits.one.protocol", "write model: pFIC", "protocol: pfic2024-search", "histories"):
            assert word in message
    assert "write model: rWWEx, or choose another protocol" in refusal(
        BASE | {"fits": {"one": {"protocol": "pmfm2021", "free": {"G": [0.1, 5.0]}}}}
    )


def test_averages_have_neither_observables_nor_bold(tmp_path):
    fit = {"free": {"G": [0.1, 5.0]}, "averaged_runs": 2}
    observed = BASE | {"fits": {"one": fit}, "analysis": {"observables": ["synchrony"]}}
    message = refusal(observed | {"evaluation": {"seeds": 10}})
    assert "analysis.observables: averages of simulations (fits.one.averaged_runs) have FC, FCD" in message
    term = tmp_path / "term.py"
    term.write_text("def term(simulated_bold, target_fc):\n    return 0.0\n", encoding="utf-8")
    own = BASE | {"fits": {"one": fit | {"terms": {"own": {"file": str(term)}}}}, "evaluation": {"seeds": 10}}
    assert "fits.one.terms.own: averages of simulations" in refusal(own)


def test_averages_need_whole_evaluations_and_steps_that_fit():
    fit = {"free": {"G": [0.1, 5.0]}, "averaged_runs": 10}
    message = refusal(BASE | {"fits": {"one": fit}, "evaluation": {"seeds": 15}})
    assert "fits.one.averaged_runs: 10 simulations make one average, and evaluation.seeds is 15" in message
    steps = {"free": {"G": [0.1, 5.0]}, "search_steps": {"dt": 4e-3, "hemodynamic_dt": 6e-3}}
    assert "fits.one.search_steps: hemodynamic_dt (0.006 s)" in refusal(BASE | {"fits": {"one": steps}})
    assert "search_steps" in refusal(BASE | {"fits": {"one": steps | {"search_steps": {"dt": 6e-3}}}})


def test_entries_that_were_added_later_are_absent_from_settings_without_them(config):
    fit = fit_settings.resolve_fit(configuration.validate(config), "one")
    assert not {"averaged_runs", "search_steps", "strongest_weight"} & set(fit)


def test_the_search_of_pfic_for_other_models_is_as_it_was(follow):
    fit = follow("pfic2024-search")
    wanted = {"name": "cmaes", "population": 100, "generations": 100, "restarts": 5, "tolerance": 0.0}
    assert {key: fit["optimizer"][key] for key in wanted} == wanted
    assert fit["optimizer"]["options"] == {"CMA_mu": 10}
    assert fit["replicates"] == 5 and fit["retest"]["seeds"] == 20
    assert fit["objective"] == {"fc_corr": 1.0, "fc_diff": 1.0, "fcd_ks_binned": 1.0}
    assert fit["rate_limits"] == [2.7, 3.3] and fit["constraints"] == {"rate_band": 0.0}
    assert fit["fic"] == {"method": "analytical"}
    found = fit["simulation"]["hemodynamics"]
    assert {name: found[name] for name in PFIC} == pytest.approx(PFIC, rel=1e-12)
    assert fit["simulation"]["duration"] - fit["simulation"]["burn_in"] == 14.4 * 60
    assert fit["simulation"]["burn_in"] == 2.4 * 60 and fit["simulation"]["dt"] == 5e-4


def test_a_fit_overrides_single_entries_of_its_protocol_and_costs_as_a_whole(follow):
    fit = follow(
        "pfic2024-search", retest={"candidates": 3}, objective={"fc_corr": 1.0}, rate_limits=[2.0, 5.0]
    )
    assert fit["retest"] == {"candidates": 3, "seeds": 20, "first_seed": 500}
    assert fit["objective"] == {"fc_corr": 1.0} and fit["rate_limits"] == [2.0, 5.0]
    assert follow("pfic2024-search", retest=None)["retest"] is None


def test_a_protocol_gives_way_to_another_way_of_stating_the_same(follow):
    search = {"name": "nsga2", "options": {}}
    fit = follow("cubnm2025", objectives=["fc_corr", "fcd_ks"], optimizer=search)
    assert fit["objective"] == {"fc_corr": 1.0, "fcd_ks": 1.0}
    band = {"method": "analytical", "rate_band": [1.0, 6.0]}
    fit = follow("cubnm2025", fic=band, objectives=[], optimizer={})
    assert fit["rate_limits"] == [1.0, 6.0]
