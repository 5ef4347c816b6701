"""Rule reliability: how well sessions of people agree: fitted parameters, regions, edges of the FC."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cubnm_core.evidence import reliability
from cubnm_core.measures.connectivity import pair_indices
from workflow_scripts.cohort import noise_seeds, tables
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration.parameters import coordinate_bounds
from workflow_scripts.files import archives, job, result_tables
from workflow_scripts.files.arrays import ArrayFile
from workflow_scripts.files.damage import DamagedArray
from workflow_scripts.fitting import scoring

KEYS = ("fit", "source", "quantity", "variable", "label", "label_2")
VALUES = ("icc_type", "icc", "low", "high")
SPREAD = ("mean", "sd_people", "sd_within", "bias", "limit_low", "limit_high")
PEOPLE = ("n_people", "n_sessions", "n_left_out", "sessions")
COLUMNS = (*KEYS, *VALUES, *SPREAD, *PEOPLE, *scoring.ANALYSIS, "seeds")
INTERVAL = ("icc", "low", "high")
MEAN = "mean of edges"
logger = logging.getLogger(__name__)
QUARTILES = {"lower quartile of edges": 0.25, "median of edges": 0.5, "upper quartile of edges": 0.75}


@dataclass(frozen=True, eq=False)
class Panel:
    """The people of a fit who have every session that counts.

    Attributes
    ----------
    units : (n, k) array of str
        People in rows, sessions in columns.
    sessions : list of str
    left_out : int
        People without all of these sessions, or whose fit or scan of one of them cannot be used.
    """

    units: np.ndarray
    sessions: list
    left_out: int


def main(sm):
    """Write the agreement of sessions, and that of every edge of the FC beside it."""
    job.start(sm)
    nodes = tables.read_nodes(sm.input.nodes)
    rows, arrays = [], {"labels": np.array([node["label"] for node in nodes])}
    with_session = [ids for ids in sm.params.units if ids["session_id"]]
    scanned = read_scans(archives.Archive(sm.input.targets), with_session)
    for fit, settings in sm.params.fits.items():
        files = {name: of_fit(getattr(sm.input, name), fit) for name in ("fits", "states", "regional")}
        simulated = read_fc(of_fit(sm.input.simulations, fit))
        panel = make_panel(sm.params.units, [unit for unit in simulated if unit in scanned])
        logger.info("%s: %d people with %d sessions", fit, *panel.units.shape)
        if not panel.units.size:
            continue
        found = parameter_rows(panel, files, settings) + regional_rows(panel, files)
        fc = {
            "simulated": stack_values(panel, simulated.get),
            "empirical": stack_values(panel, scanned.get),
        }
        edges = {source: reliability.agreement(values) for source, values in fc.items()}
        found += edge_rows(fc, edges)
        stated = conditions(panel, settings, sm.params)
        rows += [{"fit": fit, **row, **stated} for row in found]
        arrays |= edge_arrays(fit, edges, nodes, settings)
    job.write_tsv(sm.output.table, rows, columns=COLUMNS)
    job.write_npz(sm.output.edges, **arrays)


def of_fit(paths, fit):
    """Files of one fit among those of all, which lie in a folder of its name."""
    return [path for path in paths if Path(path).parent.name == fit]


def read_fc(paths):
    """Simulated FC of every unit that has one: dict of str to (P,) array."""
    found = {}
    for path in paths:
        with ArrayFile(path) as file:
            file.check_names()
            units = [name.removesuffix("/fc") for name in file.names if name.endswith("/fc")]
            found |= {unit: file.read(f"{unit}/fc").astype(np.float32) for unit in units}
    return {unit: fc for unit, fc in found.items() if np.isfinite(fc).all()}


def read_scans(targets, units):
    """FC of the training scans of every unit that has one: dict of str to (P,) array."""
    found = {}
    for unit in [ids["unit"] for ids in units if targets.records[ids["unit"]]["status"] == "ok"]:
        try:
            found[unit] = targets.arrays(unit)["fc"]
        except DamagedArray as error:
            logger.warning("%s is left out: %s", unit, error)
    return found


def make_panel(units, usable):
    """Choose the people and sessions that are compared.

    Parameters
    ----------
    units : list of dict
        ``unit``, ``participant_id`` and ``session_id``, "" for none.
    usable : list of str
        Units with a fit, a simulation and an empirical FC.

    Returns
    -------
    Panel
    """
    with_session = [ids for ids in units if ids["session_id"]]
    people = list(dict.fromkeys(ids["participant_id"] for ids in with_session))
    names = sorted({ids["session_id"] for ids in with_session})
    named = {(ids["participant_id"], ids["session_id"]): ids["unit"] for ids in with_session}
    usable = set(usable)
    present = np.array([[named.get((person, name)) in usable for name in names] for person in people])
    if not present.size:
        return Panel(np.empty((0, 0), dtype=str), [], 0)
    chosen, common = reliability.common_sessions(present)
    sessions = [name for name, is_common in zip(names, common, strict=True) if is_common]
    complete = [person for person, is_complete in zip(people, chosen, strict=True) if is_complete]
    table = [[named[person, name] for name in sessions] for person in complete]
    shape = len(complete), len(sessions)
    return Panel(np.array(table, dtype=str).reshape(shape), sessions, len(people) - len(complete))


def stack_values(panel, values_of):
    """Values of every person and session, (n, k, Q)."""
    n, k = panel.units.shape
    values = [values_of(unit) for unit in panel.units.flat]
    return np.stack(values).reshape(n, k, -1)


def parameter_rows(panel, files, settings):
    """Agreement of the free parameters: of the coordinates of the search, and of regional ones by node."""
    fits = pd.concat([result_tables.read_texts(path) for path in files["fits"]], ignore_index=True)
    fits = add_units(fits[fits["selected"] == "True"]).set_index("unit").loc[panel.units.ravel()]
    known = [name.removeprefix("param_") for name in fits if name.startswith("param_")]
    names = list(coordinate_bounds(settings["free"], known))
    values = fits[[f"param_{name}" for name in names]].to_numpy(dtype=float)
    labels = [{"quantity": "parameter", "variable": name} for name in names]
    return agreement_rows(values.reshape(*panel.units.shape, -1), labels)


def regional_rows(panel, files):
    """Agreement of every state, and of parameters that differ between nodes, in every node."""
    states = wide(files["states"], panel, "mean")
    others = wide(files["regional"], panel, "value")
    others = others[[column for column in others if column not in states]]  # wIE is among the states, too
    rows = []
    for quantity, table in (("state", states), ("parameter", others)):
        values = table.to_numpy(dtype=float).reshape(*panel.units.shape, table.shape[1])
        rows += agreement_rows(
            values, [{"quantity": quantity, "variable": name, "label": label} for name, label in table]
        )
    return rows


def wide(paths, panel, value):
    """Values of the units of a panel (rows) by variable and node (columns), in the order of the files."""
    columns = ["participant_id", "session_id", "variable", "label", value]
    types = dict.fromkeys(columns[:4], str)
    read = {"usecols": columns, "dtype": types, "keep_default_na": False, "na_values": {value: ["n/a"]}}
    parts = [result_tables.read_frame(path, **read) for path in paths]
    rows = add_units(pd.concat(parts, ignore_index=True))
    order = list(dict.fromkeys(zip(rows["variable"], rows["label"], strict=True)))
    table = rows.pivot(index="unit", columns=["variable", "label"], values=value)
    return table.reindex(index=panel.units.ravel())[order]


def add_units(table):
    """A table with the name of the unit of every row."""
    keys = zip(table["participant_id"], table["session_id"], strict=True)
    return table.assign(unit=[Unit.from_key(key).name for key in keys])


def agreement_rows(values, labels, source="simulated"):
    """Two rows per quantity, ICC(2,1) and ICC(2,k), of values (n, k, Q)."""
    found, limits = reliability.agreement(values), reliability.limits_of_agreement(values)
    kinds = (
        ("ICC(2,1)", found.single, found.single_interval),
        ("ICC(2,k)", found.average, found.average_interval),
    )
    rows = []
    for place, label in enumerate(labels):
        spread = {
            "mean": values[:, :, place].mean(),
            "sd_people": found.sd_people[place],
            "sd_within": found.sd_within[place],
            **dict(zip(SPREAD[3:], (limit[place] for limit in limits), strict=True)),
        }
        rows += [
            {"source": source, **label, **spread, "icc_type": kind, "icc": icc[place]}
            | {"low": interval[0, place], "high": interval[1, place]}
            for kind, icc, interval in kinds
        ]
    return rows


def edge_rows(fc, edges):
    """Mean and quartiles over the edges of the FC, of both sources, and the difference of the means.

    Parameters
    ----------
    fc : dict of str to (n, k, P) array
        ``simulated`` and ``empirical``.
    edges : dict of str to cubnm_core.evidence.reliability.Agreement
    """
    common = {"quantity": "connectivity", "variable": "fc"}
    rows = []
    for source, found in edges.items():
        interval = dict(zip(INTERVAL, reliability.mean_agreement(fc[source]), strict=True))
        rows.append({**common, "source": source, "icc_type": "ICC(2,1)", "label": MEAN, **interval})
        # Of ICC(2,k) no mean: it has no lower limit, and single edges would decide.
        for kind, icc in (("ICC(2,1)", found.single), ("ICC(2,k)", found.average)):
            for label, share in QUARTILES.items():
                quantile = {"icc_type": kind, "label": label, "icc": finite_quantile(icc, share)}
                rows.append({**common, "source": source, **quantile})
    difference = reliability.mean_agreement(fc["simulated"], fc["empirical"])
    labels = {"source": "difference", "icc_type": "ICC(2,1)", "label": MEAN}
    return [*rows, {**common, **labels, **dict(zip(INTERVAL, difference, strict=True))}]


def finite_quantile(values, share):
    """Quantile of the values that are defined; NaN if none is."""
    values = values[np.isfinite(values)]
    return float(np.quantile(values, share)) if values.size else np.nan


def conditions(panel, settings, params):
    """What stands in every row of a fit: people, sessions, and the conditions of the analysis."""
    seeds = []
    for session in panel.sessions:
        first = noise_seeds.of_session(params.first_seed, session)
        stated = scoring.conditions(settings, range(first, first + params.seeds))
        seeds.append(f"{session}: {stated['seeds']}")
    n, k = panel.units.shape
    people = {"n_people": n, "n_sessions": k, "n_left_out": panel.left_out}
    return {**people, "sessions": ", ".join(panel.sessions), **stated, "seeds": "; ".join(seeds)}


def edge_arrays(fit, edges, nodes, settings):
    """Arrays of the edges of one fit: places of both nodes in the node table, ICC(2,1) and its interval."""
    hemispheres = [node["hemisphere"] for node in nodes]
    pairs = pair_indices(len(nodes), hemispheres, settings["analysis"]["pairs"])
    found = {
        f"{fit}/{name}": place.astype(np.int32) for name, place in zip(("row", "column"), pairs, strict=True)
    }
    for source, agreed in edges.items():
        low, high = agreed.single_interval
        for name, values in (("icc", agreed.single), ("low", low), ("high", high)):
            found[f"{fit}/{source}/{name}"] = values.astype(np.float32)
    return found


if "snakemake" in globals():
    main(snakemake)
