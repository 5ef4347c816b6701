"""Write docs/models.md, the page of all models, from the model files: `python docs/generate_models.py`."""

import math
import re
from pathlib import Path
from urllib.parse import quote

import latex

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.files import MODELS_FOLDER, load_model
from cubnm_core.equations.hemodynamics import BOLD, EQUATIONS, EXTRACTION, HEMODYNAMICS

PAGE = Path(__file__).resolve().parent / "models.md"

INTRODUCTION = r"""# Models

Written by `docs/generate_models.py` from the files in `cubnm_core/models`: what stands here is what is
simulated. Do not edit this page; a test compares it with the files. [new_model.md](new_model.md) explains how
to add a model of your own.

How to read the equations:

- All quantities are those of one node $`j`$. In a coupling sum $`\sum_k w_{kj} \, x^{(k)}`$, $`x^{(k)}`$ is
  that of the source $`k`$, and $`w_{kj}`$ is the connectome, `weights[source, target]`. With conduction
  delays it is the value that node $`k`$ had a time $`l_{kj} / v`$ ago, for the tract length $`l_{kj}`$ and
  the velocity $`v`$.
- $`\xi`$ are independent Gaussian white noises. An amplitude has the unit of its state per square root of the
  model's time unit.
- A state that is "kept within" limits is clipped to them after every step, or wrapped around by whole turns.
- A parameter with a default may be left out. Regional parameters take one value for all nodes or one for each
  node, global ones one value. The bounds are where the model is meant to be used; fits state their own.

The models:
"""
HEMODYNAMICS_TITLE = "Haemodynamic model"
HEMODYNAMICS_DOI, CONSTANTS_DOI = "10.1016/S1053-8119(03)00202-7", "10.1016/j.neuroimage.2015.10.025"
HEMODYNAMICS_TEXT = f"""\
The Balloon–Windkessel model turns the activity $`z`$ of a region (what "drives the haemodynamic model", as
said above for every model) into BOLD, the signal, in percent. Friston et al. (2003), NeuroImage 19:1273-1302,
[doi:{HEMODYNAMICS_DOI}](https://doi.org/{quote(HEMODYNAMICS_DOI)}); constants for 3 T of Heinzle et al.
(2016), NeuroImage 125:556-570, [doi:{CONSTANTS_DOI}](https://doi.org/{CONSTANTS_DOI}).
States are deviations from rest (blood inflow is $`1 + f`$) and 0 at the start; derivatives are per s.
They are integrated one after the other: each equation sees the new values of those above it."""
#: Unit and meaning of the haemodynamic constants.
HEMODYNAMIC_CONSTANTS = {
    "kappa": ("1/s", "decay of the vasodilatory signal"),
    "gamma": ("1/s²", "autoregulation"),
    "tau": ("s", "transit time"),
    "alpha": ("1", "Grubb's exponent"),
    "rho": ("1", "resting oxygen extraction fraction"),
    "V0": ("%", "resting venous volume"),
    **{f"k{number}": ("1", "coefficient of the BOLD signal") for number in (1, 2, 3)},
}


def page():
    """The whole page, with the models in alphabetical order."""
    files = sorted(MODELS_FOLDER.glob("*.toml"), key=lambda path: path.stem.lower())
    models = [(load_model(path), path) for path in files]
    contents = "\n".join(f"- [{model.name}](#{model.name.lower()}): {model.title}" for model, _ in models)
    contents += (
        f"\n\nAnd what turns them into BOLD: the [haemodynamic model](#{_anchor(HEMODYNAMICS_TITLE)})."
    )
    sections = [*(section(model, path) for model, path in models), hemodynamics()]
    return "\n".join([INTRODUCTION, contents, "", *sections])


def hemodynamics():
    """The model between activity and BOLD."""
    lines = [(name, ex.parse(text), True) for name, text in EQUATIONS]
    lines += [("extraction", ex.parse(EXTRACTION), False), ("signal", ex.parse(BOLD), False)]
    aligned = " \\\\\n".join(latex.line(*line) for line in lines)
    rows = [
        [*_named(name, unit), *(_number(values[name]) for values in HEMODYNAMICS.values()), meaning]
        for name, (unit, meaning) in HEMODYNAMIC_CONSTANTS.items()
    ]
    head = ("", "name", "unit", *(_code(name) for name in HEMODYNAMICS), "description")
    parts = [
        f"## {HEMODYNAMICS_TITLE}",
        HEMODYNAMICS_TEXT,
        _block(aligned, [value for _, value, _ in lines]),
        _table(head, rows),
    ]
    return "\n\n".join(parts) + "\n"


def section(model, path):
    """Everything about one model.

    Parameters
    ----------
    model : Model
    path : Path
        Its file, whose comments become notes.
    """
    text = path.read_text(encoding="utf-8")
    parts = [
        f"## {model.name}",
        f"{model.title}.",
        _source(model),
        _equations(model),
        "\n".join(f"- {fact}" for fact in _facts(model, text)),
        "### States of " + model.name,
        _states(model),
        "### Parameters of " + model.name,
        _parameters(model),
    ]
    if model.constants:
        parts += ["### Constants of " + model.name, _constants(model)]
    return "\n\n".join(parts) + "\n"


def _source(model):
    doi = f", [doi:{model.doi}](https://doi.org/{model.doi})" if model.doi else ""
    return f"{model.citation}{doi}. Model file: [{model.name}.toml](../cubnm_core/models/{model.name}.toml)."


def _equations(model):
    return _block(latex.equations(model), [equation.value for equation in model.equations])


def _block(aligned, values):
    """Equations, and the definitions of functions that are not common."""
    lines = ["```math", r"\begin{aligned}", aligned, r"\end{aligned}", "```"]
    used = latex.functions_used(values)
    where = ", ".join(_inline(latex.DEFINITIONS[name]) for name in used)
    return "\n".join([*lines, "", f"with {where}."] if used else lines)


def _facts(model, text):
    """What is to be said about a model beside its equations, comments of its file included."""
    notes = _comments(text)
    drives = "drives the haemodynamic model"
    if model.observation == "direct":
        drives = "is BOLD itself; there is no haemodynamic model"
    yield f"Time: derivatives are per {model.time_unit}."
    yield f"BOLD: {_inline(latex.expression(model.bold_input))} {drives}."
    recorded = ", ".join(f"`{name}` ({_unit(model.unit(name))})" for name in model.record)
    yield f"Recorded: {recorded}."
    why = f": {notes['precision']}" if "precision" in notes else ""
    yield f"Precision: {model.precision} by default{why}."
    if model.silent_start:
        yield "Nothing is sent before the first step, instead of the initial values."
    if model.inhibition:
        weight, rate, target = (model.inhibition[key] for key in ("weight", "rate", "target"))
        unit = model.unit(rate)
        yield f"Feedback inhibition control tunes `{weight}` until `{rate}` is {target:g} {unit} on average."
    for note in notes.get("whole lines", []):
        yield f"Note: {note}."


def _comments(text):
    """Comments of a model file: by key where they stand behind a setting, and whole lines of comments."""
    behind = re.findall(r"^(precision) *=[^#\n]*# *(.+)$", text, flags=re.MULTILINE)
    blocks = re.findall(r"(?:^#.*\n)+", text, flags=re.MULTILINE)
    whole = [" ".join(line.strip("# ") for line in block.splitlines()) for block in blocks]
    return {**dict(behind), "whole lines": whole}


def _states(model):
    rows = [
        [*_named(name, state.unit), _initial(state), _limits(state), state.description]
        for name, state in model.states.items()
    ]
    return _table(("", "name", "unit", "initial", "kept within", "description"), rows)


def _named(name, unit):
    return _inline(latex.symbol(name)), _code(name), _unit(unit)


def _initial(state):
    return _code(state.initial) if isinstance(state.initial, str) else _number(state.initial)


def _limits(state):
    if state.wrap is not None:
        return f"±{_number(state.wrap)} (wrapped)"
    return "" if state.clip is None else _interval(state.clip)


def _parameters(model):
    rows = [
        [
            *_named(name, entry.unit),
            _default(entry),
            _interval(entry.bounds),
            _scope(entry),
            entry.description,
        ]
        for name, entry in model.parameters.items()
    ]
    return _table(("", "name", "unit", "default", "bounds", "", "description"), rows)


def _scope(parameter):
    return "regional" if parameter.regional else "global"


def _default(parameter):
    if parameter.default is None:
        return "none: give it"
    if isinstance(parameter.default, str):
        return "uniform within its bounds"
    return _number(parameter.default)


def _constants(model):
    rows = [
        [*_named(name, constant.unit), _number(constant.value), constant.description]
        for name, constant in model.constants.items()
    ]
    return _table(("", "name", "unit", "value", "description"), rows)


def _number(value):
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    turns = value / math.pi
    if value and float(turns).is_integer():
        return "π" if turns == 1 else f"{turns:g}π"
    mantissa, e, exponent = f"{value:.6g}".partition("e")
    return mantissa.replace("-", "−") + (f"·10<sup>{int(exponent)}</sup>".replace("-", "−") if e else "")


def _interval(bounds):
    return f"[{_number(bounds[0])}, {_number(bounds[1])}]"


def _unit(unit):
    return "–" if unit == "1" else unit


def _anchor(title):
    return title.lower().replace(" ", "-")


def _inline(text):
    """LaTeX within a line, fenced so that Markdown leaves its backslashes and underscores alone."""
    return f"$`{text}`$"


def _code(name):
    return f"`{name}`"


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: written")
