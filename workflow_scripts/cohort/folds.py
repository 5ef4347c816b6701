"""Folds of people: who is held out together, for fits that are scored on people they have not seen."""

from workflow_scripts.cohort.tables import read_participants


def split_people(units, order, count, family_of=None):
    """Part the units of a cohort into folds of people.

    The first person, or family, of `order` goes into fold 0, the next into fold 1, and so on, round and
    round. Whoever comes later stands behind and moves nobody.

    Parameters
    ----------
    units : dict of str to dict
        With ``participant_id``.
    order : sequence of str
        Units in the order in which they joined, those who left included.
    count : int
        Number of folds, at most; 0 for none.
    family_of : dict of str to str, optional
        Participant to family; relatives share a fold, and so do the sessions of a person.

    Returns
    -------
    dict of str to list of str
        Fold, such as ``"0"``, to the units that are held out in it. Only folds that leave people to fit.
    """
    if not count:
        return {}
    family_of, places, folds = family_of or {}, {}, {}
    for unit in [*order, *units]:
        places.setdefault(_kin(unit, units, family_of), len(places))
    for unit in units:
        folds.setdefault(places[_kin(unit, units, family_of)] % count, []).append(unit)
    return {str(fold): folds[fold] for fold in sorted(folds)} if len(folds) > 1 else {}


def _kin(unit, units, family_of):
    """Name the family of a unit, or the person where none is known."""
    person = unit.removeprefix("sub-").partition("_ses-")[0]
    if unit in units:
        person = units[unit]["participant_id"]
    return kin(person, family_of)


def kin(person, family_of):
    """Name the family of a person, or the person where none is known.

    Parameters
    ----------
    person : str
        Participant.
    family_of : dict of str to str
        As of :func:`families`.

    Returns
    -------
    str
    """
    return f"family {family_of[person]}" if person in family_of else f"person {person}"


def families(config):
    """Give the family of every person whose row in the participants table names one.

    Parameters
    ----------
    config : dict
        The completed configuration. The table of a synthetic cohort knows no families.

    Returns
    -------
    dict of str to str
        By participant.
    """
    if config["participants"] is None or config["synthetic"] is not None:
        return {}
    rows = read_participants(config["participants"])
    return {row["participant_id"]: row["family"] for row in rows if row.get("family")}


def group_of(fold):
    """Give the training people of a fold as a unit beside those of people."""
    name = f"fold-{fold}"
    return {"unit": name, "participant_id": name, "session_id": ""}
