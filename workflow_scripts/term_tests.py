"""One statistical model of one fit: who counts, and the tests of all parameters, states and scores."""

from dataclasses import replace

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.permutation import draw_permutations, permutation_test
from cubnm_core.statistics import false_discovery_rate, term_test
from workflow_scripts import covariates, statistical_models
from workflow_scripts.designs_of_people import make_design

PERSON = "participant_id"
UNMOVED = "no permutation changes the term within the blocks (exchange: whole exchanges whole blocks)"
COLUMNS = (
    *(
        "model",
        "fit",
        "quantity",
        "variable",
        "label",
        "split",
        "unit",
        "term",
        "contrast",
        "sample",
        "method",
    ),
    *("estimate", "se", "low", "high", "statistic", "df_term", "df", "p", "p_fdr"),
    *("p_permutation", "p_permutation_fdr", "p_permutation_fwe"),
    *("effect", "effect_size", "effect_low", "effect_high", "n", "n_observations"),
)
MODELS = (
    *(
        "model",
        "fit",
        "sample",
        "formula",
        "tested",
        "method",
        "random",
        "blocks",
        "exchange",
        "permutations",
    ),
    *("n", "n_observations", "smallest_level", "n_left_out", "left_out", "note"),
)


def run_model(model, families, people, left_out, settings):
    """Test the terms of a model for every family of responses.

    Parameters
    ----------
    model : dict
        An entry of ``statistics.models``, completed.
    families : list of workflow_scripts.responses.Family
    people : pandas.DataFrame
        Everybody who may count, one row per unit, as of :mod:`workflow_scripts.covariates`.
    left_out : dict of str to int
        Why others do not count, and how many units.
    settings : dict
        ``permutations`` and ``seed``.

    Returns
    -------
    rows : list of dict
        Of statistics.tsv, without model, fit and sample.
    summary : dict
        Of statistics_models.tsv, likewise.
    """
    left_out, notes, rows = dict(left_out), [], []
    if model["random"] != PERSON:
        families = [averaged(family, people[PERSON]) for family in families]
        people = covariates.per_person(people)
    people = complete(model, people, left_out)
    design = None
    try:
        design = make_design(model, people)
        for family in families:
            found, told = test_family(model, family, people, settings)
            rows += found
            notes += told
    except InputError as error:
        notes.append(str(error))
    summary = {
        "formula": model["formula"],
        "tested": ", ".join(dict.fromkeys(each.term for each in design.contrasts)) if design else None,
        **{key: model[key] for key in ("random", "blocks", "exchange")},
        "method": method_of(model),
        "permutations": settings["permutations"],
        "n": people[PERSON].nunique(),
        "n_observations": len(people),
        "smallest_level": design.smallest_level if design else None,
        "n_left_out": sum(left_out.values()),
        "left_out": "; ".join(f"{count} {reason}" for reason, count in left_out.items() if count),
        "note": "; ".join(dict.fromkeys(notes)),
    }
    return rows, summary


def method_of(model):
    """Ordinary least squares, or with a random intercept."""
    return "ols" if model["random"] is None else "mixed"


def averaged(family, person):
    """Average the sessions of every person.

    Parameters
    ----------
    family : workflow_scripts.responses.Family
    person : pandas.Series
        Participant by unit; units that are not in it do not count.
    """
    values = family.values.reindex(person.index)
    return replace(family, values=values.groupby(person, sort=False).mean())


def complete(model, people, left_out):
    """Leave out and count whoever lacks a covariate, the first one in the order of the formula."""
    names = sorted(statistical_models.variables(statistical_models.parsed(model["formula"])))
    for name in [*names, *(model[key] for key in ("random", "blocks") if model[key] is not None)]:
        known = people[name].notna()
        left_out[f"without {name}"] = int((~known).sum())
        people = people[known]
    return people


def test_family(model, family, people, settings):
    """Test the terms of a model for one family of responses, and correct over the family.

    Returns
    -------
    rows : list of dict
    notes : list of str
        What did not come about, and why.
    """
    values = family.values.reindex(people.index).dropna(axis="columns", how="all").dropna(axis="index")
    if values.empty:
        return [], []
    people = people.loc[values.index]
    design = make_design(model, people)
    place = {name: number for number, name in enumerate(family.values.columns)}
    described = [family.columns[place[name]] for name in values.columns]
    shared = {"quantity": family.quantity, "method": method_of(model)}
    shared |= {"n": people[PERSON].nunique(), "n_observations": len(people)}
    permutations = draw_permutations(
        len(people),
        settings["permutations"],
        settings["seed"],
        _column(model, "blocks", people),
        whole=model["exchange"] == "whole",
    )
    clusters = _column(model, "random", people)
    rows, notes = [], []
    for contrast in design.contrasts:
        columns = list(contrast.columns)
        found = term_test(design.matrix, columns, values.to_numpy(), contrast.two_levels, clusters)
        numbers = {name: getattr(found, name) for name in NUMBERS}
        numbers |= permuted(design.matrix, columns, values.to_numpy(), permutations, clusters)
        numbers["p_fdr"] = false_discovery_rate(found.p)
        if np.isnan(numbers["p_permutation"]).all() and np.isfinite(found.p).any():
            notes.append(f"{contrast.term} has no permutation p: {UNMOVED}")
        named = {
            "term": contrast.term,
            "contrast": contrast.name,
            "effect": found.effect,
            "df_term": found.df_term,
        }
        rows += [
            {**shared, **of_response, **named, **{name: column[number] for name, column in numbers.items()}}
            for number, of_response in enumerate(described)
        ]
    return rows, notes


NUMBERS = (
    "estimate",
    "se",
    "low",
    "high",
    "statistic",
    "df",
    "p",
    "effect_size",
    "effect_low",
    "effect_high",
)


def permuted(matrix, columns, values, permutations, clusters):
    """p values by permutation, NaN where no permutation changes the term."""
    if (matrix[permutations][:, :, columns] == matrix[:, columns]).all():
        p, p_familywise = np.full((2, values.shape[1]), np.nan)
    else:
        p, p_familywise = permutation_test(matrix, columns, values, permutations, clusters)
    return {
        "p_permutation": p,
        "p_permutation_fdr": false_discovery_rate(p),
        "p_permutation_fwe": p_familywise,
    }


def _column(model, key, people):
    """Names of clusters or blocks, None where the model has none."""
    return None if model[key] is None else people[model[key]].map(str).to_numpy()
