"""Haemodynamic constants: as users state them, as jobs and fingerprints hold them, as simulations get them.

Jobs and fingerprints hold numbers, so that nothing goes on from results of other constants. The two sets that
there were at first stand for theirs under the names they had then: their results and histories stand.
"""

from cubnm_core.errors import InputError
from workflow_scripts.configuration.messages import suggestion

# Set -> what jobs and fingerprints have always held for its numbers; never changes.
_FIRST = {"cubnm-1.5T": "friston2003", "cubnm-3T": "heinzle2016-3T"}
_PLACEHOLDER = 0.5  # a value that every constant can have


def settle(stated, place):
    """Turn constants as stated into what jobs are told.

    Parameters
    ----------
    stated : str or dict
        Name or mapping; see :func:`cubnm_core.equations.hemodynamics.hemodynamic_constants`. A constant may
        be ``{column: NAME}`` of the table of maps.
    place : str
        In the configuration, for the messages.

    Returns
    -------
    str or dict
        The numbers of all constants, and columns as stated; for a first set the name that stands for it.

    Raises
    ------
    InputError
        For what is unknown, missing or cannot be.
    """
    from cubnm_core.equations.hemodynamics import HEMODYNAMICS, RETIRED, hemodynamic_constants, retirement

    if isinstance(stated, str) and stated in RETIRED:
        raise InputError(f"{place}: {retirement(stated)}")
    if isinstance(stated, str) and stated not in HEMODYNAMICS:
        raise InputError(f"{place}: unknown name {stated!r}{suggestion(stated, HEMODYNAMICS)}")
    try:
        found = hemodynamic_constants(_without_columns(stated))
    except InputError as error:
        raise InputError(f"{place}: {str(error).removeprefix('hemodynamics: ')}") from None
    return {**found, **columns(stated)} if columns(stated) else identity(found)


def _without_columns(stated):
    """Put a number in the place of every column, and refuse what else holds several values."""
    if isinstance(stated, str):
        return stated
    lists = [name for name, value in stated.items() if isinstance(value, (list, tuple))]
    if lists:
        raise InputError(
            f"{', '.join(lists)}: a list does not say which region is which; write {lists[0]}: "
            "{column: NAME} of the table of maps (maps.path)"
        )
    named = columns(stated)
    for name, value in stated.items():
        if isinstance(value, dict) and (set(value) != {"column"} or not isinstance(value["column"], str)):
            raise InputError(f"{name}: {value!r} is no number and no {{column: NAME}} of the table of maps")
    if "rho" in named and ("field_strength" in stated or "echo_time" in stated):
        raise InputError(
            "rho differs between regions, and k1 and k2 follow from it: state k1, k2 and k3 instead of "
            "field_strength and echo_time"
        )
    return {name: _PLACEHOLDER if name in named else value for name, value in stated.items()}


def columns(constants):
    """Constants that are columns of the table of maps: dict of str to dict, empty without any."""
    stated = constants.items() if isinstance(constants, dict) else ()
    return {name: value for name, value in stated if isinstance(value, dict)}


def identity(constants):
    """Give what stands for constants in fingerprints and jobs: a name of the first sets, else the numbers.

    Parameters
    ----------
    constants : dict or None
        Of numbers and arrays; None without haemodynamics.

    Returns
    -------
    str, dict or None
    """
    from cubnm_core.equations.hemodynamics import name_of

    return constants if constants is None else _FIRST.get(name_of(constants), constants)


def constants(settled):
    """Give the constants that simulations get.

    Parameters
    ----------
    settled : str, dict or None
        As returned by :func:`settle`, or the name of a set.

    Returns
    -------
    dict or None
        None without haemodynamics. Columns stand as they are: see
        :func:`workflow_scripts.cohort.regional_constants.with_regional_constants`.
    """
    from cubnm_core.equations.hemodynamics import hemodynamic_constants

    if not isinstance(settled, str):
        return None if settled is None else dict(settled)
    names = {first: name for name, first in _FIRST.items()}
    return hemodynamic_constants(names.get(settled, settled))


def set_name(settled):
    """Name the set whose numbers constants are; None for others, and without haemodynamics."""
    from cubnm_core.equations.hemodynamics import name_of

    found = constants(settled)
    return None if found is None or columns(found) else name_of(found)
