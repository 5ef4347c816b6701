"""Node tables from the files that name the parcels of an atlas."""

import re
from collections import Counter

from cubnm_core.errors import InputError
from workflow_scripts.atlases import alignment
from workflow_scripts.atlases.families import SIDES, place
from workflow_scripts.atlases.sources import read_parcels
from workflow_scripts.readers.background import is_node

STRUCTURES = ("cortex", "subcortex", "cerebellum", "brainstem")


SIDED = re.compile(r"(L|R|LH|RH|Left|Right)[_ .-]", re.IGNORECASE)
OPTIONAL = ("network", "x", "y", "z")


def make_nodes(paths, structures=("cortex",), structure=None):
    """Make the rows of a node table.

    What the files say of a parcel counts first, then what its name says by the rules of its parcellation.

    Parameters
    ----------
    paths : sequence of str
        As of :func:`workflow_scripts.atlases.sources.read_parcels`.
    structures : sequence of str
        What the model shall hold; parcels elsewhere are dropped.
    structure : str, optional
        Of the parcels of which neither file nor name says it: the user's word.

    Returns
    -------
    rows : list of dict
        ``index``, ``label``, ``hemisphere``, ``structure``, and ``network``, ``x``, ``y``, ``z`` where known.
    dropped : list of dict
        ``label`` and ``reason``.

    Raises
    ------
    InputError
        If hemisphere or structure of a parcel cannot be told, labels are double, or no parcel is left.
    """
    return node_rows(read_parcels(paths), ", ".join(map(str, paths)), structures, structure)


def node_rows(parcels, source, structures=("cortex",), structure=None):
    """Make the rows of a node table of parcels that are known already; the rest as :func:`make_nodes`.

    Parameters
    ----------
    parcels : iterable of workflow_scripts.atlases.sources.Parcel
        In order.
    source : str
        Where they come from, for the messages.
    """
    rows, dropped, parcels = [], [], list(parcels)
    sided = all(SIDED.match(parcel.label.strip()) for parcel in parcels if is_node(parcel.label))
    for parcel in parcels:
        if not is_node(parcel.label):
            dropped.append({"label": parcel.label, "reason": "background or medial wall"})
            continue
        row = _row(parcel, structure, sided)
        if row["structure"] is not None and row["structure"] not in structures:
            dropped.append({"label": parcel.label, "reason": f"{row['structure']} is not modelled"})
        else:
            rows.append(row)
    _check(rows, source, structures)
    return [{"index": index, **row} for index, row in enumerate(rows)], dropped


def _row(parcel, structure, sided):
    """Put together what the file and the name say of a parcel; its side where all names begin with theirs."""
    told = place(parcel.label)
    known = {name: getattr(parcel, name) for name in ("hemisphere", "structure", "network", "x", "y", "z")}
    known["hemisphere"] = known["hemisphere"] or told.hemisphere
    if known["hemisphere"] is None and sided:
        known["hemisphere"] = SIDES[SIDED.match(parcel.label.strip())[1].lower()]
    known["structure"] = known["structure"] or told.structure or structure
    known["network"] = told.network or known["network"]
    return {"label": parcel.label, **known}


def _check(rows, source, structures):
    """Refuse a table that would leave something to guess."""
    if len(rows) < 2:
        raise InputError(
            f"{source}: {len(rows)} parcels of {', '.join(structures)}; a network has at least 2"
        )
    for what, remedy in (
        ("hemisphere", "give a table with a column hemisphere (L, R or B)"),
        ("structure", "state it with --structure, or in a column structure"),
    ):
        open_ = [row["label"] for row in rows if row[what] is None]
        if open_:
            shown = ", ".join(open_[: alignment.SHOWN])
            raise InputError(
                f"{source}: the {what} of {len(open_)} of {len(rows)} parcels cannot be told from file or "
                f"name ({shown}); {remedy}"
            )
    words = Counter(alignment.normalise(row["label"]) for row in rows)
    double = [word for word, count in words.items() if count > 1]
    if double:
        raise InputError(f"{source}: parcels with the same name ({', '.join(double[: alignment.SHOWN])})")
