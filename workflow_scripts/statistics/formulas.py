"""Statistical models of the configuration: completed, checked before the first job, turned into designs."""

import ast

from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables
from workflow_scripts.configuration.messages import suggestion

DEFAULT_NAME = "group"
DEFAULT_COVARIATES = ("age", "sex", "mean_fd", "site")
# What the workflow knows of everybody beside the columns of the participants table.
DERIVED = ("mean_fd", "fit_quality", "sc_strength", "scale_factor")
SYNTHETIC_COLUMNS = ("participant_id", "age", "sex", "group")
WORDS = ("participant_id", "session_id", "sex", "group", "site", "family")  # text, whatever they look like
SHARE_KNOWN = 0.9  # of the people, for a covariate that nobody asked for
FAMILY = "family"
INTERCEPT = "1"
FEWEST_DF = 3  # residual degrees of freedom
FEWEST_PER_LEVEL = 2


def default_model(people):
    """Difference between groups, adjusted for what the participants table has of age, sex, motion and site.

    Where it names families with several members, they share a random intercept: relatives are alike, and
    counted as independent they find differences that are not there.

    Parameters
    ----------
    people : pandas.DataFrame
        One row per person and session, as of :func:`workflow_scripts.statistics.covariates.people_table`.

    Returns
    -------
    dict of str to dict
        One model; none without at least two groups.
    """
    if "group" not in people or people["group"].nunique() < 2:
        return {}
    used = [name for name in DEFAULT_COVARIATES if name in people and _is_useful(people[name])]
    stated = {"formula": " + ".join(["group", *used]), "test": ["group"], "states": None}
    stated |= {"quantities": ["parameters", "states", "scores"], "reference": {}}
    random = FAMILY if _has_relatives(people) else None
    return {DEFAULT_NAME: {**stated, "random": random, "blocks": None, "exchange": "within"}}


def _has_relatives(people):
    """Whether families are known, and some of them have several members."""
    if FAMILY not in people or not _is_useful(people[FAMILY]):
        return False
    return people.drop_duplicates("participant_id")[FAMILY].dropna().duplicated().any()


def _is_useful(values):
    """Whether a covariate varies and hardly anybody lacks it."""
    return values.nunique() > 1 and values.notna().mean() >= SHARE_KNOWN


def config_problems(config):
    """Find what is wrong with the models of a configuration, with the participants table beside it.

    Parameters
    ----------
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`.

    Returns
    -------
    list of str
    """
    models = config["statistics"]["models"]
    if not models:
        return []
    if config["synthetic"] is not None:
        return problems(models, [], SYNTHETIC_COLUMNS)
    if config["participants"] is None:
        return ["statistics.models: there is no participants table; name it under participants"]
    rows = tables.read_participants(config["participants"])
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    return problems(models, rows, columns)


def problems(models, rows, columns):
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
    known = dict.fromkeys([*columns, *DERIVED])
    found = []
    for name, model in (models or {}).items():
        place = f"statistics.models.{name}"
        try:
            terms = parsed(model["formula"])
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
            for key in ("random", "blocks")
            if model[key] is not None and model[key] not in columns
        ]
        found += _test_problems(place, model, terms) + _reference_problems(place, model, rows, known)
    return found


def _test_problems(place, model, terms):
    named = [str(term) for term in terms if str(term) != INTERCEPT]
    if not named:
        return [f"{place}.formula: {model['formula']!r} has no term to test; name at least one column"]
    try:
        tested_terms(model, terms)
    except InputError as error:
        return [f"{place}.test: {error}"]
    return []


def _reference_problems(place, model, rows, known):
    found = []
    for column, level in model["reference"].items():
        levels = {str(row[column]) for row in rows if row.get(column) is not None}
        if column not in known:
            found.append(f"{place}.reference: no column {column!r}{suggestion(column, known)}")
        elif rows and str(level) not in levels:
            found.append(f"{place}.reference.{column}: nobody has {level!r}{suggestion(level, levels)}")
    return found


def parsed(formula):
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
        If it cannot be read, names what is to be explained, or leaves the intercept out.
    """
    from formulaic import Formula
    from formulaic.errors import FormulaSyntaxError
    from formulaic.formula import SimpleFormula

    try:
        found = Formula(formula)
    except FormulaSyntaxError as error:
        raise InputError(
            f"{formula!r} cannot be read ({str(error).splitlines()[0]}); write terms joined by +, such as "
            "group + age"
        ) from None
    if not isinstance(found, SimpleFormula):
        raise InputError(
            f"{formula!r} has more than terms joined by +; what is explained (every parameter, state and "
            "score) is not named, so write group + age, not y ~ group + age"
        )
    if INTERCEPT not in map(str, found):
        raise InputError(f"{formula!r} leaves out the intercept, without which no difference can be tested")
    return list(found)


def variables(terms):
    """Names of the columns that some terms are made of."""
    return {name for term in terms for factor in term.factors for name in _names(str(factor))} - {INTERCEPT}


def _names(expression):
    """Names in an expression that are neither functions nor modules; all of it where it is no Python."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        return {expression}
    used = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    used += [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    skipped = {id(node) for node in used}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in skipped}


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


def _key(term):
    """The same for a:b and b:a."""
    return tuple(sorted(part.strip() for part in term.split(":")))
