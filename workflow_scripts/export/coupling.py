"""Global coupling of every person with the scale of the connectome, on which its value depends."""

import math

from cubnm_core.errors import InputError
from workflow_scripts.cohort.units import Unit
from workflow_scripts.files import job

COLUMNS = (
    "participant_id",
    "session_id",
    "fit",
    "scaling",
    "scale_factor",
    "total_strength",
    "G",
    "G_times_factor",
    "G_times_strength",
)


def coupling_rows(fits, connectomes, settings):
    """Make one row per person and selected fit with a global coupling.

    Parameters
    ----------
    fits : pandas.DataFrame
        Table of fits, as text.
    connectomes : sequence of dict
        Records of the prepared connectomes.
    settings : dict of str to dict
        Resolved settings of the fits, which may have a scale of their own.

    Returns
    -------
    list of dict
        ``scale_factor`` and ``G_times_factor`` multiply the weights of the file (their logarithms with the
        scaling log), ``G_times_strength`` the sum of the scaled weights. NaN for a scale of the fit's own
        where connectomes were prepared before there were such.

    Raises
    ------
    InputError
        If connectomes were scaled by different rules.
    """
    used = {record["unit"]: record for record in connectomes if record["status"] == "ok"}
    rules = sorted({record["settings"]["scaling"] for record in used.values()})
    if len(rules) > 1:
        raise InputError(
            f"start the workflow again, so that all connectomes are scaled by one rule: G cannot be pooled "
            f"over {', '.join(rules)}"
        )
    ids = {Unit.from_record(record).key: record for record in used.values()}
    rows = []
    for row in fits[fits["selected"] == "True"].to_dict("records"):
        record = ids.get((row["participant_id"], row["session_id"]))
        if record is not None and row.get("param_G", job.MISSING) != job.MISSING:
            rows.append(_row(row, record, settings[row["fit"]].get("strongest_weight")))
    return rows


def _row(row, record, strongest):
    """Join the coupling of one fit with the scale of its connectome."""
    again = 1.0 if strongest is None else strongest / record.get("strongest_weight", math.nan)
    coupling, factor = float(row["param_G"]), record["scale_factor"] * again
    return {
        **{key: row[key] for key in ("participant_id", "session_id", "fit")},
        "scaling": record["settings"]["scaling"],
        "scale_factor": factor,
        "total_strength": record["qc"]["raw_sum"],
        "G": coupling,
        "G_times_factor": coupling * factor,
        "G_times_strength": coupling * record["scaled_sum"] * again,
    }
