"""Whose rows a table must hold: a person is a row or an exclusion, and never absent.

Tables that lost lines look like whole ones. Whoever reads them knows the units, fits, restarts and splits
that must be there, and says which table is not whole.
"""

from itertools import product

import pandas as pd

from cubnm_core.measures.comparison import FCD_TERMS
from workflow_scripts.cohort.units import Unit
from workflow_scripts.files.damage import Damaged, told_as_damage
from workflow_scripts.files.job import MISSING
from workflow_scripts.files.result_tables import filled, read_texts
from workflow_scripts.fitting.scoring import KEYS

SHOWN = 5  # names in a message
UNIT = list(KEYS[:2])


def read_batches(fits, batches, paths):
    """Read the tables of all batches, one after the other.

    Parameters
    ----------
    fits : iterable of str
    batches : dict of str to list of str
        Batch to its units.
    paths : sequence of path
        One for every fit and batch; the batches change fastest.

    Yields
    ------
    fit, batch : str
    path
    table : pandas.DataFrame
        As text.
    """
    for (fit, batch), path in zip(product(fits, batches), paths, strict=True):
        yield fit, batch, path, read_texts(path)


def check_fits(path, table, fit, units, restarts):
    """Refuse a table of fits without a row for every unit and restart.

    Parameters
    ----------
    path : path
    table : pandas.DataFrame
        As text.
    fit : str
    units : list of workflow_scripts.cohort.units.Unit
        Of the batch.
    restarts : int

    Raises
    ------
    Damaged
    """
    with told_as_damage(path, "it is no table of fits"):
        others = table[table["fit"] != fit]
        rows = {key: part for key, part in table.groupby(UNIT, sort=False)}
    refuse(path, others["fit"].tolist(), "rows of another fit")
    refuse(path, [unit for unit in units if unit.key not in rows], "no row")
    known = {unit.key for unit in units}
    refuse(path, [" ".join(key) for key in rows if key not in known], "rows, but no place in this batch")
    whole = [str(number) for number in range(restarts)]
    short = [unit for unit in units if not _has_restarts(rows[unit.key], whole)]
    refuse(path, short, f"not one row for each of {restarts} restarts")
    unchosen = [unit for unit in units if not _is_chosen(rows[unit.key])]
    refuse(path, unchosen, "fits, and not one that was selected")


def _has_restarts(rows, whole):
    found = rows["restart"].tolist()
    return sorted(found, key=lambda text: (len(text), text)) == whole or (
        found == [MISSING] and rows["status"].iloc[0] in ("excluded", "failed")
    )


def _is_chosen(rows):
    """Say whether one restart was selected where any has ended well, and none elsewhere."""
    ended = rows[rows["status"] == "ok"]
    is_known = rows["status"].isin(["ok", "failed", "excluded"]).all()
    is_chosen = rows["selected"].eq("True").sum() == min(len(ended), 1) == ended["selected"].eq("True").sum()
    return is_known and is_chosen


def check_convergence(path, table, fits):
    """Refuse a table without a row for every generation that the table of fits counts."""
    keys = [*UNIT, "restart"]
    with told_as_damage(path, "it is no table of convergence"):
        found = table.groupby(keys)["generation"].apply(lambda rows: sorted(map(int, rows))).to_dict()
        searched = fits[fits["generations"] != MISSING]
        counts = searched["generations"].astype(int)
        stated = dict(zip(map(tuple, searched[keys].to_numpy()), counts, strict=True))
    lost = [key for key, count in stated.items() if found.get(key) != list(range(count))]
    refuse(path, [" ".join(key) for key in lost], "not one row for every generation")


def check_scores(path, table, fits, scanned):
    """Refuse a table of scores without every fitted unit, split and measure.

    Parameters
    ----------
    path : path
    table : pandas.DataFrame
        As text. One of a former version, without notes, may leave people and splits out.
    fits : pandas.DataFrame
        Table of fits of the batch.
    scanned : set of (participant_id, session_id, split)
        Who has usable scans of which split, as they stand in tables.

    Raises
    ------
    Damaged
    """
    with told_as_damage(path, "it is no table of scores"):
        pd.to_numeric(table.loc[table["mean"] != MISSING, "mean"])
        found = {key: set(rows["measure"]) for key, rows in filled(table).groupby([*UNIT, "split"])}
        present = set(map(tuple, table[[*UNIT, "split"]].to_numpy()))
    if "note" in table:
        fitted = set(map(tuple, fits[fits["selected"] == "True"][UNIT].to_numpy()))
        wanted = [scan for scan in sorted(scanned) if scan[:2] in fitted]
        refuse(path, [" ".join(key) for key in wanted if key not in present], "no scores, and no reason")
    measures = set().union(*found.values(), {"cost"} if found else ()) - set(FCD_TERMS)
    short = [" ".join(key) for key, mine in found.items() if not measures <= mine]
    refuse(path, short, f"not all of {', '.join(sorted(measures))}")


def check_regions(path, table, evaluation, labels, variables):
    """Refuse a table of regions without every scored unit, variable and node.

    Parameters
    ----------
    path : path
    table : pandas.DataFrame
        As text.
    evaluation : pandas.DataFrame
        Scores of the batch.
    labels : list of str
        Nodes of the analysis.
    variables : set of str
        That others of this fit have.

    Raises
    ------
    Damaged
    """
    with told_as_damage(path, "it is no table of regions"):
        rows = {key: part for key, part in table.groupby(UNIT, sort=False)}
        whole = sorted(product(variables, labels))
        scored = list(dict.fromkeys(map(tuple, filled(evaluation)[UNIT].to_numpy())))
        short = [key for key in scored if whole and (key not in rows or _places(rows[key]) != whole)]
    what = f"not one row for every variable and each of {len(labels)} nodes"
    refuse(path, [" ".join(key) for key in short], what)


def _places(rows):
    return sorted(zip(rows["variable"], rows["label"], strict=True))


def check_batches(fits, batches, people, paths, wanted):
    """Refuse tables of evidence that lack somebody; former versions, without notes, may leave people out.

    Parameters
    ----------
    fits, batches, paths
        As of :func:`read_batches`.
    people : list of dict
        Units of the cohort, as parameters of rules hold them.
    wanted : set of (participant_id, session_id, fit)
        Who must be there, as they stand in tables.

    Raises
    ------
    Damaged
    """
    keys = {ids["unit"]: Unit.from_record(ids).key for ids in people}
    for fit, batch, path, table in read_batches(fits, batches, paths):
        if "note" in table:
            present = set(map(tuple, table[UNIT].to_numpy()))
            members = [unit for unit in batches[batch] if (*keys[unit], fit) in wanted]
            check_units(path, members, [unit for unit in members if keys[unit] in present])


def check_units(path, units, present):
    """Refuse a table in which units of the cohort are absent.

    Parameters
    ----------
    path : path
    units : iterable of str
        Who must be there.
    present : collection of str

    Raises
    ------
    Damaged
    """
    present = set(present)
    refuse(path, [unit for unit in units if unit not in present], "no row")


def refuse(path, names, what):
    """Raise an error that names a table and those in it with a fault, if there are any."""
    names = list(dict.fromkeys(map(str, names)))
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        verb = "has" if len(names) == 1 else "have"
        raise Damaged(path, f"it is not whole: {', '.join(names[:SHOWN])}{more} {verb} {what}")
