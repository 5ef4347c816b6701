"""The algorithms of pymoo by name: which there are, and which options they take."""

import importlib
import inspect
import re
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cubnm_core.errors import InputError

_FAMILIES = {"soo.nonconvex": "single", "moo": "multiple"}

# Algorithms that cannot serve here, and what can.
UNUSABLE = {
    "bga": "it searches binary values",
    "cmopso": "it draws random numbers that cannot be drawn again, so no fit could be resumed",
    "dnsga2": "it is for objectives that change with time; take NSGA2",
    "kgb": "it is for objectives that change with time; take NSGA2",
    "moead": "it asks for one simulation at a time; take ParallelMOEAD",
    "optuna": "it needs a package of its own; take CMAES",
    "patternsearch": "it draws random numbers that cannot be drawn again; take NelderMead",
    "pinsga2": "it asks a person for choices; take NSGA2",
    "randomsearch": "take random, which is the same",
    "rnsga2": "it needs reference points; take NSGA2",
    "rnsga3": "it needs reference points; take NSGA3",
    "rvea": "its points depend on the number of generations, so no fit could be lengthened; take NSGA3",
    "spea2": "it draws random numbers that cannot be drawn again, so no fit could be resumed",
}
# What is set by other settings of the fit, or has no use in one.
_RESERVED = {
    "archive", "callback", "display", "evaluator", "initial", "output", "pop_size", "popsize", "ref_dirs",
    "return_least_infeasible", "sampling", "save_history", "seed", "termination", "verbose", "x0",
    "bounds", "cmaes_verbose", "maxfevals", "maxiter", "n_sample_points", "normalize", "parallelize", "sigma",
    "timeout", "tolfun", "advance_after_initial_infill", "eval_initial_x", "verb_log", "opts", "ps",
    "termination_callback",
}  # fmt: skip


def canonical(name):
    """The form of a name that is compared: small letters and digits only."""
    return re.sub("[^a-z0-9]", "", name.lower())


@cache
def _declared():
    """Names of the classes in pymoo's folders of algorithms, found without importing them.

    Returns
    -------
    dict of str to (str, str, str)
        Canonical name to name, module and family.
    """
    folder = Path(find_spec("pymoo").origin).parent / "algorithms"
    found = {}
    for family in _FAMILIES:
        for path in sorted((folder / family.replace(".", "/")).glob("[a-z]*.py")):
            module = f"pymoo.algorithms.{family}.{path.stem}"
            for name in re.findall(r"^class (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
                found[canonical(name)] = (name, module, family)
    return found


def algorithm(name):
    """Find an algorithm.

    Parameters
    ----------
    name : str
        Of a class of pymoo, whatever the case, with or without hyphens.

    Returns
    -------
    class
    objectives : "single" or "multiple"

    Raises
    ------
    InputError
        If there is none of this name, or it cannot be used for fits.
    """
    key = canonical(name)
    if key in UNUSABLE:
        raise InputError(f"the optimiser {name!r} cannot be used: {UNUSABLE[key]}")
    found = _load(key)
    if found is None:
        known = available()
        nearest = get_close_matches(key, map(canonical, known), n=1)
        meant = [other for other in known if canonical(other) in nearest]
        hint = f"did you mean {meant[0]!r}? " if meant else ""
        raise InputError(
            f"there is no optimiser {name!r}; {hint}There are grid, random, sobol and {', '.join(known)}"
        )
    return found, _FAMILIES[_declared()[key][2]]


def available(objectives=None):
    """Names of all algorithms that can be used, for "single" or "multiple" objectives or both."""
    return [
        name
        for key, (name, _, family) in _declared().items()
        if key not in UNUSABLE and objectives in (None, _FAMILIES[family]) and _load(key) is not None
    ]


def _load(key):
    """Import the class of a canonical name; None where it is no algorithm."""
    if key not in _declared():
        return None
    from pymoo.core.algorithm import Algorithm

    name, module, _ = _declared()[key]
    try:
        found = getattr(importlib.import_module(module), name)
    except ImportError:
        return None
    return found if issubclass(found, Algorithm) else None


def accepted(found):
    """Everything that the constructor of an algorithm takes by name, bases included.

    Parameters
    ----------
    found : class

    Returns
    -------
    dict of str to object
        Name to default; ``inspect.Parameter.empty`` where there is none.
    """
    names = {}
    for base in found.__mro__:
        if "__init__" not in vars(base):
            continue
        taken = inspect.signature(base.__init__).parameters.values()
        for parameter in taken:
            if parameter.kind is not parameter.VAR_KEYWORD and parameter.name != "self":
                names.setdefault(parameter.name, parameter.default)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
            break
    return names | _passed_on(found)


def _passed_on(found):
    """Options that a constructor hands on to something else than a base class."""
    bases = {base.__name__ for base in found.__mro__}
    if "CMAES" in bases:
        import cma

        return dict.fromkeys(cma.CMAOptions.defaults())
    if "DE" in bases:
        from pymoo.algorithms.soo.nonconvex.de import Variant

        taken = inspect.signature(Variant.__init__).parameters
        return {name: taken[name].default for name in ("F", "CR", "jitter", "prob_mut")}
    return {}


def _is_count(option, default):
    """Say whether an option is a whole number, by its default or its name."""
    return type(default) is int or option.startswith("n_")


def check_options(name, options):
    """Check the options of an algorithm against what its constructor takes.

    Parameters
    ----------
    name : str
    options : dict

    Raises
    ------
    InputError
        For an option that does not exist, is set elsewhere, or takes an object no configuration can hold.
    """
    found, _ = algorithm(name)
    taken = accepted(found)
    plain = sorted(
        option
        for option, default in taken.items()
        if option not in _RESERVED and (default is None or isinstance(default, (bool, int, float, str)))
    )
    for option, value in options.items():
        if option in _RESERVED:
            raise InputError(
                f"{found.__name__}: the option {option!r} is set by other settings; leave it out"
            )
        if option not in taken:
            nearest = get_close_matches(option, plain, n=1)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise InputError(
                f"{found.__name__} has no option {option!r}; {hint}It takes {', '.join(plain) or 'none'}"
            )
        if isinstance(value, float) and _is_count(option, taken[option]):
            whole = f"; write {int(value)}" if value.is_integer() else ""
            raise InputError(f"{found.__name__}: the option {option!r} is {value}, not a whole number{whole}")
        if option not in plain or not isinstance(value, (bool, int, float, str)):
            raise InputError(
                f"{found.__name__}: the option {option!r} is {value!r}; a configuration can give numbers, "
                f"words and true or false, for {', '.join(plain) or 'no option'}"
            )
