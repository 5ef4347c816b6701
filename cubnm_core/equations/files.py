"""Model files (TOML): found, parsed and checked."""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.checks import DEFAULTS, check_model, check_tables
from cubnm_core.equations.model import Assign, Constant, Model, Parameter, State
from cubnm_core.errors import InputError

MODELS_FOLDER = Path(__file__).resolve().parents[1] / "models"


_DERIVATIVE = re.compile(r"d(\w+)\s*/\s*dt")


def load_model(source):
    """Read a model.

    Parameters
    ----------
    source : str or Path
        Name of a model that comes with the package, or path of a model file (TOML).

    Raises
    ------
    InputError
        If there is no such model, or the file has errors; the message points at the line.
    """
    path = Path(source)
    if path.suffix != ".toml":
        path = MODELS_FOLDER / f"{source}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in MODELS_FOLDER.glob("*.toml")))
        raise InputError(
            f"no model {str(source)!r}; known models are {known}, or give the path of a .toml file"
        )
    return _parse_model(path.read_text(encoding="utf-8"), path.name)


@lru_cache
def _parse_model(text, where):
    try:
        return model_from_tables(tomllib.loads(text), where)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not valid TOML: {error}") from None


def model_from_tables(tables, where):
    """Build and check a `Model` from the tables of a model file.

    Raises
    ------
    InputError
        For unknown keys and names, unused parameters, states without an equation, misuse of sum() or noise.
    """
    tables = {**DEFAULTS, **tables}
    check_tables(tables, where)
    model = Model(
        name=tables["name"],
        title=tables["title"],
        citation=tables["citation"],
        doi=tables["doi"],
        time_unit=tables["time_unit"],
        equations=_parse_equations(tables["equations"], where),
        text=tables["equations"].strip(),
        states={name: State(**_tuples(entry)) for name, entry in tables["states"].items()},
        parameters={name: Parameter(**_tuples(entry)) for name, entry in tables["parameters"].items()},
        constants={name: Constant(**entry) for name, entry in tables["constants"].items()},
        noise=tuple(tables["noise"]),
        bold_input=ex.parse(tables["bold_input"], f"{where}, bold_input"),
        record=tuple(tables["record"]),
        units=tables["units"],
        inhibition=tables["inhibition"],
        observation=tables["observation"],
        precision=tables["precision"],
        silent_start=tables["silent_start"],
    )
    check_model(model, where)
    return model


def _tuples(entry):
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _parse_equations(text, where):
    equations = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        place = f"{where}, equations line {number} ({line!r})"
        left, equals, right = line.partition("=")
        if not equals:
            raise InputError(f"{place}: expected 'name = expression' or 'dname/dt = expression'")
        name = _DERIVATIVE.fullmatch(left.strip())
        name = name.group(1) if name else left.strip()
        if not name.isidentifier():
            raise InputError(f"{place}: {left.strip()!r} is not a name")
        equations.append(Assign(name, ex.parse(right, place), place))
    return tuple(equations)
