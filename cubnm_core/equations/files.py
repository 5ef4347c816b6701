"""Model files (TOML): found, parsed and checked."""

import re
import tomllib
import unicodedata
from functools import lru_cache
from pathlib import Path

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.checks import DEFAULTS, check_model, check_name, check_tables
from cubnm_core.equations.entry_checks import check_decimals, check_entries
from cubnm_core.equations.model import Assign, Constant, Model, Parameter, State
from cubnm_core.errors import InputError

MODELS_FOLDER = Path(__file__).resolve().parents[1] / "models"


#: Longer sums are computed in parts.
_LARGEST_TERMS = 50
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
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: no text in UTF-8 ({error}); save it as such") from None
    return _parse_model(text, path.name)


@lru_cache
def _parse_model(text, where):
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid TOML: {error}") from None
    return model_from_tables(tables, where)


def model_from_tables(tables, where):
    """Build and check a `Model` from the tables of a model file.

    Raises
    ------
    InputError
        For unknown keys and names, unused parameters, states without an equation, misuse of sum() or noise.
    """
    tables = {**DEFAULTS, **tables}
    check_tables(tables, where)
    check_entries(tables, where)
    model = Model(
        name=tables["name"],
        title=tables["title"],
        citation=tables["citation"],
        doi=tables["doi"],
        time_unit=tables["time_unit"],
        equations=_parse_equations(tables["equations"], where, tables["noise"]),
        text=tables["equations"].strip(),
        states={name: State(**_tuples(entry)) for name, entry in tables["states"].items()},
        parameters={name: Parameter(**_tuples(entry)) for name, entry in tables["parameters"].items()},
        constants={name: Constant(**entry) for name, entry in tables["constants"].items()},
        noise=tuple(tables["noise"]),
        bold_input=ex.parse(tables["bold_input"], f"{where}, bold_input"),
        record=tuple(tables["record"]),
        units=tables["units"],
        inhibition={key: value for key, value in tables["inhibition"].items() if key != "rest"},
        operating_point=_operating_point(tables["inhibition"]),
        observation=tables["observation"],
        precision=tables["precision"],
        silent_start=tables["silent_start"],
    )
    check_model(model, where)
    return model


def _operating_point(inhibition):
    """Values that a region rests at under feedback inhibition: those stated, else the rate at its target."""
    if "rest" in inhibition or not inhibition:
        return inhibition.get("rest", {})
    return {inhibition.get("rate"): inhibition.get("target")}


def _tuples(entry):
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _parse_equations(text, where, noise):
    equations = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        place = f"{where}, equations line {number} ({ex.shorten(line)})"
        left, equals, right = line.partition("=")
        if not equals:
            raise InputError(f"{place}: expected 'name = expression' or 'dname/dt = expression'")
        name = _DERIVATIVE.fullmatch(left.strip())
        # As in the expressions: signs that look alike, such as two for mu, are one.
        name = unicodedata.normalize("NFKC", name.group(1) if name else left.strip())
        check_name(name, place)
        check_decimals(right, place)
        *parts, value = _part_sum(name, ex.parse_sum(right, place), noise)
        equations += [Assign(part, sub_sum, place) for part, sub_sum in parts]
        equations.append(Assign(name, value, place))
    return tuple(equations)


def _part_sum(name, terms, noise):
    """Cut a long sum into parts of at most `LARGEST_TERMS`, each with a name; give them, and what is left.

    Nested expressions cannot be printed and compiled at any depth. Terms with noise stay where they are, as
    noise may stand only in derivatives.
    """
    parts = []
    while len(terms) > _LARGEST_TERMS:
        plain = [term for term in terms if not set(ex.names(term[1])) & set(noise)]
        others = [term for term in terms if set(ex.names(term[1])) & set(noise)]
        if len(plain) <= 1:
            break
        chunk, rest = plain[:_LARGEST_TERMS], plain[_LARGEST_TERMS:]
        (operator, first), *following = chunk
        first = first if operator == "+" else ex.Operation("*", ex.Number(-1.0), first)
        parts.append((f"{name}_part_{len(parts) + 1}", ex.join_sum([("+", first), *following])))
        terms = [("+", ex.Symbol(parts[-1][0])), *rest, *others]
    return [*parts, ex.join_sum(terms)]
