"""Observables of a cohort: what they need to know of its nodes, and how archives name them."""

import re

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.observables.panel import Panel
from cubnm_core.measures.observables.scan import Regions
from workflow_scripts.configuration.analysis import observables_of as observables_named

# How arrays of observables, and of the BOLD of runs, are called in the archives of targets.
OBSERVABLE, BOLD = "observable-", "bold-"
FARTHEST = 20.0  # mm between a region and the mirror image of the one that corresponds to it
# Left and right as parts of labels; parcels of Schaefer et al. are numbered within networks, side by side.
_SIDE = re.compile(r"(?<![a-z])(lh|rh|l|r|left|right)(?![a-z])", re.IGNORECASE)
_NUMBERED = re.compile(r"^\d+Networks_")


def make_panel(nodes, analysis):
    """Make the panel of the observables of an analysis.

    Parameters
    ----------
    nodes : list of dict
        Rows of the node table.
    analysis : dict
        ``pairs``, and ``observables``, names.

    Returns
    -------
    cubnm_core.measures.observables.panel.Panel or None
        None without observables.

    Raises
    ------
    InputError
        If the node table does not say what one of them needs.
    """
    names = observables_named(analysis)
    if not names:
        return None
    problems = problems_of(nodes, names)
    if problems:
        raise InputError("\n".join(problems))
    needed = {OBSERVABLES[name].needs for name in names}
    return Panel(
        names,
        Regions(
            hemispheres=tuple(node["hemisphere"] for node in nodes),
            pairs=analysis["pairs"],
            networks=tuple(node["network"] for node in nodes) if "networks" in needed else None,
            homologues=find_homologues(nodes) if "homologues" in needed else None,
        ),
    )


def observables_of(arrays):
    """Take the observables out of the arrays of a target: dict of str to (K,) array."""
    return {
        name.removeprefix(OBSERVABLE): values
        for name, values in arrays.items()
        if name.startswith(OBSERVABLE)
    }


def problems_of(nodes, names):
    """List what the node table does not say though observables need it."""
    problems = []
    for name in names:
        if OBSERVABLES[name].needs == "networks":
            lacking = [node["label"] for node in nodes if not node.get("network")]
            if lacking:
                problems.append(
                    f"analysis.observables: {name} needs the network of every node, which {lacking[0]} and "
                    f"{len(lacking) - 1} others lack; fill the column network of the node table, or leave "
                    f"{name} out"
                )
        if OBSERVABLES[name].needs == "homologues" and not len(find_homologues(nodes)):
            problems.append(
                f"analysis.observables: {name} needs regions that correspond across hemispheres, and no two "
                "labels differ in their side (lh and rh, L and R, left and right) alone; name them in a "
                f"column homologue of the node table, or leave {name} out"
            )
    return problems


def find_homologues(nodes):
    """Find the regions that correspond to each other across hemispheres.

    Parameters
    ----------
    nodes : list of dict
        Rows of the node table. Those without a label in the column ``homologue`` correspond where labels
        differ in their side alone, unless parcels are merely numbered, and where coordinates, if there are
        any, lie within 20 mm of the mirror image.

    Returns
    -------
    (M, 2) int array
        Places of the left region and the right one.
    """
    stated = any(node.get("homologue") for node in nodes)
    places = {node["label"]: place for place, node in enumerate(nodes)}
    if stated:
        pairs = {
            (place, places[node["homologue"]])
            for place, node in enumerate(nodes)
            if node.get("homologue") in places
        }
        pairs = {tuple(sorted(pair, key=lambda place: nodes[place]["hemisphere"])) for pair in pairs}
    else:
        pairs = _by_label(nodes)
    sided = [pair for pair in pairs if [nodes[place]["hemisphere"] for place in pair] == ["L", "R"]]
    return np.array(sorted(sided), dtype=int).reshape(-1, 2)


def _by_label(nodes):
    """Pairs whose labels differ in their side alone."""
    sides = {"L": {}, "R": {}}
    for place, node in enumerate(nodes):
        numbered = _NUMBERED.match(node["label"]) and node.get("x") is None
        if node["hemisphere"] in sides and not numbered:
            sides[node["hemisphere"]].setdefault(_SIDE.sub("?", node["label"]), place)
    pairs = [(place, sides["R"][name]) for name, place in sides["L"].items() if name in sides["R"]]
    return [pair for pair in pairs if _mirror(*(nodes[place] for place in pair))]


def _mirror(left, right):
    """Say whether two regions lie near each other's mirror images, as far as their coordinates are known."""
    positions = [[node.get(axis) for axis in "xyz"] for node in (left, right)]
    if any(value is None for position in positions for value in position):
        return True
    (x, *one), (mirrored, *other) = positions
    return float(np.hypot(x + mirrored, np.linalg.norm(np.subtract(one, other)))) <= FARTHEST
