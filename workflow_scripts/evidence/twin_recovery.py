"""Rule twin_recovery: true parameters of synthetic twins beside the fitted ones, and what comes back."""

from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from cubnm_core.evidence import twins
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.evidence.twin_marks import COORDINATE, NODES, settings_mark
from workflow_scripts.files import dictionary, job, result_tables
from workflow_scripts.fitting import best_fits

TWINS = ("fit", "twin", "participant_id", "session_id", "level", "parameter", "label", "truth", "estimate")
MEASURES = tuple(field.name for field in fields(twins.Recovery))
RECOVERY = ("fit", "level", "parameter", "parameters", *MEASURES, "n_failed", "settings")


def main(sm):
    """Write one row per twin and parameter (and node), and one per parameter of every fit."""
    logger = job.start(sm)
    nodes = tables.read_nodes(sm.input.nodes)
    rows, found = [], []
    for fit, settings in sm.params.fits.items():
        truths, estimates = read(fit, sm.input.truth, sm.input.fits)
        pairs = pair_up(truths, estimates, search_space(settings, nodes))
        rows += twin_rows(fit, truths, pairs, nodes)
        shared = {
            "fit": fit,
            "parameters": sm.params.twins["parameters"],
            "settings": settings_mark(settings),
        }
        shared["n_failed"] = len(truths) - len(estimates)
        for (level, name), (_, truth, estimate) in pairs.items():
            result = asdict(twins.recovery(truth, estimate))
            found.append({**shared, "level": level, "parameter": name, **result})
            logger.info("%s, %s of %s: r %.2f, %s", fit, level, name, result["r"], result["verdict"])
    job.write_tsv(sm.output.twins, rows, columns=TWINS)
    job.write_tsv(sm.output.recovery, found, columns=RECOVERY)
    for path in sm.output.dictionaries:
        dictionary.write(Path(path).with_suffix(".tsv"))


def read(fit, truths, fits):
    """Read true and fitted coordinates of the twins of a fit.

    Parameters
    ----------
    fit : str
    truths, fits : list of path
        Tables of all fits.

    Returns
    -------
    truths : dict of str to dict
        By twin: whose connectome it has, and ``param_*``.
    estimates : dict of str to dict of str to float
        By twin; those whose simulation or fit failed are missing.
    """
    known, found = {}, {}
    for path in truths:
        table = result_tables.read_texts(path)
        known |= {row["twin"]: row for row in table[table["fit"] == fit].to_dict("records")}
    for path in fits:
        found |= best_fits.best_coordinates(path, fit)
    estimates = {twin: values for (twin, _), values in found.items() if known[twin]["status"] == "ok"}
    return known, estimates


def pair_up(truths, estimates, space):
    """Set truth and estimate side by side: of free coordinates, and of the nodes of regional parameters.

    Returns
    -------
    dict of (level, parameter) to (list of twins, (m,) or (m, N) truth, estimate)
    """
    names = sorted(estimates)
    if not names:
        return {}
    true = {twin: _known(truths[twin]) for twin in names}
    pairs = {}
    for name in space.names:
        sides = (np.array([side[twin][name] for twin in names]) for side in (true, estimates))
        pairs[COORDINATE, name] = (names, *sides)
    params = [[best_fits.compose(space, side[twin]) for twin in names] for side in (true, estimates)]
    for name in space.regional:
        pairs[NODES, name] = (names, *(np.stack([one[name] for one in side]) for side in params))
    return pairs


def _known(row):
    """Coordinates of a row of the table of true parameters."""
    stated = {key.removeprefix("param_"): value for key, value in row.items() if key.startswith("param_")}
    return {name: float(value) for name, value in stated.items() if value != job.MISSING}


def twin_rows(fit, truths, pairs, nodes):
    """Make one row per twin and coordinate, and per node of regional parameters."""
    rows = []
    for (level, name), (twin_names, truth, estimate) in pairs.items():
        labels = [node["label"] for node in nodes] if level == NODES else [None]
        for twin, one, other in zip(twin_names, truth, estimate, strict=True):
            ids = {key: truths[twin][key] for key in ("participant_id", "session_id")}
            keys = {"fit": fit, "twin": twin, **ids, "level": level, "parameter": name}
            rows += [
                {**keys, "label": label, "truth": float(mine), "estimate": float(found)}
                for label, mine, found in zip(labels, np.atleast_1d(one), np.atleast_1d(other), strict=True)
            ]
    return rows


if "snakemake" in globals():
    main(snakemake)
