"""From a formula and a table of people to the design matrix of a linear model and its contrasts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cubnm_core.errors import InputError
from workflow_scripts.configuration import formulas
from workflow_scripts.files.words import plural
from workflow_scripts.statistics import models

JOINT = "any difference"


@dataclass(frozen=True)
class Contrast:
    """What is tested: some columns of a design. A two-level contrast compares two levels of a factor."""

    term: str
    name: str
    columns: tuple
    two_levels: bool = False


@dataclass(frozen=True, eq=False)
class Design:
    """Design of a model for some people.

    Attributes
    ----------
    matrix : (n, k) float64 array
    contrasts : list of Contrast
        Of the tested terms; a term with several columns has one of its own for all together, first.
    smallest_level : int or None
        People in the smallest level of the factors that are tested.
    """

    matrix: np.ndarray
    contrasts: list
    smallest_level: int | None


def make_design(model, people):
    """Make the design of a model.

    Parameters
    ----------
    model : dict
        An entry of ``statistics.models``, completed.
    people : pandas.DataFrame
        Complete in the columns of the formula.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        Saying in a sentence why these people give no result: too few people, or collinear terms.
    """
    from formulaic import model_matrix
    from formulaic.errors import FormulaicError

    terms = formulas.parse(model["formula"])
    names = formulas.variables(terms)
    table = pd.DataFrame({name: _levelled(people[name], model["reference"].get(name)) for name in names})
    constant = sorted(name for name in names if table[name].nunique() < 2)
    if constant:
        raise InputError(f"{constant[0]} does not vary among these people")
    try:
        found = model_matrix(model["formula"], table, context={}, na_action="ignore")
    except FormulaicError as error:
        raise InputError(str(error).splitlines()[0]) from None
    matrix = found.to_numpy(dtype=float)
    _check(matrix, list(found.columns))
    tested = formulas.tested_terms(model, terms)
    chosen = [term for name in tested for term in found.model_spec.terms if str(term) == name]
    contrasts = [each for term in chosen for each in _contrasts(term, found)]
    factors = {str(factor) for term in chosen for factor in term.factors}
    return Design(matrix, contrasts, _smallest_level(table[sorted(factors & names)]))


def _smallest_level(table):
    """People in the smallest level of all factors, None without any.

    Raises
    ------
    InputError
        If a level has too few to be compared.
    """
    smallest = []
    for name in [name for name in table if _is_text(table[name])]:
        counts = table[name].value_counts()
        smallest.append(int(counts.min()))
        if smallest[-1] < models.FEWEST_PER_LEVEL:
            raise InputError(f"{name} {counts.idxmin()} has only {plural(smallest[-1], 'person')}")
    return min(smallest, default=None)


def _levelled(values, reference):
    """Text as a factor whose first level is the reference; numbers as they are, unless one is named."""
    if not _is_text(values) and reference is None:
        return values
    text = values.map(str)
    levels = sorted(text.unique())
    if reference is not None and str(reference) in levels:
        levels = [str(reference), *(level for level in levels if level != str(reference))]
    return pd.Series(pd.Categorical(text, categories=levels), index=values.index, name=values.name)


def _is_text(values):
    return not pd.api.types.is_numeric_dtype(values)


def _check(matrix, columns):
    """Refuse designs without unique coefficients."""
    n, k = matrix.shape
    infinite = [name for name, values in zip(columns, matrix.T, strict=True) if not np.isfinite(values).all()]
    if infinite:
        raise InputError(f"{infinite[0]} has values that are not finite")
    if n - k < models.FEWEST_DF:
        raise InputError(f"{plural(n, 'person')} are too few for {k} coefficients")
    lengths = np.linalg.norm(matrix, axis=0)
    scaled = matrix / np.where(lengths > 0, lengths, 1.0)
    explained = [
        name
        for place, name in enumerate(columns)
        if np.linalg.matrix_rank(scaled[:, : place + 1]) <= np.linalg.matrix_rank(scaled[:, :place])
    ]
    if explained:
        raise InputError(
            f"{' and '.join(explained)} cannot be separated from the other terms of the formula (collinear)"
        )


def _contrasts(term, found):
    """Contrasts of the columns of a term."""
    spec = found.model_spec
    place = range(found.shape[1])[spec.term_slices[term]]
    columns = [str(found.columns[column]) for column in place]
    names, two_levels = [f"per unit of {name}" for name in columns], False
    factors = {str(name): state for name, state in spec.factor_contrasts.items()}
    if str(term) in factors and len(columns) == len(factors[str(term)].levels) - 1:
        base, *levels = factors[str(term)].levels
        names, two_levels = [f"{level} − {base}" for level in levels], True
    single = [
        Contrast(str(term), name, (column,), two_levels) for name, column in zip(names, place, strict=True)
    ]
    return single if len(single) == 1 else [Contrast(str(term), JOINT, tuple(place)), *single]
