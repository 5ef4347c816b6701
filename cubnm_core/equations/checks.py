"""What can be wrong with a model file, said so that its author can mend it."""

import keyword
import math
import re
from dataclasses import fields
from difflib import get_close_matches

from cubnm_core.equations import expressions as ex
from cubnm_core.equations import model as eq
from cubnm_core.errors import InputError

#: Most characters of the name of a model.
LONGEST_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}")
#: Words that equations or backends use themselves.
RESERVED = ("inf", "nan", "in_strength")
#: Words that backends put before the names of states.
DERIVED = ("new", "predicted", "halfway")

#: Keys of a model file.
REQUIRED = ("name", "title", "citation", "time_unit", "equations", "states", "bold_input", "record")
#: What a model file may leave out.
DEFAULTS = {
    "doi": "",
    "noise": [],
    "parameters": {},
    "constants": {},
    "units": {},
    "inhibition": {},
    "observation": "balloon",
    "precision": "single",
    "silent_start": False,
}
_CHOICES = {
    "time_unit": tuple(eq.TIME_UNITS),
    "observation": ("balloon", "direct"),
    "precision": ("single", "double"),
    "silent_start": (True, False),
}
_ENTRIES = {"states": eq.State, "parameters": eq.Parameter, "constants": eq.Constant}
_INHIBITION = ("weight", "rate", "target")
_REST = "rest"


def check_tables(tables, where):
    """Check the keys of a model file before anything is parsed."""
    missing = [key for key in REQUIRED if key not in tables]
    if missing:
        raise InputError(f"{where}: missing {', '.join(missing)}")
    _known_keys(tables, (*REQUIRED, *DEFAULTS), where)
    _check_types(tables, where)
    if not _NAME.fullmatch(tables["name"]):
        raise InputError(
            f"{where}, name: {ex.shorten(tables['name'])}; a name is 1 to {LONGEST_NAME} letters (A-Z, a-z), "
            "digits, hyphens and underscores; any text goes into title"
        )
    for key, allowed in _CHOICES.items():
        if tables[key] not in allowed:
            raise InputError(f"{where}: {key} is {tables[key]!r}; allowed are {', '.join(map(str, allowed))}")
    for table, kind in _ENTRIES.items():
        allowed = [f.name for f in fields(kind)]
        for name, entry in tables[table].items():
            if not isinstance(entry, dict):
                raise InputError(f"{where}, [{table}] {name}: expected {{key = value, ...}}, found {entry!r}")
            _known_keys(entry, allowed, f"{where}, [{table}] {name}")
    _known_keys(tables["inhibition"], (*_INHIBITION, _REST), f"{where}, [inhibition]")


def _check_types(tables, where):
    """Refuse entries of another kind than a model file holds there."""
    kinds = {key: str for key in ("name", "title", "citation", "doi", "time_unit", "equations", "bold_input")}
    kinds |= {key: list for key in ("record", "noise")}
    kinds |= {key: dict for key in ("states", "parameters", "constants", "units", "inhibition")}
    words = {str: "text", list: "a list", dict: "a table"}
    for key, kind in kinds.items():
        if not isinstance(tables[key], kind):
            raise InputError(f"{where}, {key}: expected {words[kind]}, found {tables[key]!r}")
    for key in ("record", "noise", "units"):
        entries = tables[key].values() if key == "units" else tables[key]
        if any(not isinstance(entry, str) for entry in entries):
            raise InputError(f"{where}, {key}: expected names in quotes, found {tables[key]!r}")


def check_name(name, place):
    """Refuse what cannot be the name of a variable, and words that mean something else.

    Raises
    ------
    InputError
    """
    if not name.isidentifier():
        raise InputError(f"{place}: {name!r} is not a name: letters, digits and underscores, no digit first")
    if keyword.iskeyword(name) or name in RESERVED:
        raise InputError(f"{place}: {name!r} is a reserved word; give the variable another name")


def _known_keys(found, allowed, where):
    for key in found:
        if key not in allowed:
            near = get_close_matches(key, allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(f"{where}: unknown key {key!r}; allowed are {', '.join(allowed)}{hint}")


def check_model(model, where):
    """Check names and their use."""
    _check_duplicates(model, where)
    _check_equations(model, where)
    _check_outputs(model, where)
    _check_unused(model, where)
    _check_constant_parts(model, where)


def _check_duplicates(model, where):
    seen = {f"{word}_{state}": f"the next values of {state}" for word in DERIVED for state in model.states}
    groups = {
        "states": model.states,
        "parameters": model.parameters,
        "constants": model.constants,
        "noise": model.noise,
        "equations": [e.name for e in model.equations if e.name not in model.states],
    }
    for group, members in groups.items():
        for name in members:
            if name in seen:
                raise InputError(f"{where}: {name!r} stands in {seen[name]} and again in {group}")
            check_name(name, f"{where}, {group}")
            if name in ex.FUNCTIONS:
                raise InputError(f"{where}: {name!r} in {group} is the name of a function")
            seen[name] = group


def _check_equations(model, where):
    declared = {*model.states, *model.parameters, *model.constants}
    derivatives = set()
    for equation in model.equations:
        place = equation.place
        noise = model.noise if equation.name in model.states else ()
        _known_names(equation.value, declared | set(noise), place, model)
        _check_sums(equation, model, place)
        _check_noise(equation, model, place)
        if equation.name in derivatives:
            raise InputError(f"{place}: the derivative of {equation.name!r} is given twice")
        if equation.name in model.states:
            derivatives.add(equation.name)
        else:
            declared.add(equation.name)
    for name in model.states:
        if name not in derivatives:
            raise InputError(f"{where}, [states] {name}: no equation 'd{name}/dt = ...'")


def _known_names(expression, known, place, model):
    for name in ex.names(expression):
        if name in known:
            continue
        if name in model.noise:
            raise InputError(f"{place}: noise {name!r} may stand only in derivatives")
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(
            f"{place}: {name!r} is not defined above; known are {', '.join(sorted(known))}{hint}"
        )


def _check_sums(equation, model, place):
    whole = eq.is_sum(equation.value)
    calls = [node for node in ex.walk(equation.value) if eq.is_sum(node)]
    if calls and not (whole and len(calls) == 1):
        raise InputError(f"{place}: sum() must stand alone, as in 'u = sum(S_E)'")
    if whole and equation.name in model.states:
        raise InputError(f"{place}: give the sum a name of its own, as in 'u = sum(S_E)', and use that name")
    if whole and not ex.names(equation.value) and equation.value.arguments[0] != ex.ONE:
        raise InputError(
            f"{place}: the only sum() of a number is sum(1), the sum of a node's incoming weights"
        )
    if whole:
        fixed = {*model.states, *model.constants, *model.parameters}
        for name in ex.names(equation.value):
            if name not in fixed:
                raise InputError(
                    f"{place}: sum() may use states, parameters and constants; {name!r} is neither"
                )


def _check_noise(equation, model, place):
    for term in ex.terms(equation.value):
        used = [name for name in ex.names(term) if name in model.noise]
        plain = [f.name for f, power in ex.factors(term) if isinstance(f, ex.Symbol) and power == 1]
        if used and not (len(used) == 1 and plain.count(used[0]) == 1):
            raise InputError(f"{place}: noise must enter as 'amplitude*{used[0]}', one noise in each term")


def _check_constant_parts(model, where):
    """Compute all constant parts once, so that one that is no number is found before any simulation."""
    for name, constant in model.constants.items():
        if not isinstance(constant.value, int | float) or not math.isfinite(constant.value):
            raise InputError(f"{where}, [constants] {name}: {constant.value!r} is no finite number")
    constants = {name: ex.Number(float(constant.value)) for name, constant in model.constants.items()}
    values = [(equation.value, equation.place) for equation in model.equations]
    for value, place in [*values, (model.bold_input, f"{where}, bold_input")]:
        try:
            ex.canonical(ex.substitute(value, constants), frozenset(model.parameters))
        except InputError as error:
            raise InputError(f"{place}: {error}") from None


def _check_outputs(model, where):
    _known_names(model.bold_input, {*model.states, *model.constants}, f"{where}, bold_input", model)
    known = {*model.states, *(e.name for e in model.equations)}
    for name in model.record:
        if name not in known:
            raise InputError(
                f"{where}, record: {name!r} is no state and no equation; known are {', '.join(sorted(known))}"
            )
    if model.inhibition:
        _check_inhibition(model, where)


def _check_inhibition(model, where):
    where = f"{where}, [inhibition]"
    if set(model.inhibition) != set(_INHIBITION):
        raise InputError(f"{where}: expected all of {', '.join(_INHIBITION)}")
    if model.inhibition["weight"] not in model.parameters:
        raise InputError(f"{where} weight: {model.inhibition['weight']!r} is no parameter")
    if model.inhibition["rate"] not in model.record:
        raise InputError(f"{where} rate: {model.inhibition['rate']!r} is not in record")
    point = model.operating_point
    if not all(_is_finite(value) for value in (model.inhibition["target"], *point.values())):
        raise InputError(f"{where}: target and rest are finite numbers, found {point}")
    others = [name for name in point if name not in model.states]
    known = {equation.name for equation in model.equations}
    if len(others or point) != 1 or not known.issuperset(others):
        raise InputError(
            f"{where} {_REST}: holds either one state, or one other quantity that an equation names and the "
            f"states that follow from it, as in {{S_E = 0.16, I_E = 0.38}}; found "
            f"{', '.join(map(str, point)) or 'nothing'}"
        )


def _is_finite(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_unused(model, where):
    used = {name for equation in model.equations for name in ex.names(equation.value)}
    used |= set(ex.names(model.bold_input)) | {
        s.initial for s in model.states.values() if isinstance(s.initial, str)
    }
    for table in ("parameters", "constants", "noise"):
        for name in getattr(model, table):
            if name not in used:
                raise InputError(f"{where}, {table}: {name!r} is used in no equation")
