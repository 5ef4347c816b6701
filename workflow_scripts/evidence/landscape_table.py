"""Rule landscape_table: what the planes of expected costs say of every person, in one row a plane."""

import numpy as np
import pandas as pd

from workflow_scripts.evidence.plane_costs import reference_cost
from workflow_scripts.files import dictionary, job, result_tables
from workflow_scripts.fitting.scoring import KEYS

FOUND = ("best_cost", "lowest_cost", "lowest_value", "lowest_other", "seed_sd")
SHARES = ("n_points", "flagged_share", "near_share")
COLUMNS = (*KEYS, "parameter", "other", *FOUND, *SHARES, "left_out", "note")


def main(sm):
    """Write a row per person, fit and pair of parameters."""
    logger = job.start(sm)
    rows = [row for path in sm.input.landscapes for row in plane_rows(result_tables.read_table(path))]
    job.write_tsv(sm.output.table, rows, columns=COLUMNS)
    dictionary.write(sm.output.table)
    logger.info("%d planes", len(rows))


def plane_rows(table):
    """One row per plane of a batch, and the rows that say why somebody has none."""
    noted = result_tables.noted(table)
    rows = noted[[*KEYS[:3], "note"]].to_dict("records")
    keys = [*KEYS[:3], "parameter", "other"]
    for key, plane in result_tables.filled(table).groupby(keys, sort=False, dropna=False):
        rows.append({**dict(zip(keys, key, strict=True)), **summarise(plane)})
    return rows


def summarise(plane):
    """What one plane says: lowest expected cost, share that is flagged, share within one seed SD."""
    is_best = plane["is_best"].astype(str) == "True"
    grid, cost = plane[~is_best], plane.loc[~is_best, "cost"].astype(float)
    found = {
        "best_cost": plane.loc[is_best, "cost"].iloc[0],
        "seed_sd": plane["seed_sd"].iloc[0],
        "n_points": len(grid),
        "flagged_share": float(cost.isna().mean()),
        "left_out": plane["left_out"].iloc[0],
    }
    if cost.notna().any():
        lowest = grid.loc[cost.idxmin()]
        found |= {"lowest_cost": lowest["cost"], "lowest_value": lowest["value"]}
        found |= {"lowest_other": lowest["other_value"]}
        if np.isfinite(found["seed_sd"]):
            found["near_share"] = float((cost <= reference_cost(plane) + found["seed_sd"]).mean())
    return {name: None if pd.isna(value) else value for name, value in found.items()}


if "snakemake" in globals():
    main(snakemake)
