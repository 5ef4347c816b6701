"""Haemodynamic constants in the configuration: what wins, what jobs are told, what is refused."""

from copy import deepcopy

import pytest
from minimal_settings import BASE, refusal

from cubnm_core.equations.hemodynamics import HEMODYNAMICS
from workflow_scripts.configuration import configuration, fit_settings, hemodynamics


@pytest.fixture
def config():
    """A small valid configuration."""
    return {**deepcopy(BASE), "bold": {"hemodynamics": "cubnm-3T"}}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"protocol": "quick"}, "friston-1.5T"),
        ({"protocol": "cubnm2025"}, "cubnm-3T"),
        ({"protocol": "cubnm2025", "hemodynamics": "friston-3T"}, "friston-3T"),
        ({"protocol": "cubnm2025", "hemodynamics": None}, "friston-1.5T"),
    ],
)
def test_constants_of_a_fit_come_before_those_of_its_protocol_and_of_the_cohort(entries, expected, config):
    config["bold"] = {"hemodynamics": "friston-1.5T"}
    config.pop("simulation", None)
    config["fits"]["one"] |= entries
    fit = fit_settings.resolve_fit(configuration.validate(config), "one")
    assert hemodynamics.set_name(fit["simulation"]["hemodynamics"]) == expected
    assert "hemodynamics" not in fit


def test_a_retired_name_of_a_fit_is_named_with_its_place(config):
    config["fits"]["one"]["hemodynamics"] = "heinzle2016-3T"
    assert "fits.one.hemodynamics: 'heinzle2016-3T' is no longer accepted" in refusal(config)


@pytest.mark.parametrize("name", HEMODYNAMICS)
def test_jobs_are_told_numbers_whatever_the_constants_were_called(name, config):
    def told(stated):
        config["bold"]["hemodynamics"] = stated
        return fit_settings.resolve_fit(configuration.validate(config), "one")["simulation"]["hemodynamics"]

    assert told(name) == told(dict(HEMODYNAMICS[name])) == told({"set": name})
    assert hemodynamics.constants(told(name)) == HEMODYNAMICS[name]
    # What results of the first two sets were made with stands as it did.
    first = {"cubnm-1.5T": "friston2003", "cubnm-3T": "heinzle2016-3T"}
    assert told(name) == first.get(name, HEMODYNAMICS[name])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bold": {}}, ["bold.hemodynamics is not given", "friston-3T", "cubnm-1.5T", "echo_time"]),
        ({"bold": {"field_strength": 7.0}}, ["bold.field_strength: 7.0", "r0: ..."]),
        ({"bold": {"field_strength": [3.0]}}, ["bold.field_strength: [3.0]", "echo_time: ..."]),
        ({"bold": {"field_strength": None}}, ["bold.field_strength: None", "echo_time: ..."]),
        ({"bold": {"field_strength": True}}, ["bold.field_strength: True", "echo_time: ..."]),
        ({"bold": {"field_strength": 3.0, "hemodynamics": "cubnm-3T"}}, ["bold.field_strength", "delete"]),
        (
            {"bold": {"hemodynamics": "friston2003"}},
            ["bold.hemodynamics: 'friston2003'", "cubnm-1.5T", "friston-1.5T"],
        ),
        (
            {"bold": {"hemodynamics": "heinzle2016-3T"}},
            ["bold.hemodynamics: 'heinz", "cubnm-3T", "friston-3T"],
        ),
        ({"bold": {"hemodynamics": "friston-3"}}, ["bold.hemodynamics", "did you mean 'friston-3T'?"]),
        ({"bold": {"hemodynamics": {"kappa": 0.65}}}, ["bold.hemodynamics: gamma, k1, k2, k3 missing"]),
        ({"bold": {"hemodynamics": {"kapa": 0.65}}}, ["bold.hemodynamics", "kapa", "allowed are kappa"]),
        (
            {"bold": {"hemodynamics": {"field_strength": 3.0, "echo_time": 30}}},
            ["bold.hemodynamics: echo_time is 30 s", "write 0.03"],
        ),
        (
            {"bold": {"hemodynamics": {"set": "friston-3T", "kappa": [0.6, 0.7]}}},
            ["bold.hemodynamics: kappa: a list", "{column: NAME}"],
        ),
        (
            {"bold": {"hemodynamics": {"set": "friston-3T", "kappa": {"column": "rate"}}}},
            ["fits.one: haemodynamic constants follow maps, but maps: names no table"],
        ),
    ],
)
def test_constants_that_cannot_be_used_are_refused_in_words(change, words, config):
    message = refusal({**config, **change})
    assert all(word in message for word in words), message


@pytest.mark.parametrize(("tesla", "before"), [(1.5, "cubnm-1.5T"), (3.0, "cubnm-3T"), (3, "cubnm-3T")])
def test_a_field_strength_is_refused_and_both_replacements_are_named(tesla, before, config):
    message = refusal({**config, "bold": {"field_strength": tesla}})
    assert f"bold.field_strength: {tesla} is no longer accepted" in message
    for name in (before, before.replace("cubnm", "friston")):
        assert f"bold.hemodynamics: {name}" in message
        configuration.validate({**config, "bold": {"hemodynamics": name}})
    assert message.count("\n") == 1  # and nothing else is asked for
