"""Every number of the settings: finite, of its kind, computable, and refused by its place."""

import copy
import math
from itertools import pairwise

import pytest
import yaml
from cases import copy_case
from minimal_settings import BASE, refusal

from cubnm_core.errors import InputError
from workflow_scripts.configuration import configuration, fit_settings, schemas, sources
from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES


def number_leaves(rules, place=()):
    """Give the place and the schema of every entry that may be a number; * stands for a name."""
    kinds = rules.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if {"number", "integer"} & set(kinds):
        yield place, rules
    for key, entry in rules.get("properties", {}).items():
        yield from number_leaves(entry, (*place, key))
    if isinstance(rules.get("additionalProperties"), dict):
        yield from number_leaves(rules["additionalProperties"], (*place, "*"))
    if "items" in rules:
        yield from number_leaves(rules["items"], (*place, 0))


LEAVES = dict(number_leaves(schemas.schema("config")))
WHOLE = {place: rules for place, rules in LEAVES.items() if "integer" in rules["type"]}
PLACES = [pytest.param(place, id=".".join(map(str, place))) for place in LEAVES]


def keys_of(place):
    """Give the keys of a place with names for its stars."""
    before = [None, *place]
    return [{"fits": "one"}.get(before[step], "G") if key == "*" else key for step, key in enumerate(place)]


def settings_with(place, value):
    """Give settings that have a value at a place, and how messages call the place."""
    config, keys = copy.deepcopy(BASE), keys_of(place)
    entry = config
    for key, following in pairwise(keys):
        if following == 0:
            entry[key] = [1.0, 2.0]
        elif isinstance(entry, list) or not isinstance(entry.get(key), dict):
            entry[key] = {}
        entry = entry[key]
    entry[keys[-1]] = value
    return config, ".".join(map(str, keys))


def test_the_schema_is_walked_to_its_last_number():
    assert len(LEAVES) > 80 and len(WHOLE) > 30
    wanted = [("bold", "band_pass", 0), ("fits", "*", "free", "*", "maps", "*", 0), ("statistics", "alpha")]
    wanted += [("synthetic", "parameters", "*", "sd"), ("fits", "*", "objectives", 0, "*")]
    wanted += [
        ("fits", "*", "start", "optimizer", "initial", "*"),
        ("fits", "*", "optimizer", "options", "*"),
    ]
    assert set(wanted) <= set(LEAVES)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 10**400])
def test_every_number_is_finite(place, value):
    config, name = settings_with(place, value)
    found = [line for line in refusal(config).splitlines() if line.startswith(f"  - {name}: ")]
    assert len(found) == 1, refusal(config)
    assert "number" in found[0] or "greater than the maximum" in found[0]


SLIPS = {True: "true is not", "1e-3": "text to YAML", "0_8": "'0_8'", None: "null is not"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", SLIPS)
def test_switches_and_text_are_no_numbers(place, value):
    allowed = {bool: "boolean", type(None): "null"}.get(type(value), "words")
    if allowed in LEAVES[place]["type"] or (allowed == "words" and place[-2:] == ("reference", "*")):
        pytest.skip("that may stand there")
    config, name = settings_with(place, value)
    message = refusal(config)
    assert SLIPS[value] in message and f"  - {name}: " in message


@pytest.mark.parametrize("place", [param for param in PLACES if param.values[0] in WHOLE])
def test_whole_numbers_may_be_written_as_powers_of_ten(place):
    smallest = max(WHOLE[place].get("minimum", 0), WHOLE[place].get("multipleOf", 1))
    config, _ = settings_with(place, float(smallest))
    entry = schemas.whole_numbers(config, schemas.schema("config"))
    for key in keys_of(place):
        entry = entry[key]
    assert entry == smallest and isinstance(entry, int)
    config, name = settings_with(place, smallest + 0.5)
    assert f"  - {name}: {smallest + 0.5} is not a whole number" in refusal(config)


def test_a_power_of_ten_is_used_as_a_whole_number():
    config = copy.deepcopy(BASE)
    config |= {"evaluation": {"first_seed": 1.0e3, "seeds": 4.0, "profile": {"points": 5.0}}}
    config["fits"]["one"] |= {"retest": {"candidates": 3.0}, "replicates": 2.0}
    config["fits"]["one"]["optimizer"] = {"name": "grid", "shape": {"G": 3.0, "w_p": 2.0}}
    completed = configuration.validate(config)
    fit = fit_settings.resolve_fit(completed, "one")
    found = [completed["evaluation"][key] for key in ("first_seed", "seeds")]
    found += [completed["evaluation"]["profile"]["points"], fit["retest"]["candidates"], fit["replicates"]]
    found += [*fit["optimizer"]["shape"].values()]
    assert found == [1000, 4, 5, 3, 2, 3, 2] and all(type(value) is int for value in found)
    assert type(completed["simulation"]["duration"]) is float


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"simulation": {"dt": 1e-30}}, ["simulation.duration of 300 s", "3.0e+32 steps", "1,000,000,000"]),
        ({"simulation": {"dt": 1e-8, "hemodynamic_dt": 1e-8}}, ["3.0e+10 steps"]),
        ({"fic": {"method": "plasticity", "warm_up": 8e4}, "simulation": {"dt": 1e-5}}, ["fic.warm_up of"]),
        ({"objective": {"fc_corr": 0.0}}, ["fits.one.objective: every weight is 0"]),
        ({"objective": {"fc_corr": 0, "fcd_ks": 0, "rate_penalty": 0}}, ["every weight is 0"]),
        ({"objectives": ["fc_corr", {"fcd_ks": 0.0}]}, ["fits.one.objectives.1.fcd_ks", "minimum of 0"]),
        ({"simulation": {"duration": 1e9}}, ["fits.one.simulation.duration", "maximum of 86400"]),
        ({"optimizer": {"sigma": 2.0}}, ["fits.one.optimizer.sigma", "maximum of 1"]),
        (
            {"optimizer": {"options": {"tolx": "quit()"}}},
            ["options.tolx", "does not match"],
        ),
        ({"optimizer": {"name": "de", "options": {"n_offsprings": 8.5}}}, ["n_offsprings", "whole number"]),
        ({"optimizer": {"name": "de", "options": {"n_offsprings": 8.0}}}, ["n_offsprings", "write 8"]),
        ({"replicates": 2**31}, ["fits.one.replicates: 2147483648 is not a whole number", "2,147,483,647"]),
        ({"noise_seed": 10**6, "replicates": 2 * 10**9}, []),
    ],
)
def test_settings_that_cannot_be_computed_are_refused(change, words):
    config = copy.deepcopy(BASE)
    config["fits"]["one"] |= change
    if not words:
        configuration.validate(config)  # at once, although two thousand million seeds are compared
        return
    for word in words:
        assert word in refusal(config)


def test_a_made_cohort_is_simulated_in_steps_as_well():
    config = copy.deepcopy(BASE) | SYNTHETIC_TABLES
    assert "synthetic.scan_duration of 720 s" in refusal(config | {"synthetic": {"dt": 1e-30}})
    assert "synthetic.repetition_time" in refusal(config | {"synthetic": {"repetition_time": 1e-30}})


def test_a_term_of_ones_own_is_something_to_minimise(tmp_path):
    (tmp_path / "mine.py").write_text("def term(*given):\n    return 0.0\n", encoding="utf-8")
    config = copy.deepcopy(BASE)
    config["fits"]["one"] |= {
        "objective": {"fc_corr": 0.0},
        "terms": {"mine": {"file": f"{tmp_path}/mine.py"}},
    }
    configuration.validate(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("holdout: no", ["line 1: holdout: false is not allowed", "yes, no, on and off"]),
        ("dataset: {name: 2024-01-01}", ["dataset.name: 2024-01-01 is not text; put it in quotes"]),
        ("manifest: 7", ["manifest: 7 is not text; put it in quotes"]),
        ("bold: {zscore: 'yes'}", ["bold.zscore: 'yes' is not true or false"]),
        (
            "simulation:\n  dt: 1e-4",
            ["line 2: simulation.dt: '1e-4' is text to YAML", "write it like 1.0e-04"],
        ),
        ("simulation:\n  dt:\n", ["line 2: simulation.dt: null is not", "the default 0.0001 holds"]),
        ("evaluation: {first_seed: 0100}", ["evaluation.first_seed: 0100 is 64 to YAML"]),
        ("simulation: {duration: 15:00}", ["line 1: simulation.duration: 15:00 is 900 to YAML"]),
        ("batch_size: 0x10", ["batch_size: 0x10 is 16 to YAML"]),
        ("batch_size: 2_5", ["batch_size: 2_5 is 25 to YAML"]),
    ],
)
def test_what_yaml_reads_otherwise_is_said_with_its_line(tmp_path, text, words):
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        configuration.validate(BASE | yaml.safe_load(text), [path])
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_usual_numbers_are_read_as_they_stand(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("a: [1, -2.5, 1.0e-3, +1.5E+3, 1_000_000, 0, 0.0, .5, '0100', 1.e+3]\n", encoding="utf-8")
    assert sources.read(path).problems == []


def test_every_case_of_settings_that_are_no_numbers(shared, tmp_path):
    folder = copy_case(shared, "B07", tmp_path / "B07")
    for path in sorted(folder.glob("*.yaml")):
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.stem == "my":
            configuration.validate(config, [path])
            continue
        with pytest.raises(InputError, match=rf"{path.name}, line \d+: ") as caught:
            configuration.validate(config, [path])
        assert "field_strength" not in str(caught.value)
