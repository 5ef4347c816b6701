"""Keys of settings and sidecars stand once and are text; names of fits and models are safe as paths."""

import copy
import json

import pytest
import yaml
from minimal_settings import BASE, refusal

from cubnm_core.errors import InputError
from workflow_scripts.configuration import configuration, sources
from workflow_scripts.readers import sidecar

ONE = "manifest: m.tsv\nnodes: n.tsv\nbold: {hemodynamics: friston-3T}\nsimulation: {duration: 300.0}\n"
FITS = "fits:\n  one:\n    free:\n      G: [0.1, 5.0]\n      w_p: [0.2, 2.0]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            ONE + "holdout: run\n" + FITS + "holdout: none\n",
            ["key holdout stands twice, in line 5 and in line 11"],
        ),
        (
            ONE + FITS + "      G: [0.1, 0.2]\n",
            ["key fits.one.free.G stands twice, in line 8 and in line 10"],
        ),
        (
            ONE + FITS + "  'one': {free: {G: [0, 1]}}\n",
            ["key fits.one stands twice, in line 6 and in line 10"],
        ),
        (
            ONE.replace("300.0", "300.0, duration: 300.0") + FITS,
            ["simulation.duration stands twice, in line 4"],
        ),
        (
            ONE + FITS + "    objectives:\n    - {fc_corr: 1, fc_corr: 2}\n",
            ["objectives.0.fc_corr stands twice"],
        ),
        (ONE + FITS + "on: 1\n", ["line 10: the key on is true or false to YAML, not text"]),
        (ONE + FITS + "  yes: {free: {G: [0, 1]}}\n", ["line 10: the key fits.yes is true or false"]),
        (
            ONE + FITS + "  1: {free: {G: [0, 1]}}\n",
            ["line 10: the key fits.1 is a number to YAML", "in quotes"],
        ),
        (ONE + FITS + "  null: {free: {G: [0, 1]}}\n", ["line 10: the key fits.null is null to YAML"]),
        (ONE + FITS + "  ~: {free: {G: [0, 1]}}\n", ["line 10: the key fits.~ is null to YAML"]),
        (
            ONE + FITS + "  2024-01-01: {free: {G: [0, 1]}}\n",
            ["line 10: the key fits.2024-01-01 is no plain word"],
        ),
        (ONE + FITS + "? [a, b]\n: 1\n", ["line 10: a list or mapping is no key"]),
        (
            ONE + FITS + "__use_yte__: true\n",
            ["line 10: __use_yte__ lets Snakemake run this file as a program"],
        ),
    ],
)
def test_a_key_stands_once_and_is_text(tmp_path, text, words):
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        read = BASE
    with pytest.raises(InputError) as caught:
        configuration.validate(read, [path])
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize("indent", [2, "\t", None])
def test_keys_of_json_stand_once_as_well(tmp_path, indent):
    path = tmp_path / "my.json"
    text = json.dumps(BASE | {"dataset": {"name": "\u00fc \U0001f9e0 tab"}}, indent=indent)
    path.write_text(text, encoding="utf-8")
    configuration.validate(json.loads(text), [path])
    path.write_text(text.replace('"G":', '"G": [1, 2], "G":'), encoding="utf-8")
    with pytest.raises(InputError, match=r"my.json: the key fits.one.free.G stands twice, in line \d+ and"):
        configuration.validate(json.loads(text), [path])


def test_one_file_may_override_another_and_anchors_repeat_no_keys(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(ONE + FITS, encoding="utf-8")
    second.write_text(
        "simulation: &times {duration: 600.0, burn_in: 20.0}\n"
        "fits:\n  two:\n    free: {G: [0, 1], w_p: [0, 1]}\n    simulation: {<<: *times, burn_in: 10.0}\n",
        encoding="utf-8",
    )
    merged = yaml.safe_load(ONE + FITS) | yaml.safe_load(second.read_text(encoding="utf-8"))
    assert configuration.validate(merged, [first, second])["simulation"]["duration"] == 600.0
    merged["simulation"]["duration"] = float("nan")
    with pytest.raises(InputError, match=r"b.yaml, line 1: simulation.duration: nan"):
        configuration.validate(merged, [first, second])


def test_files_of_the_repository_have_every_key_once(repository):
    paths = [*repository.glob("config/**/*.yaml"), *repository.glob("profiles/*/*.yaml")]
    assert len(paths) > 30
    for path in [*paths, *repository.glob("envs/*.yaml")]:
        assert [text for text in sources.read(path).problems if "twice" in text] == [], path


def test_the_fit_of_the_group_keeps_its_name():
    config = copy.deepcopy(BASE)
    config["fits"]["group"] = config["fits"]["one"]
    assert "fits: the name 'group' is what start.from calls the fit of the group" in refusal(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dataset: &d {x: *d}", "dataset.x: an anchor (&) stands for a part that holds it"),
        ("dataset: {x: &d [*d]}", "dataset.x.0: an anchor (&) stands for a part that holds it"),
        ('manifest: "a\\0b"', r"manifest: 'a\x00b' holds a sign of value 0"),
        ('histories: {folder: "\\0"}', "histories.folder: "),
    ],
)
def test_settings_that_hold_themselves_or_what_no_file_holds(text, words):
    assert words in refusal(copy.deepcopy(BASE) | yaml.safe_load(text))


def test_anchors_that_repeat_each_other_take_no_time():
    lines = ["a0: &a0 [x, x]", *(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 30))]
    assert "unknown key 'a29'" in refusal(copy.deepcopy(BASE) | yaml.safe_load("\n".join(lines)))


NAMES = [
    "a\n",
    "..",
    ".",
    "",
    " ",
    "a b",
    "a/b",
    "../a",
    "a\\b",
    "-a",
    ".a",
    "a" * 65,
    "a" * 300,
    "fit_1",
    "größe",
]
NAMES += [
    "ﬁt",
    "a\u200b",
    "a\x00",
    "con",
    "NUL",
    "Com1",
    "lpt9",
    "{batch}",
    "a,b",
    "a:b",
    "*",
    "~",
    "$HOME",
    "a;b",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_no_safe_path_are_refused(name):
    config = copy.deepcopy(BASE)
    config["fits"][name] = config["fits"]["one"]
    assert f"fits: the name {name!r} is" in refusal(config)
    config = copy.deepcopy(BASE) | {"statistics": {"models": {name: {"formula": "age"}}}}
    assert f"statistics.models: the name {name!r} is" in refusal(config)


@pytest.mark.parametrize("name", [1, 1.5, True, None])
def test_names_that_are_no_text_are_refused_without_a_file(name):
    config = copy.deepcopy(BASE)
    config["fits"][name] = config["fits"]["one"]
    assert f"fits: the key {name!r} is not text" in refusal(config)
    config = copy.deepcopy(BASE)
    config["fits"]["one"]["optimizer"] = {"options": {name: 1.0}}
    assert f"fits.one.optimizer.options: the key {name!r} is not text" in refusal(config)


def test_names_of_own_terms_end_with_their_letters():
    config = copy.deepcopy(BASE)
    config["fits"]["one"]["terms"] = {"mine\n": {"file": "mine.py"}}
    assert "fits.one.terms: the name 'mine\\n' is not allowed" in refusal(config)


def test_names_that_differ_in_capitals_share_a_path_on_some_disks():
    config = copy.deepcopy(BASE)
    config["fits"]["One"] = config["fits"]["one"]
    assert "fits: the names 'one' and 'One' differ in capitals only" in refusal(config)


@pytest.mark.parametrize("name", ["one", "A-1", "2maps", "7", "a" * 64, "console", "NaN"])
def test_usual_names_pass(name):
    config = copy.deepcopy(BASE)
    config["fits"] = {name: config["fits"]["one"]}
    config["statistics"] = {"models": {name: {"formula": "age"}}}
    assert list(configuration.validate(config)["fits"]) == [name]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '{"RepetitionTime": 0.8,\n "RepetitionTime": 2.0}',
            ["'RepetitionTime' has two values, 0.8 and 2.0", "1 and 2"],
        ),
        ('{"a": {"b": [1],\n\n "b": [2]}}', ["the key 'b' has two values", "lines 1 and 3"]),
        ('{"Mu": 1.0, "Mu": null}', ["the key 'Mu' has two values"]),
    ],
)
def test_a_sidecar_with_two_values_of_a_key_is_refused(tmp_path, text, words):
    path = tmp_path / "bold.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        sidecar.read(path)
    for word in [*words, str(path)]:
        assert word in str(caught.value)
    path.write_text('{"RepetitionTime": 0.8, "RepetitionTime": 0.8}', encoding="utf-8")
    assert sidecar.read(path) == {"RepetitionTime": 0.8}


@pytest.mark.parametrize(("name", "words"), [("twice", "holdout"), ("inside", "fits.homogeneous.free.G")])
def test_the_cases_of_keys_that_stand_twice(shared, name, words):
    path = shared / "cases" / "B09" / f"{name}.yaml"
    if not path.is_file():
        pytest.skip("the case is not there")
    with pytest.raises(InputError, match=rf"the key {words} stands twice, in line \d+ and in line \d+"):
        configuration.validate(yaml.safe_load(path.read_text(encoding="utf-8")), [path])
