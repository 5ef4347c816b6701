"""Model files that cannot be computed, or whose names are paths: refused as they are read, with the line."""

import random
import re

import pytest

from cubnm_core import InputError, load_model
from cubnm_core.equations.files import model_from_tables

UNCOMPUTABLE = {
    "complex": "the constant part -2 ** 0.5 is no finite real number",
    "digits": "a number beyond 1e308",
    "division": "the constant part 1 / 0 is no finite real number",
    "exponential": "the constant part exp(1000) is no finite real number",
    "infinite": "a number beyond 1e308",
    "logarithm": "the constant part log(-1) is no finite real number",
    "many_terms": "at most 2000 terms",
    "none": "'None' is a reserved word",
    "power": "the constant part 0 ** -1 is no finite real number",
    "remainder": "the constant part fmod(1, 0) is no finite real number",
    "signs": "nested at most 60 deep",
    "tower": "is no finite real number",
    "word": "'lambda' is a reserved word",
}


def tables(equation="k = V", name="x", parameter="G"):
    """Tables of a model file with one equation of its own."""
    return {
        "name": name,
        "title": "t",
        "citation": "c",
        "time_unit": "ms",
        "equations": f"received = sum(V)\n{equation}\ndV/dt = -V + {parameter}*received + k",
        "bold_input": "V",
        "record": ["V", "received"],
        "units": {"received": "1"},
        "states": {"V": {"initial": 0.0}},
        "parameters": {parameter: {"bounds": [0.0, 5.0], "regional": False}},
    }


@pytest.mark.parametrize("name", UNCOMPUTABLE)
def test_an_equation_that_cannot_be_computed_is_refused_with_its_line(shared, name):
    with pytest.raises(InputError) as error:
        load_model(shared / "cases" / "B03" / f"{name}.toml")
    assert UNCOMPUTABLE[name] in str(error.value)
    assert str(error.value).startswith(f"{name}.toml, equations line 2 (") and len(str(error.value)) < 500


def test_nine_hundred_terms_work(shared):
    model = load_model(shared / "cases" / "B03" / "terms.toml")
    assert len(model.equations) > 3 and model.equations[-1].name == "V"


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("k = V/(1 - 1)", "1 / 0"),
        ("k = V/(G - G)*0 + sqrt(0 - 1)", "sqrt(-1)"),
        ("k = min(1, exp(710))", "exp(710)"),
        ("k = powm1(0 - 2, 0.5)", "powm1(-2, 0.5)"),
        ("k = " + "(" * 150 + "V" + ")" * 150, None),
        ("k = " + "*".join(["V"] * 300), "nested more than 60 deep"),
        ("k = " + "sin(" * 90 + "V" + ")" * 90, "deep"),
        ("k = " + "(" * 5000 + "V" + ")" * 5000, "equations line 2"),
        ("k = 1\0 + V", "equations line 2"),
        ("yield = V\nk = yield", "'yield' is a reserved word"),
        ("inf = V\nk = inf", "'inf' is a reserved word"),
        ("in_strength = V\nk = in_strength", "'in_strength' is a reserved word"),
        ("k = 1_0 + V", "'1_0' is no decimal number"),
        ("k = 0x10 + V", "'0x10' is no decimal number"),
        ("k = (0b1) + V", "'0b1' is no decimal number"),
        ("k = \u0661 + V", "is not an arithmetic expression"),
        ("k = V \u202e+ G", "is not an arithmetic expression"),
        ("a = b\nb = a\nk = a", "'b' is not defined above"),
        ("k = k", "'k' is not defined above"),
        ("k = V.real", "'V.real' is not allowed"),
        ("k = (z := V)", "is not allowed"),
        ("k = (lambda: V)()", "is not allowed"),
        ("k = exec(V)", "unknown function 'exec'"),
    ],
)
def test_neighbours_are_refused_with_the_line_too(equation, words):
    if words is None:  # brackets alone are no nesting
        assert model_from_tables(tables(equation), "x.toml").equations
        return
    with pytest.raises(InputError, match=r"x\.toml, equations line \d") as error:
        model_from_tables(tables(equation), "x.toml")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("table", "entry", "words"),
    [
        ("states", {"V": {"initial": float("nan")}}, "[states] V: initial is nan"),
        ("states", {"V": {"initial": float("inf")}}, "[states] V: initial is inf"),
        ("states", {"V": {"initial": True}}, "[states] V: initial is True"),
        ("states", {"V": {"clip": [1.0, 0.0]}}, "[states] V: clip is [1.0, 0.0]; write [lower, upper]"),
        ("states", {"V": {"wrap": 0.0}}, "[states] V: wrap is 0.0; write a finite number above 0"),
        ("parameters", {"G": {"bounds": [5.0, 0.0]}}, "[parameters] G: bounds is [5.0, 0.0]"),
        ("parameters", {"G": {"bounds": [0.0, float("nan")]}}, "[parameters] G: bounds is [0.0, nan]"),
        ("parameters", {"G": {"bounds": [0.0]}}, "[parameters] G: bounds is [0.0]"),
        ("parameters", {"G": {"bounds": "all"}}, "[parameters] G: bounds is 'all'"),
        ("parameters", {"G": {"default": float("nan")}}, "[parameters] G: default is nan"),
        ("parameters", {"G": {"regional": "no"}}, "[parameters] G: regional is 'no'; write true or false"),
        ("constants", {"c": {"value": float("inf")}}, "[constants] c: value is inf"),
        ("constants", {"c": {"value": "1"}}, "[constants] c: value is '1'"),
        ("constants", {"c": {}}, "[constants] c: value is missing"),
    ],
)
def test_numbers_of_entries_are_finite_and_in_order(table, entry, words):
    with pytest.raises(InputError, match=re.escape(f"x.toml, {words}")):
        model_from_tables({**tables(), table: entry}, "x.toml")


@pytest.mark.parametrize("content", ['name = "\u00e4"'.encode("latin-1"), 'name = "x"'.encode("utf-16"), b""])
def test_a_file_that_is_no_text_of_a_model_is_named(tmp_path, content):
    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.toml: (no text in UTF-8|missing name)"):
        load_model(tmp_path / "mine.toml")


def test_signs_that_look_alike_are_one_name():
    model = model_from_tables(tables("\u00b5 = V\nk = \u00b5 + \u03bc"), "x.toml")
    assert [equation.name for equation in model.equations] == ["received", "\u03bc", "k", "V"]
    with pytest.raises(InputError, match="again in equations"):
        model_from_tables(tables("\u00b5 = V\n\u03bc = G\nk = \u03bc"), "x.toml")


@pytest.mark.parametrize("name", ["new_V", "predicted_V", "halfway_V"])
def test_names_that_backends_make_are_kept_for_them(name):
    with pytest.raises(InputError, match=f"'{name}' stands in the next values of V"):
        model_from_tables(tables(f"{name} = V\nk = {name}"), "x.toml")


@pytest.mark.parametrize("word", ["node", "range", "size", "states", "lambda"])
def test_names_beside_words_of_a_program_stay_apart(word):
    from cubnm_core.backends.printing import Writer

    writer = Writer(reserved={word})
    names = [word, f"{word}_", f"{word}__", f"_{word}", f"{word}s"]
    assert len({writer.name(name) for name in names}) == len(names)
    assert word not in {writer.name(name) for name in names}


@pytest.mark.parametrize("name", ["absolute", "blank", "empty", "long", "model"])
def test_a_name_that_is_a_path_is_refused(shared, name):
    with pytest.raises(InputError, match=rf"{name}\.toml, name: .* a name is 1 to 64 letters"):
        load_model(shared / "cases" / "B02" / f"{name}.toml")


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", "a\0b", "x" * 65, "ä", "a.py", 3, None])
def test_neighbouring_names_are_refused(name):
    with pytest.raises(InputError, match="name"):
        model_from_tables(tables(name=name), "x.toml")


@pytest.mark.parametrize("key", ["title", "equations", "states", "parameters", "record", "noise", "units"])
@pytest.mark.parametrize("value", [3, [1], {"a": 1}, True])
def test_entries_of_another_kind_are_refused(key, value):
    with pytest.raises(InputError, match=r"x\.toml"):
        model_from_tables({**tables(), key: value}, "x.toml")


@pytest.mark.slow
def test_long_sums_have_the_value_of_their_terms():
    """A sum in parts is the sum, to rounding, also with terms that are subtracted."""
    import numpy as np

    from cubnm_core import simulate

    text = " ".join(f"{'-' if k % 3 else '+'} {k}*0.001*V" for k in range(1, 130))
    direct = sum(-k if k % 3 else k for k in range(1, 130)) * 0.001
    settings = {"duration": 4.0, "repetition_time": 1.0, "dt": 1e-3, "burn_in": 0.0, "record": ("bold",)}
    weights = np.ones((2, 2)) - np.eye(2)
    runs = [
        simulate(
            model_from_tables({**tables(f"k = {equation}"), "observation": "direct"}, "x.toml"),
            weights,
            {"G": 0.2},
            backend="reference",
            **settings,
        )
        for equation in (f"0.01 {text}", f"0.01 + ({direct!r})*V")
    ]
    np.testing.assert_allclose(runs[0].bold, runs[1].bold, rtol=1e-9)


def test_spoilt_model_files_end_in_an_error_of_ours(tmp_path, repository):
    """Every damage of a model file is read or refused: no other error leaves the reader."""
    draw = random.Random(7)
    original = (repository / "cubnm_core" / "models" / "rWW.toml").read_text(encoding="utf-8")
    path = tmp_path / "spoilt.toml"
    for _ in range(400):
        text = list(original)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(text))
            text[place : place + draw.choice((0, 1, 1, 5))] = draw.choice(
                ["", "(", "9" * 400, "**", "=", "\n", "0/0"]
            )
        path.write_text("".join(text), encoding="utf-8")
        try:
            load_model(path)
        except InputError:
            continue
