"""Sensitivity analysis by ComBat: regional states harmonised between sites, anew in every permutation."""

from dataclasses import replace

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.statistics.combat import harmonised_test
from cubnm_core.statistics.exchange import choose_permutations, is_movable
from cubnm_core.statistics.linear_models import term_test
from workflow_scripts.configuration import combat_sites
from workflow_scripts.statistics import term_tests
from workflow_scripts.statistics.designs import make_design

SAMPLE, METHOD = "combat", "combat"
FEWEST = 999  # permutations; each fits ComBat anew
SHOWN = ("estimate", "effect_size")


def run_model(model, families, people, left_out, settings):
    """Test the terms of a model on harmonised regional states.

    Parameters
    ----------
    model, people, left_out, settings
        As of :func:`workflow_scripts.statistics.term_tests.run_model`; the model names a column for ComBat.
    families : list of workflow_scripts.statistics.responses.Family
        Only those of states count.

    Returns
    -------
    rows : list of dict
        Without the ordinary p, standard errors and intervals, which ignore that sites were estimated.
    summary : dict
    """
    families = [family for family in families if family.quantity == "state"]
    families, left_out = term_tests.of_people(model, families, people), dict(left_out)
    people = term_tests.sample_of({**model, "blocks": model["combat"]}, people, left_out)
    rows, notes, used = [], [], []
    for family in families:
        try:
            found, permutations = _family_rows(model, family, people, settings)
        except InputError as error:
            notes.append(str(error))
        else:
            rows += found
            used.append(permutations)
    exchanged = {**model, "blocks": model["combat"], "exchange": "within", "random": None}
    summary = term_tests.summarise(exchanged, people, left_out, notes, used)
    return rows, {**summary, "method": METHOD}


def _family_rows(model, family, people, settings):
    """Rows of a state, and the permutations that were used.

    Raises
    ------
    InputError
        If these people cannot be harmonised.
    """
    values = family.values.reindex(people.index).dropna(axis="columns", how="all").dropna(axis="index")
    people = people.loc[values.index]
    column = model["combat"]
    sites = people[column].map(str).to_numpy()
    combat_sites.check_sites(list(sites), column)
    design = without_sites(make_design(model, people), sites, column)
    count, _ = term_tests.permutation_count({**settings, "permutations": FEWEST}, values.shape[1])
    permutations = choose_permutations(design.matrix, count, settings["seed"], blocks=sites)
    described = [family.columns[family.values.columns.get_loc(name)] for name in values.columns]
    shared = {"quantity": family.quantity, "method": METHOD, "n": people[term_tests.PERSON].nunique()}
    shared["n_observations"] = len(people)
    rows = []
    for contrast in design.contrasts:
        named, numbers = _contrast_numbers(contrast, design, values.to_numpy(), sites, permutations, settings)
        rows += [
            {**shared, **response, **named, **{name: found[number] for name, found in numbers.items()}}
            for number, response in enumerate(described)
        ]
    return rows, permutations


def _contrast_numbers(contrast, design, values, sites, permutations, settings):
    """Test one contrast for all regions: what it is, and columns of numbers by name."""
    matrix, columns = design.matrix, list(contrast.columns)
    harmonised, p, p_familywise = harmonised_test(
        matrix, columns, values, sites, permutations.orders, settings["threads"]
    )
    found = term_test(matrix, columns, np.nan_to_num(harmonised), contrast.two_levels)
    known = np.isfinite(p)
    none = np.full(len(p), np.nan)
    smallest = np.where(known, 1.0 / (1.0 + len(permutations.orders)), np.nan)
    named = {
        "term": contrast.term,
        "contrast": contrast.name,
        "effect": found.effect,
        "df_term": found.df_term,
    }
    return named, {
        **dict.fromkeys(term_tests.NUMBERS, none),
        **{name: np.where(known, getattr(found, name), np.nan) for name in SHOWN},
        "p_permutation": p,
        "p_permutation_fwe": p_familywise,
        "p_permutation_smallest": smallest,
    }


def without_sites(design, sites, column):
    """Take the columns of sites out of a design, as ComBat does their work.

    Parameters
    ----------
    design : workflow_scripts.statistics.designs.Design
    sites : (n,) array of str
    column : str
        Name of the sites.

    Returns
    -------
    workflow_scripts.statistics.designs.Design

    Raises
    ------
    InputError
        If a tested term cannot be separated from sites.
    """
    matrix = design.matrix
    member = (sites[:, None] == np.unique(sites)).astype(float)
    kept = [0]
    for place in range(1, matrix.shape[1]):
        with_it = np.hstack([member, matrix[:, [*kept[1:], place]]])
        if np.linalg.matrix_rank(with_it) == with_it.shape[1]:
            kept.append(place)
    contrasts = []
    for contrast in design.contrasts:
        if contrast.term == column:
            continue
        columns = matrix[:, contrast.columns]
        if not set(contrast.columns) <= set(kept) or not is_movable(columns, blocks=sites):
            raise InputError(
                f"{contrast.term} is confounded with {column}: it does not vary within any of them, so no "
                "method "
                f"can tell its effect from one of {column}; add people of both kinds at one {column}"
            )
        contrasts.append(replace(contrast, columns=tuple(kept.index(place) for place in contrast.columns)))
    if not contrasts:
        raise InputError(f"ComBat takes {column} out, so no effect of {column} can be tested")
    return replace(design, matrix=matrix[:, kept], contrasts=contrasts)
