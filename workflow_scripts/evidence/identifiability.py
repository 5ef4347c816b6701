"""Rule identifiability: whether parameters can be told apart, from the searches and profiles of all."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from cubnm_core.evidence import identifiability as core
from workflow_scripts.configuration.parameters import coordinate_bounds
from workflow_scripts.evidence import score_tables
from workflow_scripts.files import job, result_tables

IDS = ["participant_id", "session_id"]
KEYS = ("fit", "parameter")
SPREADS = ("sd_people", "n_people", "sd_restarts", "ratio_restarts", "n_restarts")
RETEST = ("sd_retest", "ratio_retest", "n_retest")
BOUNDS = ("bound_low", "bound_high", "n_fits", "n_at_low", "n_at_high")
WIDTHS = ("width", "width_share", "ratio_width", "n_profiles", "n_open", "n_flat")
COLUMNS = (*KEYS, "mean", *SPREADS, *RETEST, *WIDTHS, *BOUNDS, "verdict")
CORRELATIONS = (*KEYS, "other", "level", "r", "low", "high", "n")
PROFILES = (*score_tables.PROFILES, "noise_sd", "interval_low", "interval_high", "open_low", "open_high")


def main(sm):
    """Write spreads, correlations and profiles of every fit."""
    logger = job.start(sm)
    rows, pairs, drawn = [], [], []
    for fit, settings in sm.params.fits.items():
        whole = {name: concatenate(getattr(sm.input, name), fit) for name in ("fits", "profiles", "searches")}
        drawn += noted_rows(whole["profiles"])
        tables = {name: result_tables.filled(table) for name, table in whole.items()}
        noise = noise_of_cost(result_tables.filled(concatenate(sm.input.evaluation, fit)))
        estimates = tables["fits"][tables["fits"]["status"] == "ok"]
        known = [name.removeprefix("param_") for name in estimates if name.startswith("param_")]
        bounds = coordinate_bounds(settings["free"], known)
        points = with_intervals(tables["profiles"], noise)
        drawn += points.to_dict("records")
        if estimates.empty:
            continue
        found = parameter_rows(estimates, bounds, tables["searches"], points, settings["retest"] is not None)
        rows += [{"fit": fit, **row} for row in found]
        pairs += [{"fit": fit, **row} for row in pair_rows(estimates, list(bounds), tables["searches"])]
        logger.info("%s: %s", fit, ", ".join(f"{row['parameter']} {row['verdict']}" for row in found))
    job.write_tsv(sm.output.table, rows, columns=COLUMNS)
    job.write_tsv(sm.output.correlations, pairs, columns=CORRELATIONS)
    job.write_tsv(sm.output.profiles, drawn, columns=PROFILES)


def concatenate(paths, fit):
    """Put the tables of one fit together, which lie in a folder of its name."""
    found = [result_tables.read_texts(path) for path in paths if Path(path).parent.name == fit]
    return pd.concat(found, ignore_index=True)


def noted_rows(profiles):
    """Rows that say why somebody has no profile."""
    return result_tables.noted(profiles)[[*IDS, "fit", "note"]].to_dict("records")


def noise_of_cost(evaluation):
    """SD over fresh noise seeds of the cost of the best candidate, on the training scans, by ids."""
    rows = evaluation[(evaluation["split"] == "train") & (evaluation["measure"] == "cost")]
    return {
        (row["participant_id"], row["session_id"]): float(row["sd"])
        for row in rows.to_dict("records")
        if row["sd"] != job.MISSING
    }


def with_intervals(points, noise):
    """Add to the points of every profile where the cost rises by less than its noise."""
    parts = []
    for (participant, session, _), rows in points.groupby([*IDS, "parameter"], sort=False):
        sd = noise.get((participant, session), np.nan)
        found = dict.fromkeys(PROFILES[-4:]) | {"noise_sd": sd}
        if np.isfinite(sd):
            interval = core.flat_interval(
                rows["value"].astype(float).array, rows["cost"].astype(float).array, sd
            )
            found |= {"interval_low": interval.low, "interval_high": interval.high}
            found |= {"open_low": interval.open_low, "open_high": interval.open_high}
        parts.append(rows.assign(**found))
    return pd.concat(parts, ignore_index=True) if parts else points


def parameter_rows(estimates, bounds, searches, points, is_retested):
    """One row per free parameter.

    Parameters
    ----------
    estimates : pandas.DataFrame
        Rows of the table of fits that ended well, one per person, session and restart.
    bounds : dict of str to (low, high) or None
        Of the free parameters.
    searches, points : pandas.DataFrame
        As written by rule profiles, the latter with intervals.
    is_retested : bool
    """
    names = list(bounds)
    best = estimates[estimates["selected"] == "True"]
    values = parameters(best, names)
    units = [tuple(ids) for ids in estimates[IDS].to_numpy()]
    people = core.spread_over_people(values, best["participant_id"])
    restarts = core.spread_within(parameters(estimates, names), units)
    retest = retest_spread(best, names, searches) if is_retested else (np.full(len(names), np.nan), 0)
    rows = []
    for place, name in enumerate(names):
        mine = points[points["parameter"] == name] if len(points) else points
        widths = width_row(mine, bounds[name], people[place])
        spreads = {
            "mean": values[:, place].mean(),
            "sd_people": people[place],
            "n_people": best["participant_id"].nunique(),
            **spread_row("restarts", restarts, people, place),
            **spread_row("retest", retest, people, place),
        }
        ratios = [spreads["ratio_restarts"], spreads["ratio_retest"]]
        if len(names) == 1:  # its profile is the whole cost: there is no other direction
            ratios.append(widths["ratio_width"])
        share_flat = widths["n_flat"] / widths["n_profiles"] if widths["n_profiles"] else np.nan
        judged = {"parameter": name, "verdict": core.verdict(ratios, share_flat)}
        rows.append({**judged, **spreads, **widths, **bound_row(best, name, bounds[name])})
    return rows


def spread_row(name, found, people, place):
    """One kind of spread within fits of one parameter, as columns; `found` is (SD of all, number of fits)."""
    sd, count = found
    return {
        f"sd_{name}": sd[place],
        f"ratio_{name}": ratio(sd[place], people[place]),
        f"n_{name}": count,
    }


def parameters(table, names):
    """Values of some parameters, (n, d)."""
    return table[[f"param_{name}" for name in names]].to_numpy(dtype=float)


def ratio(spread, people):
    """One spread as a share of that over people; NaN where people do not differ."""
    return spread / people if people > 0 else np.nan


def retest_spread(best, names, searches):
    """SD between the best value under the noise of the search and the one chosen over fresh noise seeds."""
    found = searches[searches["other"] == job.MISSING]
    found = found.pivot(index=[*IDS, "restart"], columns="parameter", values="found")
    keys = [key for key in map(tuple, best[[*IDS, "restart"]].to_numpy()) if key in found.index]
    if not keys:
        return np.full(len(names), np.nan), 0
    chosen = parameters(best.set_index([*IDS, "restart"]).loc[keys], names)
    searched = found.loc[keys, names].to_numpy(dtype=float)
    return core.spread_within(np.concatenate([chosen, searched]), [*keys, *keys])


def width_row(points, bounds, people):
    """How wide the profiles of one parameter are: median over people, and how many have no end."""
    rows = points.drop_duplicates(IDS).dropna(subset="interval_low") if len(points) else points
    if not len(rows):
        return dict.fromkeys(WIDTHS[:3], np.nan) | dict.fromkeys(WIDTHS[3:], 0)
    width = float((rows["interval_high"] - rows["interval_low"]).median())
    low, high = rows["open_low"].astype(bool), rows["open_high"].astype(bool)
    return {
        "width": width,
        "width_share": np.nan if bounds is None else width / (bounds[1] - bounds[0]),
        "ratio_width": ratio(width / 2, people),
        "n_profiles": len(rows),
        "n_open": int((low | high).sum()),
        "n_flat": int((low & high).sum()),
    }


def bound_row(best, name, bounds):
    """Bounds of a parameter, and how many fits ended at them; the column reads `G: low, w_p: high`."""
    hits = best["at_bounds"].str.split(", ")
    low, high = (one_bound(bounds, side) for side in (0, 1))
    return {
        "bound_low": low,
        "bound_high": high,
        "n_fits": len(best),
        "n_at_low": int(hits.map(lambda found: f"{name}: low" in found).sum()),
        "n_at_high": int(hits.map(lambda found: f"{name}: high" in found).sum()),
    }


def one_bound(bounds, side):
    """One of two bounds, None where they followed from a map."""
    return None if bounds is None else float(bounds[side])


def pair_rows(estimates, names, searches):
    """Correlations of every pair of parameters: over people, over restarts, and over the best candidates."""
    best = estimates[estimates["selected"] == "True"]
    means = core.person_means(parameters(best, names), best["participant_id"])
    units = [tuple(ids) for ids in estimates[IDS].to_numpy()]
    within, n_within = core.correlation_within(parameters(estimates, names), units)
    between = core.correlations(means)
    rows = []
    for (one, name), (two, other) in combinations(enumerate(names), 2):
        keys = {"parameter": name, "other": other}
        mine = searches[(searches["parameter"] == name) & (searches["other"] == other)]
        r = pd.to_numeric(mine["r"], errors="coerce").dropna().to_numpy()
        low, high = core.correlation_interval(between[one, two], len(means))
        rows += [
            {**keys, "level": "people", "r": between[one, two], "low": low, "high": high, "n": len(means)},
            {**keys, "level": "restarts", "r": within[one, two], "n": n_within},
            {**keys, "level": "candidates", "r": core.mean_correlation(r), "n": len(r)},
        ]
    return rows


if "snakemake" in globals():
    main(snakemake)
