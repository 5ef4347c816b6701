"""Names that stand for no parcel: background, medial walls; and lists of names that hold some."""

import re

NOT_A_NODE = re.compile(
    r"(\?\?\?|unknown|unassigned|unlabell?ed|outside|exterior|no[ _-]label|clear[ _-]label|background.*|"
    r".*medial[_ .-]?wall.*|.*corpus[_ ]?callosum|.*unknown|csf|none)",
    re.I,
)


def is_node(label):
    """Say whether a name stands for a parcel, and not for the background or the medial wall."""
    return label.strip() != "" and NOT_A_NODE.fullmatch(label.strip()) is None


def fitting(names, length):
    """Give the names of an axis out of a list without numbers.

    A background has no row in most matrices, but stands in lists: it shifts no name.

    Parameters
    ----------
    names : sequence of str
    length : int
        Of the axis.

    Returns
    -------
    tuple of str or None
        All names, or those of parcels, whichever are as many as the axis is long; None where neither are.
    """
    if len(names) == length:
        return tuple(names)
    parcels = tuple(name for name in names if is_node(name))
    return parcels if len(parcels) == length else None


def left_out(names, found):
    """Name the entries of a list that an axis does not have, for a note; None where it has all."""
    rest = [name for name in names if not is_node(name)] if len(found) < len(names) else []
    return ", ".join(name or "an empty name" for name in rest) or None
