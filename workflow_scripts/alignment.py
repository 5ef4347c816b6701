"""Bringing the rows and columns of a file into the order of the node table, by label, never by number."""

import re
from collections import Counter

import numpy as np

from cubnm_core.errors import InputError

SHOWN = 5


def normalised(label):
    """Give the form in which labels are compared.

    Case, and whether words are parted by blanks, hyphens, dots or underscores, does not count, nor does the
    prefix ``7Networks_`` of the Schaefer parcellation. The prefix ``17Networks_`` does: it is another order.

    Parameters
    ----------
    label : str

    Returns
    -------
    str
    """
    words = re.sub(r"[\s\-.]+", "_", label.strip().strip("'\"").lower())
    return words.removeprefix("7networks_")


def order(labels, n_found, nodes, row):
    """Find where the nodes stand in a file.

    Parameters
    ----------
    labels : sequence of str, or None
        Names that the file carries along one axis.
    n_found : int
        Length of that axis.
    nodes : sequence of str
        Labels of the node table.
    row : dict
        Of the manifest: ``path`` and ``assume_order``.

    Returns
    -------
    places : ndarray (N,) of int
        Place in the file of every node.
    unused : int
        Number of labels of the file that the node table does not have.

    Raises
    ------
    InputError
        If labels are missing, double or unknown and the user has not vouched for the order.
    """
    place, vouched = row["path"], row["assume_order"]
    if labels is not None:
        problem = _mismatch(labels, nodes)
        if problem is None:
            where = {normalised(label): number for number, label in enumerate(labels)}
            return np.array([where[normalised(node)] for node in nodes]), n_found - len(nodes)
        if vouched is None:
            raise InputError(f"{place}: {problem}; correct the labels of the file or of the node table")
    elif vouched is None:
        raise InputError(
            f"{place}: the file names no nodes, and {n_found} of them against {len(nodes)} in the node "
            "table says nothing "
            "about their order; give a file with labels, or vouch for the order in the manifest's column "
            "assume_order"
        )
    if n_found != len(nodes):
        raise InputError(
            f"{place}: {n_found} nodes, but the node table has {len(nodes)}, so assume_order ({vouched}) "
            "cannot hold"
        )
    return np.arange(n_found), 0


def _mismatch(labels, nodes):
    """Say why labels cannot be matched with the node table, or None if they can."""
    found, wanted = [normalised(label) for label in labels], [normalised(node) for node in nodes]
    for name, words in (("the file", found), ("the node table", wanted)):
        double = [word for word, count in Counter(words).items() if count > 1]
        if double:
            return f"labels of {name} appear twice: {_shortened(double)}"
    absent = [node for node, word in zip(nodes, wanted, strict=True) if word not in set(found)]
    if not absent:
        return None
    unknown = [label for label, word in zip(labels, found, strict=True) if word not in set(wanted)]
    return (
        f"{len(absent)} of the {len(nodes)} nodes of the node table have no label in the file "
        f"({_shortened(absent)}); "
        f"labels of the file that the table does not have: {_shortened(unknown) if unknown else 'none'}"
    )


def _shortened(words):
    """Name the first few of many."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
