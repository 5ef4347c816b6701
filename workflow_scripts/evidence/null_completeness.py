"""Whose rows the tables of null models must hold: every fitted person, null model, split and measure."""

from cubnm_core.evidence.nulls import OTHER_CONNECTOME, REWIRED
from workflow_scripts.evidence import null_models
from workflow_scripts.files.damage import told_as_damage
from workflow_scripts.files.job import MISSING
from workflow_scripts.files.result_tables import filled, read_texts
from workflow_scripts.fitting.completeness import UNIT, refuse

MODEL = ["null", "refitted", "index"]
PIECE = ["split", "measure"]


def is_asked(settings):
    """Say whether there are null models at all, given section ``evaluation.nulls``."""
    return bool(settings["kinds"]) and bool(settings["count"] or settings["refits"])


def check_nulls(path, table, units, fits, refits, count):
    """Refuse a table of the scores of null models that lacks somebody or something.

    Parameters
    ----------
    path : path
    table : pandas.DataFrame
        As text. One of a former version, without notes, may leave people out.
    units : list of workflow_scripts.cohort.units.Unit
        Of the batch.
    fits : pandas.DataFrame
        Table of fits of the batch.
    refits : set of (participant_id, session_id, kind, index)
        Null models whose own fit ended well.
    count : int
        Null models of every kind with the fitted parameters.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
    """
    with told_as_damage(path, "it is no table of null models"):
        keys = [*UNIT, *MODEL, *PIECE]
        twice = table[table.duplicated(keys)]
        present = set(map(tuple, table[UNIT].to_numpy()))
        models = _models(table[table["null"] != MISSING])
        pieces = {key: _pieces(rows) for key, rows in filled(table).groupby(UNIT, sort=False)}
    refuse(path, [" ".join(key) for key in twice[keys].to_numpy()], "rows twice")
    known = {unit.key for unit in units}
    refuse(path, [" ".join(key) for key in present if key not in known], "rows, but no place in this batch")
    if "note" in table:
        fitted = set(map(tuple, fits[fits["selected"] == "True"][UNIT].to_numpy()))
        lost = [unit for unit in units if unit.key in fitted - present]
        refuse(path, lost, "no scores, and no reason")
    kinds = {null for mine in models.values() for null, refitted, _ in mine if refitted == "False"}
    wanted = {(kind, "False", str(number)) for kind in kinds - {null_models.OWN} for number in _count(count)}
    wanted.add((null_models.OWN, "False", "0"))
    others = max((int(model[2]) for mine in models.values() for model in mine if _is_other(model)), default=0)
    for key, mine in models.items():
        fitted_again = {
            (kind, "True", index)
            for *who, kind, index in refits
            if tuple(who) == key and (kind != OTHER_CONNECTOME or int(index) <= others)
        }
        lost = [" ".join((*key, *model)) for model in sorted((wanted | fitted_again) - mine)]
        refuse(path, lost, "no scores, and no reason")
    for key, mine in pieces.items():
        whole = set().union(*mine.values())
        short = [" ".join((*key, *model)) for model, found in mine.items() if found != whole]
        refuse(path, short, "not every split and measure")


def check_rewiring(path, table, scores):
    """Refuse a table of rewired connectomes without a row for each of those that were scored.

    Parameters
    ----------
    path : path
    table, scores : pandas.DataFrame
        As text; `scores` is the table of null models of the same batch and fit.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
    """
    keys = [*UNIT, "refitted", "index"]
    rewired = scores[scores["null"] == REWIRED]
    with told_as_damage(path, "it is no table of rewired connectomes"):
        twice = table[table.duplicated(keys)]
        found = set(map(tuple, table[keys].to_numpy()))
    wanted = dict.fromkeys(map(tuple, rewired[keys].to_numpy()))
    refuse(path, [" ".join(key) for key in twice[keys].to_numpy()], "rows twice")
    refuse(path, [" ".join(key) for key in wanted if key not in found], "no row")
    refuse(path, [" ".join(key) for key in found if key not in wanted], "a row, but no scores")


def read_refits(paths):
    """Read which null models have a fit of their own: set of (participant_id, session_id, kind, index)."""
    found = set()
    for path in paths:
        table = read_texts(path)
        with told_as_damage(path, "it is no table of fits of null models"):
            chosen = table[table["selected"] == "True"]
            found |= set(map(tuple, chosen[[*UNIT, "null", "index"]].to_numpy()))
    return found


def _models(table):
    return {key: set(map(tuple, rows[MODEL].to_numpy())) for key, rows in table.groupby(UNIT, sort=False)}


def _pieces(rows):
    return {key: set(map(tuple, mine[PIECE].to_numpy())) for key, mine in rows.groupby(MODEL, sort=False)}


def _count(count):
    return range(1, count + 1)


def _is_other(model):
    return model[0] == OTHER_CONNECTOME and model[1] == "True"
