"""Formulas hold columns, numbers, operators and listed functions; all else is refused, not evaluated."""

import os
import time

import numpy as np
import pandas as pd
import pytest
from cases import copy_case

from cubnm_core.errors import InputError
from workflow_scripts.configuration import formula_parts, formulas
from workflow_scripts.statistics.designs import make_design

RUN = "__import__('os').system('touch executed')"
HOSTILE = [
    f"group + {{{RUN} + age}}",
    "group + np.save('executed', age)",
    f"group + {RUN}",
    f"I({RUN})",
    "age + {age}",
    "{[].__class__}",
    "I(age.__class__)",
    "I(().__class__.__base__.__subclasses__())",
    "age.to_csv('executed')",
    "I(age.to_pickle)",
    "np.log.__self__",
    "np.log.__class__(age)",
    "np.save(age, age)",
    "np.lib.npyio.save(age)",
    "np.fromfile(age)",
    "np.load(age)",
    "np.log(age, age)",
    "np.log(age, out=age)",
    "np.log(age, where=True)",
    "np.log(*age)",
    "np.log(**age)",
    "np.log(np.save(age))",
    "I(np.vectorize(exit)(age))",
    "eval(age)",
    "exec('import os')",
    "open('executed', 'w')",
    "getattr(age, 'x')",
    "print(age)",
    "breakpoint()",
    "(lambda: 1)()",
    "I(lambda: age)",
    "I((lambda x: x)(age))",
    "I([x for x in age])",
    "I({x for x in age})",
    "I((x for x in age))",
    "I((y := age))",
    "I(f'{age}')",
    'I(f"{__import__}")',
    "I('text')",
    "I(b'text')",
    "I(age if age else 1)",
    "I(age and 1)",
    "I(age > 40)",
    "I(age == 40)",
    "I(not age)",
    "I(age[0])",
    "age[0]",
    "age[0]()",
    "I(age @ age)",
    "I(age // 2)",
    "I(age % 2)",
    "I(~age)",
    "I(age << 9)",
    "I(...)",
    "I(None)",
    "I(1j * age)",
    "I(await age)",
    "I((yield))",
    "I(9**9**9)",
    "I(age + 9**9)",
    "I(age**99999999)",
    "I(age**age)",
    "I(1)",
    "I()",
    "C(group, contr.treatment)",
    "C(group, contr.sum(1))",
    "C(group, levels=['a'])",
    "C(group, Treatment('a'))",
    "Q('age')",
    "hashed(age)",
    "lag(age)",
    "contr.sum(age)",
    "poly(age, age)",
    "poly(age, [2])",
    "poly(age, 2, _state=1)",
    "poly(age, _context=1)",
    "poly(age, degree='2')",
    "poly(age, 2, True)",
    "bs(age, knots=[1, 2])",
    "bs(age, 4, 3)",
    "np",
    "__builtins__",
    "I(__builtins__)",
    "I(__FORMULAIC_CONTEXT__ + age)",
    "'text'",
    '"text" + age',
    "age + 1_0",
    "age:'x'",
    "age + .",
    ".",
    "age | group",
    "age %in% group",
    "[age ~ group]",
    "age ~ group",
    "age; group",
    "age = group",
    "age, group",
    "age \\ group",
    "age # group",
    "age @ group",
    "age & group",
    "$age",
    "`age",
    "``",
    f"`{RUN}`",
    f"np.log(`{RUN}`)",
    "np.log(`age`.__class__)",
    "np.log(`age) + exit() + (b`)",
    "np.log(`²`)",
    "ｎｐ.save(age)",
    "np.ѕave(age)",
    "ｅval(age)",
    "I(age) + age.__ｃlass__",
    "age\n__import__('os')",
    "np.log(age)(age)",
    "np.log(age).mean()",
    "log(age).real",
    "((((((((((((((((((((age))))))))))))))))))))",
    "(" * 400 + "age" + ")" * 400,
    "I(" * 50 + "age" + ")" * 50,
    "I(" + "-" * 900 + "age)",
    "age + " * 5000 + "age",
    "*".join(f"c{number}" for number in range(40)),
    "(age + group)**99",
    "(age + group)**9999999999999999",
    "(a + b + c + d + e + f)^9",
    "(a + b):(a + b):(a + b):(a + b):(a + b):(a + b):(a + b):(a + b):(a + b):(a + b):(a + b):(a + b)",
    "age**-1",
    "age**age",
    "age + 1e999",
    "",
    "   ",
    "~",
    "()",
    "age +",
]
PEOPLE = pd.DataFrame(
    {
        "age": np.linspace(20, 60, 40),
        "group": ["control", "patient"] * 20,
        "my age": np.linspace(1, 2, 40) ** 2,
        "a-b": np.linspace(1, 3, 40) ** 3,
        "größe": np.linspace(1, 2, 40),
        "np": np.linspace(1, 2, 40) ** 4,
    }
)
MODEL = {"test": None, "reference": {}, "random": None, "blocks": None}
MODEL |= {"response": "value", "sessions": None, "time": None, "combat": None}
ROWS = PEOPLE.to_dict("records")


@pytest.mark.parametrize("formula", HOSTILE)
def test_what_is_no_part_of_a_formula_is_refused_and_not_evaluated(formula, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    columns = [name for name in PEOPLE if name != "np"]
    found = formulas.check({"level": MODEL | {"formula": formula}}, ROWS, columns)
    assert found and all(text.startswith("statistics.models.level.formula: ") for text in found)
    assert os.listdir(tmp_path) == [] and time.monotonic() - began < 5


def test_the_part_that_is_not_allowed_is_named():
    for formula, part in {
        "group + {age}": "'{age}'",
        "group + np.save('executed', age)": "np.save('executed', age)",
        "group + np.log(np.save(age))": "'np.save'",
        "I(age + age.real)": "'age.real'",
        "poly(age, degree=group)": "'group'",
        "group | age": "'|'",
        "group + .": "'.'",
        "group + 'x'": "\"'x'\"",
    }.items():
        with pytest.raises(
            InputError, match="which is not allowed; a formula holds names of columns"
        ) as caught:
            formulas.parse(formula)
        assert part in str(caught.value).partition(", which is not")[0].partition(" holds ")[2]


RIGHT = {
    "group + age": {"group", "age"},
    "group*age": {"group", "age"},
    "np.log(age)": {"age"},
    "C(group)": {"group"},
    "poly(age, 2)": {"age"},
    "poly(age, degree=2, raw=True)": {"age"},
    "I(age**2)": {"age"},
    "I((age - 40)**2 / 100)": {"age"},
    "I(np.log(age) + 1)": {"age"},
    "bs(age, 4)": {"age"},
    "bs(age, df=5, degree=2)": {"age"},
    "scale(age, scale=False)": {"age"},
    "group * center(age)": {"group", "age"},
    "(group + age)**2": {"group", "age"},
    "(group + age)^2": {"group", "age"},
    "age/group": {"group", "age"},
    "1 + age - group": {"age"},
    "~ age": {"age"},
    "age + `my age`": {"age", "my age"},
    "`a-b`": {"a-b"},
    "np.log(`my age`) + age": {"age", "my age"},
    "poly(`my age`, 2)": {"my age"},
    "größe + I(größe**2)": {"größe"},
    "np + age": {"np", "age"},
}


@pytest.mark.parametrize("formula", RIGHT)
def test_formulas_of_usual_parts_give_designs(formula):
    model = MODEL | {"formula": formula}
    assert formulas.check({"level": model}, ROWS, list(PEOPLE)) == []
    assert formulas.variables(formulas.parse(formula)) == RIGHT[formula]
    matrix = make_design(model, PEOPLE).matrix
    assert matrix.shape[1] > 1 and np.isfinite(matrix).all()


@pytest.mark.parametrize("function", formula_parts.FUNCTIONS)
def test_every_listed_function_works(function):
    column = "group" if function == "C" else "age + 0 * `my age`" if function == "I" else "age"
    if function == "np.sign":
        column = "age - 40"
    assert np.isfinite(make_design(MODEL | {"formula": f"{function}({column})"}, PEOPLE).matrix).all()


def test_a_column_in_backquotes_is_tested_by_its_name():
    model = MODEL | {"formula": "age + `my age`", "test": ["`my age`"]}
    assert [each.name for each in make_design(model, PEOPLE).contrasts] == ["per unit of my age"]


def test_names_around_a_design_are_no_part_of_a_formula():
    with pytest.raises(KeyError):
        make_design(MODEL | {"formula": "models"}, PEOPLE)


def test_the_case_of_a_formula_that_is_a_program(shared, tmp_path, snakemake):
    copy_case(shared, "B01", tmp_path)
    status, output = snakemake("--dry-run", "--quiet", config=tmp_path / "my.yaml")
    assert status == 1 and not list(tmp_path.glob("executed*"))
    assert (
        "statistics.models.m.formula: " in output
        and "{__import__('os').system('touch executed_1') + age}" in output
    )
    assert "statistics.models.n.formula: " in output and "np.save('executed_2', age)" in output
