"""Section ``statistics``: formulas of its models, read and held against the columns that there are."""

from cubnm_core.errors import InputError
from workflow_scripts.configuration import formula_parts
from workflow_scripts.configuration.messages import suggestion

# What the workflow knows of everybody beside the columns of the participants table.
DERIVED = ("mean_fd", "fit_quality", "sc_strength", "scale_factor")
CHANGES = ("mean_fd_change", "fit_quality_change")  # where the response is a change or a slope
PERSON = "participant_id"
SYNTHETIC_COLUMNS = ("participant_id", "age", "sex", "group")
INTERCEPT = "1"
FEWEST_SESSIONS = 3  # of a slope


def check(models, rows, columns):
    """Find what the formulas ask for and nobody has.

    Parameters
    ----------
    models : dict or None
        ``statistics.models`` of the configuration.
    rows : list of dict
        Of the participants table; empty where it does not exist yet.
    columns : sequence of str
        Of the participants table.

    Returns
    -------
    list of str
    """
    found = []
    for name, model in (models or {}).items():
        place, changes = f"statistics.models.{name}", () if model["response"] == "value" else CHANGES
        known = dict.fromkeys([*columns, *DERIVED, *changes])
        try:
            terms = parse(model["formula"])
        except InputError as error:
            found.append(f"{place}.formula: {error}")
            continue
        found += [
            f"{place}.formula: no column {word!r} in the participants table{suggestion(word, known)}"
            for word in sorted(variables(terms) - set(known))
        ]
        found += [
            f"{place}.{key}: no column {model[key]!r} in the participants table"
            f"{suggestion(model[key], columns)}"
            for key in ("random", "blocks", "time", "combat")
            if model[key] is not None and model[key] not in columns
        ]
        found += _check_test(place, model, terms) + _check_reference(place, model, rows, known)
        found += _check_response(place, model)
    return found


def _check_response(place, model):
    """Find what does not go with values, changes or slopes."""
    response, sessions = model["response"], model["sessions"] or ()
    if response == "value":
        return [
            f"{place}.{key}: only changes and slopes have it; state {place}.response, or leave it out"
            for key in ("sessions", "time")
            if model[key] is not None
        ]
    found = []
    if response == "change" and len(sessions) != 2:
        found.append(
            f"{place}.sessions: {len(sessions)} sessions are named, and a change is the second of two less "
            "the "
            "first; name two, such as [baseline, followup], or ask for a slope"
        )
    if response == "slope" and len(sessions) < FEWEST_SESSIONS:
        found.append(
            f"{place}.sessions: {len(sessions)} sessions are named, and a slope of everybody's own needs "
            "three or "
            "more; name them in the order of time, or ask for the change between two"
        )
    if response == "change" and model["time"] is not None:
        found.append(f"{place}.time: a change is not divided by time; leave it out, or ask for a slope")
    if model["random"] == PERSON:
        found.append(
            f"{place}.random: a {response} is one value per person, so that people need no random intercept; "
            "take it out"
        )
    return found


def _check_test(place, model, terms):
    named = [str(term) for term in terms if str(term) != INTERCEPT]
    if not named:
        return [f"{place}.formula: {model['formula']!r} has no term to test; name at least one column"]
    try:
        tested_terms(model, terms)
    except InputError as error:
        return [f"{place}.test: {error}"]
    return []


def _check_reference(place, model, rows, known):
    found = []
    for column, level in model["reference"].items():
        levels = {str(row[column]) for row in rows if row.get(column) is not None}
        if column not in known:
            found.append(f"{place}.reference: no column {column!r}{suggestion(column, known)}")
        elif rows and str(level) not in levels:
            found.append(f"{place}.reference.{column}: nobody has {level!r}{suggestion(level, levels)}")
    return found


def parse(formula):
    """Read the right-hand side of a formula.

    Parameters
    ----------
    formula : str
        Such as ``group + age``; ``~`` in front does no harm.

    Returns
    -------
    list of formulaic terms
        The intercept among them.

    Raises
    ------
    InputError
        If it cannot be read, holds something else than the parts of formulas, names what is to be explained,
        or leaves the intercept out.
    """
    from formulaic import Formula
    from formulaic.formula import SimpleFormula

    formula_parts.check(formula)
    with formula_parts.readable(formula):
        found = Formula(formula)
    if not isinstance(found, SimpleFormula):
        raise InputError(
            f"{formula!r} must be terms joined by +: write group + age, not y ~ group + age, because every "
            "parameter, state and score is a response"
        )
    if INTERCEPT not in map(str, found):
        raise InputError(f"{formula!r} removes the intercept; keep it, or no difference can be tested")
    return list(found)


def variables(terms):
    """Names of the columns that some terms are made of."""
    return {name for term in terms for factor in term.factors for name in formula_parts.columns(factor)}


def tested_terms(model, terms):
    """Names of the terms that a model tests: those stated, else the first.

    Raises
    ------
    InputError
        If a stated one is no term of the formula.
    """
    named = {_key(str(term)): str(term) for term in terms if str(term) != INTERCEPT}
    if not model["test"]:
        return [next(iter(named.values()))]
    for name in model["test"]:
        if _key(name) not in named:
            raise InputError(f"the formula has no term {name!r}{suggestion(name, named.values())}")
    return [named[_key(name)] for name in model["test"]]


def is_same_term(one, other):
    """Say whether two names mean the same term, as a:b and b:a do."""
    return _key(one) == _key(other)


def _key(term):
    """The same for a:b and b:a."""
    return tuple(sorted(part.strip().strip("`") for part in term.split(":")))
