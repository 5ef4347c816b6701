"""The configuration: what is completed, what wins, and what is refused with which words."""

from copy import deepcopy

import pytest
from minimal_settings import BASE, refusal

from workflow_scripts.configuration import configuration, fit_settings, hemodynamics, parameters, schemas
from workflow_scripts.fitting import simulators


@pytest.fixture
def config():
    """A small valid configuration."""
    return {**deepcopy(BASE), "bold": {"hemodynamics": "cubnm-3T"}}


def test_defaults_are_filled_at_every_level(config):
    completed = configuration.validate(config)
    defaults = {"source": "individual", "session": "same", "scaling": "subject_mean"}
    assert defaults.items() <= completed["connectome"].items()
    assert completed["simulation"]["dt"] == 1e-4
    fit = fit_settings.resolve_fit(completed, "one")
    assert fit["optimizer"]["population"] == 16
    assert hemodynamics.set_name(fit["simulation"]["hemodynamics"]) == "cubnm-3T"
    assert fit["analysis"] == {
        "pairs": "all",
        "window": 30.0,
        "window_step": 5.0,
        "edges": "drop",
        "censored_share": 0.5,
        "band_pass": None,
    }
    assert fit["maps"] is None
    assert fit["rate_limits"] == [2.5, 3.5]
    assert fit["delays"] is False
    assert fit["simulation"]["scheme"] == "euler_maruyama"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"simulation": {"duration": 630.0}}, {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5}),
        ({"simulation": {"duration": 629.0}}, {"fc_corr": 1.0, "rate_penalty": 0.5}),
        ({"simulation": {"duration": 900.0}, "fic": None}, {"fc_corr": 1.0, "fcd_ks": 1.0}),
        ({"objective": {"fcd_ks": 2.0}}, {"fcd_ks": 2.0}),
    ],
)
def test_the_objective_nobody_named_suits_the_simulation(config, changes, expected):
    config["fits"]["one"] |= changes
    assert fit_settings.resolve_fit(configuration.validate(config), "one")["objective"] == expected


PLASTICITY = {"method": "plasticity", "target": 3.0, "warm_up": 50.0, "rate_band": [2.5, 3.5]}


@pytest.mark.parametrize(
    ("changes", "limits", "keyword"),
    [
        ({}, [2.5, 3.5], PLASTICITY),
        ({"fic": "plasticity"}, [2.5, 3.5], PLASTICITY),
        ({"fic": "analytical"}, [2.0, 4.0], {"method": "analytical", "rate_band": [2.0, 4.0]}),
        ({"rate_limits": [2.7, 3.3]}, [2.7, 3.3], PLASTICITY | {"rate_band": [2.7, 3.3]}),
        (
            {"fic": {"method": "plasticity", "warm_up": 80.0, "rate_band": [2.7, 3.3]}},
            [2.7, 3.3],
            PLASTICITY | {"warm_up": 80.0, "rate_band": [2.7, 3.3]},
        ),
        (
            {"fic": {"method": "plasticity", "target": 5.0}},
            [4.5, 5.5],
            PLASTICITY | {"target": 5.0, "rate_band": [4.5, 5.5]},
        ),
        ({"fic": None}, None, None),
        ({"model": "WC", "free": {"G": [0.1, 1.0], "sigma_E": [0.0, 0.1]}}, None, None),
    ],
)
def test_one_band_of_rates_serves_cost_and_status(config, changes, limits, keyword):
    config["fits"]["one"] |= changes
    fit = fit_settings.resolve_fit(configuration.validate(config), "one")
    assert fit["rate_limits"] == limits
    assert simulators.simulation_keywords(fit, 0.8)["fic"] == keyword


@pytest.mark.parametrize(
    ("model", "stated", "expected"),
    [
        ("rWW", "auto", "single"),
        ("JR", "auto", "double"),
        ("rWW", "double", "double"),
        ("JR", None, "double"),
    ],
)
def test_the_precision_that_is_used_is_the_one_that_is_kept(config, model, stated, expected):
    if stated is not None:
        config["simulation"]["precision"] = stated
    free = {"G": [0.1, 5.0], "sigma": [0.0, 0.1]}
    config["fits"]["one"] = {"model": model, "free": free}
    fit = fit_settings.resolve_fit(configuration.validate(config), "one")
    assert fit["simulation"]["precision"] == expected
    assert simulators.simulation_keywords(fit, 0.8)["precision"] == expected


def test_models_that_stand_for_bold_need_no_hemodynamics(config):
    del config["bold"]
    config["fits"]["one"] = {"model": "Hopf", "free": {"G": [0.1, 5.0], "a": [-0.1, 0.1]}}
    fit = fit_settings.resolve_fit(configuration.validate(config), "one")
    assert fit["simulation"]["hemodynamics"] is None and fit["fic"] is None
    config["fits"]["two"] = {"free": {"G": [0.1, 5.0], "w_p": [0.2, 2.0]}}
    assert refusal(config).count("bold.hemodynamics is not given") == 1


def test_validation_leaves_its_argument_alone(config):
    before = deepcopy(config)
    configuration.validate(config)
    assert config == before


def test_the_more_specific_wins(config):
    config["simulation"] = {"duration": 300.0, "burn_in": 10.0, "precision": "double"}
    config["fits"]["two"] = dict(config["fits"]["one"])
    config["fits"]["one"] |= {
        "protocol": "quick",
        "optimizer": {"population": 5},
        "simulation": {"dt": 5.0e-4},
    }
    protocol = schemas.protocols()["quick"]
    fit = fit_settings.resolve_fit(configuration.validate(config), "one")
    assert fit["optimizer"]["population"] == 5
    assert fit["optimizer"]["generations"] == protocol["optimizer"]["generations"]
    assert fit["simulation"]["dt"] == 5.0e-4
    assert fit["simulation"]["duration"] == protocol["simulation"]["duration"]
    assert fit["simulation"]["precision"] == "double"


def test_a_grid_is_searched_once(config):
    config["fits"]["one"]["optimizer"] = {"name": "grid", "shape": {"G": 3, "w_p": 2}}
    assert fit_settings.resolve_fit(configuration.validate(config), "one")["optimizer"]["restarts"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fit": {}}, ["unknown key 'fit'", "did you mean 'fits'?"]),
        ({"simulation": {"duration": 300.0, "burnin": 5}}, ["simulation: unknown key 'burnin'", "'burn_in'"]),
        ({"simulation": {"duration": "3e2"}}, ["simulation.duration", "text to YAML", "3.0e+02"]),
        (
            {"evaluation": {"profile": {"points": 3}}},
            ["evaluation.profile.points: 3 is not allowed; Allowed: 5, 7, 9, 11, 15, 21, 31"],
        ),
        ({"holdout": "runs"}, ["holdout: 'runs' is not allowed", "did you mean 'run'?", "split_half"]),
        (
            {"bold": {"hemodynamics": "cubnm-3T", "band_pass": [0.1, 0.01]}},
            ["bold.band_pass", "[lower, upper]"],
        ),
        ({"simulation": {"duration": "as the scans"}}, ["simulation.duration", "'as the scans'", "match"]),
        (
            {"simulation": {"duration": 50.0}},
            ["duration 50.0 s less burn_in 30.0 s", "two windows of 30.0 s"],
        ),
        (
            {"evaluation": {"first_seed": 0}},
            ["fits.one.noise_seed: 0 is also a seed of the evaluation", "fresh"],
        ),
        ({"synthetic": {}}, ["manifest", "results/synthetic/manifest.tsv"]),
        ({"fits": {}}, ["fits"]),
        ({"fits": {"a_b": {"free": {"G": [0, 1]}}}}, ["a_b"]),
    ],
)
def test_a_wrong_configuration_is_refused_in_words(config, change, words):
    message = refusal(config | change)
    for word in words:
        assert word in message


MYELIN = {"bounds": [0.0, 2.0], "maps": ["myelin"]}


@pytest.mark.parametrize(
    ("w_p", "words"),
    [
        (MYELIN, ["parameters follow maps, but maps: names no table"]),
        ({"bounds": [0.0, 2.0]}, ["free.w_p: give maps or groups", "w_p: [low, high]"]),
        (MYELIN | {"groups": "network"}, ["give maps or groups, one of the two"]),
        (MYELIN | {"value": 1.0}, ["bounds or a value"]),
        ({"value": 1.0, "maps": ["myelin"]}, ["limits: same means the bounds of the baseline"]),
        ({"groups": "node"}, ["groups need bounds"]),
        (MYELIN | {"bounds": [2.0, 0.0]}, ["fits.one.free.w_p: [2.0, 0.0] is not"]),
        (MYELIN | {"limits": [2.0, 0.0]}, ["free.w_p: limits: [2.0, 0.0] is not"]),
        (MYELIN | {"maps": {"myelin": [1.0, 0.0]}}, ["maps.myelin: [1.0, 0.0] is not"]),
        (MYELIN | {"maps": {"myelin": "atuo"}}, ["maps.myelin", "neither auto nor a finite number"]),
        (MYELIN | {"coefficients": 1}, ["fits.one.free.w_p: unknown key 'coefficients'"]),
    ],
)
def test_a_wrong_regional_parameter_is_refused_in_words(config, w_p, words):
    config["fits"]["one"]["free"]["w_p"] = w_p
    message = refusal(config)
    for word in words:
        assert word in message


def test_bounds_of_coordinates_are_found_by_their_names_in_tables():
    maps = {"bounds": [0.0, 2.0], "limits": "same", "maps": {"myelin": "auto", "a.b": [-1.0, 1.0], "c": 0.5}}
    free = {"G": [0.1, 5.0], "w_p": maps, "J_N": {"bounds": [0.1, 0.5], "groups": "network"}}
    known = ["G", "w_p", "w_p.myelin", "w_p.a.b", "w_p.c", "J_N[Vis]", "J_N[a.b]", "sigma"]
    assert parameters.coordinate_bounds(free, known) == {
        "G": [0.1, 5.0],
        "w_p": [0.0, 2.0],
        "w_p.myelin": None,
        "w_p.a.b": [-1.0, 1.0],
        "J_N[Vis]": [0.1, 0.5],
        "J_N[a.b]": [0.1, 0.5],
    }


def test_a_global_parameter_cannot_follow_a_map(config):
    config |= {"maps": {"path": "maps.tsv"}}
    config["fits"]["one"]["free"]["G"] = MYELIN
    assert "free.G: one value holds for the whole brain" in refusal(config)


def test_coordinates_of_maps_count_as_free_parameters(config):
    config |= {"maps": {"path": "maps.tsv"}}
    w_p = {"bounds": [0.0, 2.0], "maps": {"myelin": "auto", "thickness": 0.5}}
    config["fits"]["one"] = {"free": {"w_p": w_p}, "fixed": {"G": 1.0, "J_N": {"column": "j"}}}
    fit = fit_settings.resolve_fit(configuration.validate(config), "one")
    assert parameters.free_coordinates(fit) == ["w_p", "w_p.myelin"]
    assert fit["maps"] == {"path": "maps.tsv", "normalise": "minmax"}
    assert fit["free"]["w_p"]["limits"] == "same"
    config["fits"]["one"]["optimizer"] = {"name": "grid", "shape": {"w_p": 3}}
    assert "(w_p, w_p.myelin), found w_p" in refusal(config)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protocol": "quik"}, ["fits.one.protocol", "did you mean 'quick'?"]),
        ({"free": {"G": [5.0, 0.1]}}, ["fits.one.free.G", "[lower, upper]"]),
        (
            {"free": {"G": [0.1, 5.0], "wp": [0.0, 1.0]}},
            ["'wp' is no parameter of rWW", "did you mean 'w_p'?"],
        ),
        (
            {"free": {"G": [0.1, 5.0]}},
            ["CMA-ES needs at least two free parameters, found G", "shape: {G: 20}"],
        ),
        ({"fixed": {"G": 1.0}}, ["'G' is both free and fixed"]),
        ({"free": {"w_p": [0.0, 1.0]}}, ["G has no default value", "free or fixed"]),
        ({"model": "rWV"}, ["fits.one.model", "rWW"]),
        (
            {"optimizer": {"name": "grid", "shape": {"w_p": 3}}},
            ["fits.one.optimizer.shape", "(G, w_p)", "found w_p"],
        ),
        ({"fixed": {"wIE": 1.0}}, ["wIE is set by fic", "fic: null"]),
        ({"fic": None, "objective": {"rate_penalty": 1.0}}, ["rate_penalty", "without fic", "rate_limits"]),
        (
            {"model": "Hopf", "fic": "analytical"},
            ["fits.one.fic: Hopf has no inhibition to control; write fic: null"],
        ),
        ({"fic": "plastic"}, ["fits.one.fic: unknown method 'plastic'", "analytical, plasticity"]),
        ({"fic": {"method": "analytical", "target": 3.0}}, ["fic: analytical has no setting 'target'"]),
        ({"fic": {"method": "plasticity", "warmup": 3.0}}, ["unknown key 'warmup'", "'warm_up'"]),
        ({"fic": {"target": 3.0}}, ["fits.one.fic: key 'method' is missing"]),
        (
            {"fic": {"method": "plasticity", "rate_band": [2.0, 4.0]}, "rate_limits": [2.0, 4.0]},
            ["fic.rate_band and rate_limits", "give one of them"],
        ),
        (
            {"fic": {"method": "plasticity", "target": 5.0}, "rate_limits": [2.0, 4.0]},
            ["fic.target: 5.0 Hz lies outside rate_limits [2.0, 4.0] Hz"],
        ),
        ({"delays": True}, ["fits.one: v has no default value; list it under free or fixed"]),
        ({"delays": True, "fixed": {"v": 0.0}}, ["v is 0.0 m/s; allowed are 0.5 to 50 m/s"]),
        (
            {"delays": True, "free": {"G": [0.1, 5.0], "v": [1.0, 90.0]}},
            ["v is [1.0, 90.0] m/s; allowed are 0.5 to 50 m/s"],
        ),
        ({"fixed": {"v": 5.0}}, ["'v' is no parameter of rWW", "delays: true"]),
        (
            {"delays": True, "fixed": {"v": 5.0}, "simulation": {"scheme": "heun"}},
            [
                "fits.one.simulation.scheme: delays work with euler_maruyama only, not with heun; set "
                "it to euler_maruyama, or delays to false"
            ],
        ),
        ({"simulation": {"scheme": "euler"}}, ["simulation.scheme: 'euler' is not allowed", "heun"]),
        (
            {"simulation": {"dt": 3.0e-4}},
            ["fits.one.simulation: hemodynamic_dt (0.001 s) must be a whole multiple of dt (0.0003 s)"],
        ),
        ({"rate_limits": [4.0, 2.0]}, ["fits.one.rate_limits: [4.0, 2.0] is not [lower, upper]"]),
        ({"terms": {"mine": {"file": "mine.py"}}}, ["fits.one.terms.mine: no file mine.py"]),
        ({"terms": {"fc_corr": {"file": "mine.py"}}}, ["fc_corr is a built-in term"]),
        ({"objective": {"fc_cor": 1.0}}, ["unknown key 'fc_cor'", "did you mean 'fc_corr'?"]),
        ({"optimiser": {}}, ["fits.one: unknown key 'optimiser'", "did you mean 'optimizer'?"]),
    ],
)
def test_a_wrong_fit_is_refused_in_words(config, change, words):
    config["fits"]["one"] |= change
    message = refusal(config)
    for word in words:
        assert word in message


def test_all_problems_are_listed_at_once(config):
    config |= {"holdout": "half", "batchsize": 4, "bold": {"bandpass": None}}
    message = refusal(config)
    assert message.count("\n  - ") == 3
    config = {**config, "holdout": "run", "bold": {}, "simulation": {"duration": 10.0}}
    del config["batchsize"]
    config["fits"]["one"]["free"] = {"G": [1.0, 0.0]}
    assert "bold.hemodynamics is not given" in refusal(config)
