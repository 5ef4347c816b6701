"""Entry ``combat`` of a statistical model: sites between which ComBat harmonises, and its conditions."""

from cubnm_core.errors import InputError
from workflow_scripts.configuration import formulas

FEWEST_PER_SITE = 10
SITES_AS_TERMS = "the site in the formula, or under random, needs neither"


def check(model, rows, place):
    """List why ComBat cannot be used.

    Parameters
    ----------
    model : dict
        A statistical model, completed, whose columns exist.
    rows : list of dict
        Of the participants table; empty where nobody knows them yet.
    place : str
        Of the model in the configuration.

    Returns
    -------
    list of str
    """
    column = model["combat"]
    if column is None:
        return []
    found = []
    if "states" not in model["quantities"]:
        found.append(
            "it harmonises regional states only, and quantities has none; add states, or leave combat out"
        )
    if model["random"] not in (None, column):
        found.append(
            f"it knows no random intercept for {model['random']}; leave combat out, or take this one out "
            "of random"
        )
    if model["blocks"] not in (None, column) or model["exchange"] == "whole":
        found.append(
            f"its permutations exchange people within {column} and know no other blocks; leave combat out, "
            "or blocks and exchange"
        )
    sites = {row["participant_id"]: str(row[column]) for row in rows if row.get(column) is not None}
    levels = {name: _levels(name, rows) for name in tested_columns(model)}
    try:
        if sites:
            check_sites(list(sites.values()), column)
        for name, level in levels.items():
            if name != column:
                check_separable([(sites[one], level[one]) for one in sites if one in level], name, column)
    except InputError as error:
        found.append(str(error))
    return [f"{place}.combat: {text}" for text in found]


def tested_columns(model):
    """Columns that are tested terms on their own."""
    terms = formulas.parse(model["formula"])
    return [name for name in formulas.tested_terms(model, terms) if name in formulas.variables(terms)]


def _levels(name, rows):
    """Value of a column by participant."""
    return {row["participant_id"]: str(row[name]) for row in rows if row.get(name) is not None}


def check_sites(sites, column):
    """Refuse sites that are too few or too small to be harmonised.

    Parameters
    ----------
    sites : sequence of str
        Of every person.
    column : str
        Where they stand.

    Raises
    ------
    InputError
    """
    counts = {site: sites.count(site) for site in sorted(set(sites))}
    if len(counts) < 2:
        raise InputError(f"ComBat needs two sites or more, and {column} names one; leave combat out")
    small = [f"{site} ({count})" for site, count in counts.items() if count < FEWEST_PER_SITE]
    if small:
        raise InputError(
            f"ComBat needs {FEWEST_PER_SITE} people of every {column}, and there are fewer of "
            f"{', '.join(small)}; "
            "put sites with the same scanner and protocol together, leave these people out, or leave "
            "combat out: "
            f"{SITES_AS_TERMS}"
        )


def check_separable(pairs, term, column):
    """Refuse a factor whose levels do not occur together at any site.

    Parameters
    ----------
    pairs : sequence of (str, str)
        Site and level of every person.
    term, column : str
        Names of factor and sites, for the message.

    Raises
    ------
    InputError
    """
    at_site = {}
    for site, level in pairs:
        at_site.setdefault(site, set()).add(level)
    if at_site and all(len(levels) == 1 for levels in at_site.values()):
        raise InputError(
            f"{term} is confounded with {column}: no site has people of two levels of {term}, so no method "
            "can "
            f"tell an effect of {term} from one of the site; add people of both at one site, or leave "
            "combat out"
        )
