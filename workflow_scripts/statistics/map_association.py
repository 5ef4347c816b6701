"""Correlation of regional read-outs with brain maps, and its p from spins of the map."""

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.statistics.spins import Spins, spin_test
from workflow_scripts.cohort.search_spaces import MapTable
from workflow_scripts.evidence import spin_nulls
from workflow_scripts.statistics import corrections

COLUMNS = (
    *("fit", "variable", "read_out", "model", "term", "contrast", "map", "source", "follows"),
    *("r", "p_spin", "p_fdr", "n_nodes", "n_spins", "sphere", "note"),
)
STANDARD = ("index", "label", "hemisphere", "structure", "network", "x", "y", "z")
MEAN, EFFECT = "mean over people", "effect size"


def association_rows(states, effects, nodes, maps, fits, settings):
    """Correlate the mean of every state over people, and the map of every effect, with all maps.

    Parameters
    ----------
    states : pandas.DataFrame
        Table of regional states, with the unit as ``key``.
    effects : list of dict
        Rows of statistics.tsv.
    nodes : list of dict
        Rows of the node table.
    maps : dict of str to (str, (N,) array)
        Where every map comes from, and its values.
    fits : dict of str to dict
        Settings of every fit.
    settings : dict
        ``spins`` and ``seed``.

    Returns
    -------
    list of dict
        Corrected over the maps and states of all fits, for means and for every contrast on its own.
    """
    if not maps:
        return []
    spins, described = drawn(nodes, settings)
    labels = [node["label"] for node in nodes]
    rows = []
    for keys, read_outs in [*mean_maps(states, labels), *effect_maps(effects, labels)]:
        rows += [
            {
                **keys,
                "map": name,
                "source": source,
                "follows": follows(fits[keys["fit"]], name),
                **described,
                **row,
            }
            for name, (source, values) in maps.items()
            for row in compared(read_outs, values, spins)
        ]
    return corrections.adjust(rows, ("read_out", "model", "term", "contrast"), {"p_spin": "p_fdr"})


def compared(read_outs, values, spins):
    """Correlate all read-outs, dict of variable to (N,) array, with one map: one dict each."""
    r, p, n = spin_test(np.array(list(read_outs.values())), values, spins)
    p = p if len(spins) else np.full(len(r), np.nan)
    names = ("variable", "r", "p_spin", "n_nodes")
    return [dict(zip(names, row, strict=True)) for row in zip(read_outs, r, p, n, strict=True)]


def drawn(nodes, settings):
    """Spins of the node table, or why there are none."""
    try:
        spins, sphere = spin_nulls.draw(nodes, settings["spins"], settings["seed"])
    except InputError as error:
        moved = spin_nulls.is_cortical(nodes)
        return Spins(np.empty((0, len(nodes)), dtype=int), moved), {
            "n_spins": 0,
            "sphere": None,
            "note": str(error),
        }
    return spins, {"n_spins": len(spins), "sphere": sphere, "note": None}


def mean_maps(states, labels):
    """Mean over people of every state, by fit: list of (keys, dict of variable to (N,) array)."""
    found = []
    for fit, rows in states.groupby("fit", sort=False):
        wide = rows.pivot_table(index="variable", columns="label", values="mean", sort=False).reindex(
            columns=labels
        )
        keys = {"fit": fit, "read_out": MEAN, "model": None, "term": None, "contrast": None}
        found.append((keys, dict(zip(wide.index, wide.to_numpy(), strict=True))))
    return found


def effect_maps(effects, labels):
    """Effect sizes over all people, by fit and contrast; as :func:`mean_maps`."""
    place = {label: number for number, label in enumerate(labels)}
    found = {}
    for row in effects:
        if row["quantity"] == "state" and row["sample"] == "all" and row["df_term"] == 1:
            key = tuple(row[name] for name in ("fit", "model", "term", "contrast"))
            values = found.setdefault(key, {}).setdefault(row["variable"], np.full(len(labels), np.nan))
            values[place[row["label"]]] = row["effect_size"]
    names = ("fit", "model", "term", "contrast")
    return [({**dict(zip(names, key, strict=True)), "read_out": EFFECT}, found[key]) for key in found]


def read_maps(config, nodes):
    """Maps of the configuration, and columns of numbers of the node table.

    Parameters
    ----------
    config : dict or None
        Section ``maps``.
    nodes : list of dict
        Rows of the node table.

    Returns
    -------
    dict of str to (str, (N,) array)
        Where each comes from ("maps" or "nodes") and its values; NaN where a node has none.
    """
    found = {}
    for name in [name for name in nodes[0] if name not in STANDARD]:
        values = [node[name] for node in nodes]
        numbers = [_number(value) for value in values]
        if any(number is not None for number in numbers) and numbers.count(None) == values.count(None):
            found[name] = "nodes", np.array(numbers, dtype=float)
    if config is not None:
        table = MapTable(**config, labels=[node["label"] for node in nodes])
        found |= {name: ("maps", values) for name, values in table.columns.items()}
    return found


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def follows(fit, name):
    """Say whether a parameter of a fit follows a map, so that their correlation is built in."""
    entries = [*fit["free"].values(), *fit["fixed"].values()]
    return any(
        name in (*entry.get("maps", ()), entry.get("column")) for entry in entries if isinstance(entry, dict)
    )
