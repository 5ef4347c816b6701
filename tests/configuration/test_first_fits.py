"""Protocols of two fits: what the first one shares with the other, and who says otherwise."""

from copy import deepcopy

from minimal_settings import BASE, refusal

from workflow_scripts.configuration import configuration, first_fits, schemas, start
from workflow_scripts.configuration.fit_settings import resolve_fit

FAST = {"protocol": "fast2026", "free": {"G": [0.1, 5.0], "w_p": [0.2, 2.0]}}
LONG = {"simulation": {"duration": 1200.0}}


def validated(**fit):
    """A configuration of one fit that follows the protocol."""
    config = {**deepcopy(BASE), "simulation": {}, "fits": {"one": FAST | fit}}
    return configuration.validate(config)


def both(**fit):
    """Resolved settings of both fits: the first one, and the one that starts from it."""
    config = validated(**fit)
    return resolve_fit(config, "one-linear"), resolve_fit(config, "one")


def test_the_first_fit_is_linear_and_the_other_starts_from_it_and_from_its_best_flagged_point():
    config = validated()
    assert list(config["fits"]) == ["one", "one-linear"]  # the one that was written first
    first, last = both()
    assert first["method"] == "linear" and first["start"] is None and "method" not in last
    assert (last["start"]["from"], last["start"]["flagged"]) == ("one-linear", 1)
    assert last["optimizer"]["restarts"] == 2


def test_the_search_takes_steps_of_one_millisecond_and_everything_after_it_a_tenth():
    for fit in both():
        assert fit["search_steps"] == {"dt": 1e-3, "hemodynamic_dt": 1e-3}
        assert fit["simulation"]["dt"] == 1e-4
    assert both()[1]["retest"] == {"candidates": 2, "seeds": 5, "first_seed": 500}


def test_both_share_model_bounds_control_noise_and_time():
    shared = {"model": "rWW", "fic": "analytical", "fixed": {"J_N": 0.2}, "noise_seed": 3, "delays": False}
    first, last = both(
        **shared, **LONG, strongest_weight=0.02, rate_limits=[1.0, 5.0], hemodynamics="cubnm-3T"
    )
    for name in (
        "model",
        "fic",
        "free",
        "fixed",
        "noise_seed",
        "simulation",
        "strongest_weight",
        "rate_limits",
    ):
        assert first[name] == last[name]
    assert last["fixed"] == {"J_N": 0.2} and last["simulation"]["duration"] == 1200.0


def test_the_first_fit_has_the_part_of_the_cost_that_linear_response_gives():
    cost = {"fc_corr": 2.0, "fcd_ks": 1.0, "fc_diff": 0.5}
    first, last = both(objective=cost, constraints={"rate_band": 0.1, "fcd_ks": 0.5})
    assert last["objective"] == cost and last["constraints"] == {"rate_band": 0.1, "fcd_ks": 0.5}
    assert first["objective"] == {"fc_corr": 2.0, "fc_diff": 0.5} and first["constraints"] == {
        "rate_band": 0.1
    }
    assert both(objective={"fcd_ks": 1.0})[0]["objective"] == {"fc_corr": 1.0}
    first, last = both(**LONG)
    assert "fcd_ks" in last["objective"]
    assert first["objective"] == {"fc_corr": 1.0, "rate_penalty": 0.5}


def test_several_objectives_become_one_cost_of_the_first_fit():
    search = {"name": "nsga2", "options": {}}
    first, last = both(objectives=["fcd_ks", {"fc_corr": 1.0, "fc_diff": 0.5}], optimizer=search)
    assert last["optimizer"]["name"] == "nsga2" and len(last["objectives"]) == 2
    assert first["objective"] == {"fc_corr": 1.0, "fc_diff": 0.5} and first["objectives"] == []
    assert first["optimizer"]["name"] == "cmaes"


def test_who_states_a_start_gets_no_first_fit():
    fits = {"one": FAST | {"start": {"from": "mine"}}, "mine": {"free": FAST["free"], "method": "linear"}}
    config = configuration.validate(deepcopy(BASE) | {"fits": fits})
    assert list(config["fits"]) == ["one", "mine"] and config["fits"]["one"]["start"]["from"] == "mine"
    alone = validated(start=None)
    assert list(alone["fits"]) == ["one"] and resolve_fit(alone, "one")["start"] is None


def test_settings_that_were_completed_are_completed_again_to_the_same():
    once = validated()
    assert configuration.validate(once) == once


def test_a_name_that_is_taken_is_refused_with_both_ways_out():
    fits = {"one": FAST, "one-linear": {"free": FAST["free"]}}
    message = refusal(deepcopy(BASE) | {"fits": fits})
    assert "fits.one.protocol: fast2026 makes a fit 'one-linear', and there is one of this name" in message
    assert "write start: {from: one-linear}" in message


def test_what_the_first_fit_cannot_be_is_refused_under_its_name():
    fits = {"one": {"protocol": "fast2026", "model": "Kuramoto", "free": {"G": [0.1, 5.0]}}}
    assert "fits.one-linear.method: linear response needs a fixed point" in refusal(
        deepcopy(BASE) | {"fits": fits}
    )


def test_other_protocols_make_no_fit():
    names = [name for name, entry in schemas.protocols().items() if "first" in entry]
    assert names == ["fast2026"]
    assert list(validated(protocol="quick", **LONG)["fits"]) == ["one"]


def test_steps_are_the_fits_that_protocols_made_and_no_others():
    assert first_fits.steps(validated()["fits"]) == {"one-linear": "one"}
    fits = {"one": FAST | {"start": {"from": "mine"}}, "mine": {"free": FAST["free"], "method": "linear"}}
    config = configuration.validate(deepcopy(BASE) | {"fits": fits})
    assert first_fits.steps(config["fits"]) == {}


def test_folds_make_the_same_steps_as_their_fit():
    first, last = both()
    assert start.fold_settings(last) == last and start.fold_settings(first) == first
