"""One statistical model of one fit: sample, and tests of all parameters, states and scores."""

from dataclasses import replace

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.statistics.linear_models import false_discovery_rate, term_test
from cubnm_core.statistics.permutation import draw_permutations, permutation_test
from workflow_scripts.configuration import formulas
from workflow_scripts.statistics import covariates
from workflow_scripts.statistics.designs import make_design

PERSON = "participant_id"
UNMOVED = "no permutation changes the term within the blocks (exchange: whole exchanges whole blocks)"
ESTIMATED, SIZED = ("estimate", "se", "low", "high"), ("effect_size", "effect_low", "effect_high")
NUMBERS = (*ESTIMATED, "statistic", "df", "p", *SIZED)
RESPONSE = ("quantity", "variable", "label", "split", "unit")
TESTS = (*ESTIMATED, "statistic", "df_term", "df", "p", "p_fdr")
PERMUTATION = ("p_permutation", "p_permutation_fdr", "p_permutation_fwe")
EFFECT = ("effect", *SIZED, "n", "n_observations")
ASKED = ("term", "contrast", "sample", "method")
COLUMNS = ("model", "fit", *RESPONSE, *ASKED, *TESTS, *PERMUTATION, *EFFECT)
STATED = ("formula", "tested", "method", "random", "blocks", "exchange", "permutations")
COUNTED = ("n", "n_observations", "smallest_level", "n_left_out", "left_out", "note")
MODELS = ("model", "fit", "sample", *STATED, *COUNTED)


def run_model(model, families, people, left_out, settings):
    """Test the terms of a model for every family of responses.

    Parameters
    ----------
    model : dict
        An entry of ``statistics.models``, completed.
    families : list of workflow_scripts.statistics.responses.Family
    people : pandas.DataFrame
        Everybody who may count, one row per unit, as of :mod:`workflow_scripts.statistics.covariates`.
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
    people = sample_of(model, people, left_out)
    smallest = None
    try:
        smallest = make_design(model, people).smallest_level
    except InputError as error:
        families, notes = [], [str(error)]
    for family in families:
        found, told = family_rows(model, family, people, settings)
        rows += found
        notes += told
    terms = formulas.parse(model["formula"])
    summary = {
        **{key: model[key] for key in ("formula", "random", "blocks", "exchange")},
        "tested": ", ".join(formulas.tested_terms(model, terms)),
        "method": method_of(model),
        "permutations": settings["permutations"],
        "n": people[PERSON].nunique(),
        "n_observations": len(people),
        "smallest_level": smallest,
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
    family : workflow_scripts.statistics.responses.Family
    person : pandas.Series
        Participant by unit; units that are not in it do not count.
    """
    values = family.values.reindex(person.index)
    return replace(family, values=values.groupby(person, sort=False).mean())


def sample_of(model, people, left_out):
    """Choose the rows of a model: people, or their sessions, who have every covariate; others are counted."""
    if model["random"] != PERSON:
        people = covariates.per_person(people)
    return complete(model, people, left_out)


def complete(model, people, left_out):
    """Exclude people who lack a covariate, counted by the first missing one in alphabetical order."""
    names = sorted(formulas.variables(formulas.parse(model["formula"])))
    for name in [*names, *(model[key] for key in ("random", "blocks") if model[key] is not None)]:
        known = people[name].notna()
        left_out[f"without {name}"] = int((~known).sum())
        people = people[known]
    return people


def family_rows(model, family, people, settings):
    """Test the terms of a model for one family of responses, and correct over the family.

    Returns
    -------
    rows : list of dict
    notes : list of str
        What did not come about, and why.
    """
    values = family.values.reindex(people.index).dropna(axis="columns", how="all").dropna(axis="index")
    people = people.loc[values.index]
    if values.empty:
        return [], []
    try:
        design = make_design(model, people)
    except InputError as error:
        return [], [f"{family.quantity} {family.columns[0]['variable']}: {error}"]
    described = [family.columns[family.values.columns.get_loc(name)] for name in values.columns]
    shared = {"quantity": family.quantity, "method": method_of(model)}
    shared |= {"n": people[PERSON].nunique(), "n_observations": len(people)}
    clusters, blocks = (_column(model, key, people) for key in ("random", "blocks"))
    permutations = draw_permutations(
        len(people), settings["permutations"], settings["seed"], blocks, whole=model["exchange"] == "whole"
    )
    rows, notes = [], []
    for contrast in design.contrasts:
        named, numbers = contrast_numbers(contrast, design, values.to_numpy(), permutations, clusters)
        if np.isnan(numbers["p_permutation"]).all() and np.isfinite(numbers["p"]).any():
            notes.append(f"{contrast.term} has no permutation p: {UNMOVED}")
        rows += [
            {**shared, **response, **named, **{name: column[number] for name, column in numbers.items()}}
            for number, response in enumerate(described)
        ]
    return rows, notes


def contrast_numbers(contrast, design, values, permutations, clusters):
    """Test one contrast for all responses: what it is, and columns of numbers by name."""
    matrix, columns = design.matrix, list(contrast.columns)
    found = term_test(matrix, columns, values, contrast.two_levels, clusters)
    p, p_familywise = np.full((2, values.shape[1]), np.nan)
    if (matrix[:, columns][permutations] != matrix[:, columns]).any():
        p, p_familywise = permutation_test(matrix, columns, values, permutations, clusters)
    named = {"term": contrast.term, "contrast": contrast.name}
    return named | {"effect": found.effect, "df_term": found.df_term}, {
        **{name: getattr(found, name) for name in NUMBERS},
        "p_fdr": false_discovery_rate(found.p),
        "p_permutation": p,
        "p_permutation_fdr": false_discovery_rate(p),
        "p_permutation_fwe": p_familywise,
    }


def _column(model, key, people):
    """Names of clusters or blocks, None where the model has none."""
    return None if model[key] is None else people[model[key]].map(str).to_numpy()
