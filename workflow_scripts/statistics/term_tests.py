"""One statistical model of one fit: sample, and tests of all parameters, states and scores."""

from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.statistics.exchange import choose_permutations, is_movable
from cubnm_core.statistics.linear_models import term_test
from cubnm_core.statistics.permutation import permutation_test, smallest_p
from workflow_scripts.configuration import formulas
from workflow_scripts.configuration.formulas import PERSON
from workflow_scripts.statistics import covariates, sessions
from workflow_scripts.statistics.designs import make_design

SAMPLES = ALL, TRUSTED = "all", "sensitivity"  # everybody with a fit; without doubtful fits
FEWEST_PER_RESPONSE = 20  # permutations, so that a single response can be significant after correction
UNMOVED = "no permutation changes the term within the blocks (exchange: whole exchanges whole blocks)"
ESTIMATED, SIZED = ("estimate", "se", "low", "high"), ("effect_size", "effect_low", "effect_high")
NUMBERS = (*ESTIMATED, "statistic", "df", "p", *SIZED)
RESPONSE = ("quantity", "variable", "label", "split", "unit")
TESTS = (*ESTIMATED, "statistic", "df_term", "df", "p", "p_fdr")
PERMUTATION = ("p_permutation", "p_permutation_fdr", "p_permutation_fwe", "p_permutation_smallest")
EFFECT = ("effect", *SIZED, "n", "n_observations")
ASKED = ("term", "contrast", "sample", "method")
COLUMNS = ("role", "model", "fit", *RESPONSE, *ASKED, *TESTS, *PERMUTATION, "n_corrected", *EFFECT)
ENTERED = ("formula", "random", "blocks", "exchange", "response", "sessions")
STATED = (*ENTERED, "tested", "method", "permutations", "which_permutations")
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
        ``permutations``, ``seed``, ``alpha``, ``threads`` and ``fits``, the number of fits.

    Returns
    -------
    rows : list of dict
        Of statistics.tsv, without model, fit and sample, and before correction.
    summary : dict
        Of statistics_models.tsv, likewise.
    """
    left_out, notes, rows, used = dict(left_out), [], [], []
    families = of_people(model, families, people)
    people = sample_of(model, people, left_out)
    smallest = None
    try:
        smallest = make_design(model, people).smallest_level
    except InputError as error:
        families, notes = [], [str(error)]
    for family in families:
        tested = family_rows(model, family, people, settings)
        rows += tested.rows
        notes += tested.notes
        used += tested.permutations
    return rows, {**summarise(model, people, left_out, notes, used), "smallest_level": smallest}


def summarise(model, people, left_out, notes, used):
    """Row of statistics_models.tsv of a model.

    Parameters
    ----------
    model : dict
    people : pandas.DataFrame
        Who counts.
    left_out : dict of str to int
    notes : list of str
    used : list of cubnm_core.statistics.exchange.Permutations

    Returns
    -------
    dict
    """
    terms = formulas.parse(model["formula"])
    return {
        **{key: model[key] for key in ENTERED},
        "sessions": ", ".join(model["sessions"] or ()) or None,
        "tested": ", ".join(formulas.tested_terms(model, terms)),
        "method": method_of(model),
        "permutations": max((each.count for each in used), default=None),
        "which_permutations": which_permutations(used),
        "n": people[PERSON].nunique(),
        "n_observations": len(people),
        "n_left_out": sum(left_out.values()),
        "left_out": "; ".join(f"{count} {reason}" for reason, count in left_out.items() if count),
        "note": "; ".join(dict.fromkeys(notes)),
    }


def which_permutations(used):
    """Whether all permutations or random ones were used, None without any."""
    if not used:
        return None
    return "all" if all(each.exhaustive for each in used) else "random"


def method_of(model):
    """Ordinary least squares, or with a random intercept."""
    return "ols" if model["random"] is None else "mixed"


def of_people(model, families, people):
    """Turn responses of sessions into those of people: means, changes or slopes.

    Parameters
    ----------
    model : dict
    families : list of workflow_scripts.statistics.responses.Family
    people : pandas.DataFrame
        One row per unit; units that are not in it do not count.
    """
    if model["response"] != sessions.VALUE:
        units = sessions.select(model, people, {})
        return [replace(family, values=sessions.combine(family.values, units)) for family in families]
    if model["random"] == PERSON:
        return families
    return [averaged(family, people[PERSON]) for family in families]


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
    if model["response"] != sessions.VALUE:
        units = sessions.select(model, people, left_out)
        people = sessions.add_changes(covariates.per_person(units.drop(columns="weight")), units)
    elif model["random"] != PERSON:
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


@dataclass(frozen=True)
class FamilyTests:
    """Tests of a family of responses: rows, what did not come about and why, permutations of each test."""

    rows: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    permutations: list = field(default_factory=list)


def family_rows(model, family, people, settings):
    """Test the terms of a model for one family of responses.

    Returns
    -------
    FamilyTests
    """
    values = family.values.reindex(people.index).dropna(axis="columns", how="all").dropna(axis="index")
    people = people.loc[values.index]
    if values.empty:
        return FamilyTests()
    try:
        design = make_design(model, people)
    except InputError as error:
        return FamilyTests(notes=[f"{family.quantity} {family.columns[0]['variable']}: {error}"])
    described = [family.columns[family.values.columns.get_loc(name)] for name in values.columns]
    shared = {"quantity": family.quantity, "method": method_of(model)}
    shared |= {"n": people[PERSON].nunique(), "n_observations": len(people)}
    clusters, blocks = (_column(model, key, people) for key in ("random", "blocks"))
    count, notes = permutation_count(settings, len(described))
    exchange = {"blocks": blocks, "whole": model["exchange"] == "whole"}
    permutations = choose_permutations(design.matrix, count, settings["seed"], clusters=clusters, **exchange)
    tested = FamilyTests(notes=[] if permutations.exhaustive else notes)
    for contrast in design.contrasts:
        used = permutations if is_movable(design.matrix[:, contrast.columns], **exchange) else None
        named, numbers = contrast_numbers(
            contrast, design, values.to_numpy(), used, clusters, settings["threads"]
        )
        if used is not None:
            tested.permutations.append(used)
        elif np.isfinite(numbers["p"]).any():
            tested.notes.append(f"{contrast.term} has no permutation p: {UNMOVED}")
        tested.rows.extend(
            {**shared, **response, **named, **{name: column[number] for name, column in numbers.items()}}
            for number, response in enumerate(described)
        )
    return tested


def permutation_count(settings, responses):
    """Number of permutations with which one response can be significant after correction over all fits.

    Returns
    -------
    int
        The stated number, or more.
    list of str
        What is to be told if it is more.
    """
    stated, responses = settings["permutations"], responses * settings["fits"]
    fewest = responses * max(FEWEST_PER_RESPONSE, ceil(1.0 / settings["alpha"]))
    if stated >= fewest:
        return stated, []
    told = f"statistics.permutations: {stated} cannot make one of {responses} responses significant after "
    return fewest, [f"{told}correction, {fewest} were used"]


def contrast_numbers(contrast, design, values, permutations, clusters, threads):
    """Test one contrast for all responses: what it is, and columns of numbers by name.

    Without permutations, which is where none changes the term, there are no p values of theirs.
    """
    matrix, columns = design.matrix, list(contrast.columns)
    found = term_test(matrix, columns, values, contrast.two_levels, clusters)
    p, p_familywise, smallest = np.full((3, values.shape[1]), np.nan)
    if permutations is not None:
        orders = permutations.orders
        p, p_familywise = permutation_test(matrix, columns, values, orders, clusters, threads)
        least = smallest_p(matrix, columns, orders) if permutations.exhaustive else 1 / (1 + len(orders))
        smallest = np.where(np.isfinite(p), least, np.nan)
    named = {"term": contrast.term, "contrast": contrast.name}
    return named | {"effect": found.effect, "df_term": found.df_term}, {
        **{name: getattr(found, name) for name in NUMBERS},
        "p_permutation": p,
        "p_permutation_fwe": p_familywise,
        "p_permutation_smallest": smallest,
    }


def _column(model, key, people):
    """Names of clusters or blocks, None where the model has none."""
    return None if model[key] is None else people[model[key]].map(str).to_numpy()
