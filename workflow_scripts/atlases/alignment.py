"""Bringing the rows and columns of a file into the order of the node table, by label, never by number."""

import re
from collections import Counter
from difflib import get_close_matches

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.atlases.families import SIDES, place, schaefer_networks

SHOWN = 5
ABSENT = -1
SCHAEFER_SIZES = range(100, 1001, 100)
SIDE_WORD = re.compile(r"(?<![a-z])(lh|rh|left|right|l|r)(?![a-z])")
SUSPICIOUS = 0.1  # how much larger a value between partners must be in another order to say so


def normalise(label):
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


def order(labels, n_found, nodes, row, largest_missing=0.0):
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
    largest_missing : float
        Share of the nodes that the file may lack.

    Returns
    -------
    places : ndarray (N,) of int
        Place in the file of every node; -1 for a node that the file lacks.
    unused : int
        Number of labels of the file that the node table does not have.

    Raises
    ------
    InputError
        If too many labels are missing, or labels are double or unknown, and the user has not vouched for the
        order.
    """
    place, vouched = row["path"], row["assume_order"]
    if labels is not None:
        where = {normalise(label): number for number, label in enumerate(labels)}
        places = np.array([where.get(normalise(node), ABSENT) for node in nodes])
        n_absent = np.count_nonzero(places == ABSENT)
        allowed = 0.0 if vouched is not None and n_found == len(nodes) else largest_missing
        problem = _mismatch(labels, nodes, n_absent, allowed)
        if problem is None:
            return places, n_found - int(np.count_nonzero(places != ABSENT))
        if vouched is None or _other_networks(labels, nodes):
            raise InputError(f"{place}: {problem}; correct the labels of the file or of the node table")
    elif vouched is None:
        raise InputError(
            f"{place}: the file names no nodes, and {n_found} of them against {len(nodes)} in the node "
            "table says nothing "
            "about their order; give a file with labels, or vouch for the order in the manifest's column "
            "assume_order"
        )
    _check_vouched(place, vouched, n_found, nodes)
    return np.arange(n_found), 0


def _check_vouched(place, vouched, n_found, nodes):
    """Refuse a word on the order that the numbers, or its own name, contradict."""
    if n_found != len(nodes):
        raise InputError(
            f"{place}: {n_found} nodes, but the node table has {len(nodes)}, so assume_order ({vouched}) "
            "cannot hold"
        )
    stated = re.search(r"(?<!\d)(17|7)[\s_-]*net", vouched.lower())
    networks = schaefer_networks(nodes)
    if stated and networks is not None and int(stated.group(1)) != networks:
        raise InputError(
            f"{place}: assume_order says {vouched}, but the node table has the {networks}-network order of "
            "the Schaefer parcellation: as many nodes in another order; give the node table of the file"
        )


def _mismatch(labels, nodes, n_absent, largest_missing):
    """Say why labels cannot be matched with the node table, or None if they can."""
    found, wanted = [normalise(label) for label in labels], [normalise(node) for node in nodes]
    for name, words in (("the file", found), ("the node table", wanted)):
        double = [word for word, count in Counter(words).items() if count > 1]
        if double:
            return f"labels of {name} appear twice: {_shorten(double)}"
    absent = [node for node, word in zip(nodes, wanted, strict=True) if word not in set(found)]
    unknown = [label for label, word in zip(labels, found, strict=True) if word not in set(wanted)]
    if n_absent and (release := _other_release(labels, nodes, absent, unknown)):
        return release
    if n_absent <= largest_missing * len(nodes):
        return None
    if _other_networks(labels, nodes):
        return (
            f"the file has the {schaefer_networks(labels)}-network order of the Schaefer parcellation, the "
            f"node table the {schaefer_networks(nodes)}-network order: as many parcels, but others under the "
            "same number, so assume_order cannot help; give the node table of the file"
        )
    return (
        f"{len(absent)} of the {len(nodes)} nodes of the node table have no label in the file "
        f"({_shorten(absent)}); "
        f"labels of the file that the table does not have: {_shorten(unknown) if unknown else 'none'}"
        f"{_misspelt(absent, unknown)}"
    )


def _other_networks(labels, nodes):
    """Say whether file and node table have different orders of the Schaefer parcellation."""
    networks = schaefer_networks(labels), schaefer_networks(nodes)
    return None not in networks and networks[0] != networks[1]


def _other_release(labels, nodes, absent, unknown):
    """Say that a file has the names of another release of the Schaefer parcellation; None if it has not.

    Releases, and finer or coarser divisions, share most names, in part for other parcels, so a few names that
    differ are no missing parcels. A complete parcellation lacks none of its own names: it tells by one name.
    """
    absent, unknown = _of_schaefer(absent), _of_schaefer(unknown)
    if not absent or _other_networks(labels, nodes):
        return None
    n_found, n_wanted = len(_of_schaefer(labels)), len(_of_schaefer(nodes))
    complete = n_found in SCHAEFER_SIZES or (n_wanted in SCHAEFER_SIZES and unknown)
    if not complete and not (unknown and n_found == n_wanted):
        return None
    return (
        f"the names seem to be those of another release of the Schaefer parcellation (2018 or later), or of "
        f"another number of parcels ({n_found} in the file, {n_wanted} in the node table), in which one name "
        f"can stand for another parcel: the file does not have {_shorten(absent)}, the table does not have "
        f"{_shorten(unknown) if unknown else 'none'}; make the node table from the atlas of the files"
    )


def _of_schaefer(labels):
    """Keep the names of the Schaefer parcellation."""
    return [label for label in labels if place(label).family == "Schaefer"]


def _misspelt(absent, unknown):
    """Name an unknown label that is nearly a missing one."""
    near = get_close_matches(absent[0], unknown, n=1, cutoff=0.8) if unknown else []
    return f" (is {near[0]} meant to be {absent[0]}?)" if near else ""


def _shorten(words):
    """Name the first few of many."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def partners(nodes):
    """Find the nodes with the same name in both hemispheres.

    Parameters
    ----------
    nodes : sequence of str
        Labels.

    Returns
    -------
    ndarray (pairs, 2) of int
        Places of the left and of the right node.
    """
    sides = {}
    for number, node in enumerate(nodes):
        words = normalise(node)
        found = SIDE_WORD.search(words.replace("_", " "))
        if found:
            base = words[: found.start()] + "*" + words[found.end() :]
            sides.setdefault(base, {})[SIDES[found.group(1)]] = number
    pairs = [(both["L"], both["R"]) for both in sides.values() if len(both) == 2]
    return np.array(pairs, dtype=int).reshape(-1, 2)


def suspicion(similarity, nodes):
    """Look whether a file whose order was vouched for has its hemispheres in another order.

    Partners in both hemispheres are strongly connected, in FC above all. If they are not in the order of the
    node table, but would be if the file held left and right in turn (as AAL does), or all left before all
    right nodes, then the word on the order is likely wrong.

    Parameters
    ----------
    similarity : (N, N) array
        Of the file in its own order, such as its FC.
    nodes : sequence of str
        Labels of the node table.

    Returns
    -------
    str or None
        A warning.
    """
    pairs = partners(nodes)
    if 2 * len(pairs) != len(nodes):
        return None
    half = len(pairs)
    others = {
        "left and right in turn": np.arange(2 * half).reshape(half, 2),
        "all nodes of one hemisphere before those of the other": np.arange(2 * half).reshape(2, half).T,
    }
    stated = similarity[tuple(pairs.T)].mean()
    for words, other in others.items():
        found = similarity[tuple(other.T)].mean()
        if found > stated + SUSPICIOUS:
            return (
                f"partners in both hemispheres correlate {stated:.2f} in the order that was vouched for, but "
                f"{found:.2f} if the file holds {words}; check assume_order"
            )
    return None
