"""Fingerprints of fits: a hash of all that a result depends on, the same as long as the fit is the same.

Histories are kept under fingerprints for years, so these must outlive the code. How our own types are hashed
is declared in :data:`FORMS`, whatever the types and their attributes are called today: a type keeps its tag,
and the fields of the first histories are always hashed. Whatever was added later (a field, a keyword, a
setting) is hashed only where it is not at its default, because without it the same was computed before.
"""

import hashlib
import inspect
import json
from dataclasses import MISSING, dataclass, fields, is_dataclass

import numpy as np

from cubnm_core.equations import expressions, model
from cubnm_core.fitting.fits import Retest
from cubnm_core.fitting.heterogeneity import Grouped, MapScaled
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.search_space import Prior


@dataclass(frozen=True)
class Form:
    """How a type is hashed.

    Attributes
    ----------
    tag : str
        Stands for the type; never changes.
    attributes : dict of str to str
        The name a field is hashed under -> the attribute that holds it. The names never change; an attribute
        that is renamed is corrected here.
    """

    tag: str
    attributes: dict


def _form(tag, *names, **renamed):
    return Form(tag, {name: name for name in names} | renamed)


#: Types that enter fingerprints. Fields listed here are always hashed; a field added to a type is not listed.
FORMS = {
    expressions.Number: _form("Number", "value"),
    expressions.Symbol: _form("Symbol", "name"),
    expressions.Operation: _form("Operation", "operator", "left", "right"),
    expressions.Call: _form("Call", "function", "arguments"),
    model.State: _form("State", "initial", "clip", "wrap", "unit", "description"),
    model.Parameter: _form("Parameter", "default", "bounds", "unit", "regional", "description"),
    model.Constant: _form("Constant", "value", "unit", "description"),
    model.Assign: _form("Assign", "name", "value", "place"),
    model.Model: _form(
        "Model", "name", "title", "citation", "doi", "time_unit", "equations", "text", "states", "parameters",
        "constants", "noise", "bold_input", "record", "units", "inhibition", "observation", "precision",
        "silent_start",
    ),
    MapScaled: _form("MapScaled", "maps", "limits"),
    Grouped: _form("Grouped", "groups"),
    Prior: _form("Prior", "center", "weight", "spread"),
    Retest: _form("Retest", "candidates", "seeds", "first_seed"),
    OptimizerSettings: _form(
        "OptimizerSettings", "name", "population", "generations", "sigma", "tolerance", "patience", "shape",
        "options", "seed",
    ),
}  # fmt: skip


#: Values that the code held before they became fields; these, too, are hashed only where others are given.
FORMER = {model.Model: {"operating_point": {"S_E": 0.1647572075, "I_E": 0.3773805650}}}


def fingerprint(*parts):
    """Hash everything a result depends on.

    Parameters
    ----------
    *parts : nested mappings, sequences, types of :data:`FORMS`, arrays, strings, numbers, bools and None
        Arrays count with dtype, shape and bytes, mappings whatever the order of their keys.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Raises
    ------
    TypeError
        For anything else.
    """
    text = json.dumps([_canonical(part) for part in parts], sort_keys=True, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hashed_fields(value):
    """Give the fields of an instance of one of the types of :data:`FORMS` that are hashed, as a dict."""
    attributes = FORMS[type(value)].attributes
    stated = {name: getattr(value, attribute) for name, attribute in attributes.items()}
    later = {field.name: getattr(value, field.name) for field in fields(value)}
    later = {name: found for name, found in later.items() if name not in attributes.values()}
    later = _not_at_default(later, defaults(type(value)))
    return stated | _not_at_default(later, FORMER.get(type(value), {}))


def hashed_settings(settings, always, defaults):
    """Give the settings that are hashed.

    Parameters
    ----------
    settings : dict
    always : collection of str
        Those of the first histories.
    defaults : dict
        Defaults of later ones; one that is not named here is always hashed.

    Returns
    -------
    dict
    """
    first = {name: value for name, value in settings.items() if name in always}
    later = {name: value for name, value in settings.items() if name not in always}
    return first | _not_at_default(later, defaults)


def defaults(kind):
    """Give the defaults of the arguments of a function, or of the fields of a dataclass, as a dict."""
    if is_dataclass(kind):
        made = {field.name: field.default_factory() for field in fields(kind) if _is_made(field)}
        return made | {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    arguments = inspect.signature(kind).parameters.values()
    return {each.name: each.default for each in arguments if each.default is not inspect.Parameter.empty}


def _is_made(field):
    return field.default_factory is not MISSING


def _not_at_default(values, defaults):
    return {
        name: value
        for name, value in values.items()
        if name not in defaults or _canonical(value) != _canonical(defaults[name])
    }


def _canonical(value):
    """Turn a value into what JSON can hold, without losing a difference that matters."""
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value)
        return ["array", str(data.dtype), list(data.shape), hashlib.sha256(data.tobytes()).hexdigest()]
    if isinstance(value, np.generic):
        return _canonical(value.item())
    if type(value) in FORMS:
        return [FORMS[type(value)].tag, _canonical(hashed_fields(value))]
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, float):
        return repr(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"a fingerprint cannot be made of {type(value).__name__}; declare its form in FORMS")
