"""What went wrong, who is missing and what calls for caution: the first thing on the page."""

import pandas as pd

from workflow_scripts.reporting.formatting import plural
from workflow_scripts.reporting.section import Section

MANY_FAILED = 0.05  # share of diverged candidates worth a word
FEW_SEEDS = 10      # fresh noise seeds below which a score is called provisional


def section(cohort):
    """Exclusions and failures, how many units reached the end of each fit, and cautions."""
    context = {"problems": problems(cohort), "flow": _flow(cohort), "cautions": cautions(cohort), "n_units": len(cohort.units)}
    return Section("errors", "Errors and exclusions", "errors.html.j2", context)


def problems(cohort):
    """Every exclusion and failure once: dicts with unit, stage, fit and reason."""
    found = [_problem(row, row.get("stage"), row.get("fit")) for row in _rows(cohort.table("exclusions"))]
    known = {(problem["key"], problem["reason"]) for problem in found}
    fits = cohort.table("fits")
    for row in _rows(fits[fits["status"] != "ok"]):
        problem = _problem(row, f"fit ({row['status']})", f"{row['fit']}, restart {row['restart']}")
        if (problem["key"], problem["reason"]) not in known:
            found.append(problem)
    return found


def _problem(row, stage, fit):
    reason = row.get("reason")
    return {"key": row["key"], "stage": "" if pd.isna(stage) else stage, "fit": "all" if pd.isna(fit) else fit,
            "reason": "no reason was recorded" if pd.isna(reason) else reason}


def _rows(frame):
    return frame.to_dict("records")


def _flow(cohort):
    """How many units each fit began with, fitted and scored."""
    rows = []
    for fit in cohort.fits:
        seen = [set(part["status"]) for _, part in cohort.of_fit("fits", fit).groupby("key")]
        fitted, excluded = sum("ok" in status for status in seen), sum(status == {"excluded"} for status in seen)
        scored = cohort.of_fit("evaluation", fit).dropna(subset="mean")["key"].nunique()
        rows.append({"fit": fit, "units": len(seen), "excluded": excluded, "failed": len(seen) - fitted - excluded,
                     "fitted": fitted, "scored": scored})
    return rows


def cautions(cohort):
    """Sentences about what weakens the results without having stopped them."""
    return [*_without_success(cohort), *_about_data(cohort), *_at_bounds(cohort), *_diverged(cohort)]


def _without_success(cohort):
    done = set(cohort.successful["fit"])
    return [f"The fit {fit} has no successful person: the page shows nothing of it but its failures."
            for fit in cohort.fits if fit not in done]


def _about_data(cohort):
    evaluation, fits = cohort.table("evaluation"), cohort.table("fits")
    if evaluation.empty:
        return ["No fit was evaluated, so there are no scores with fresh noise seeds."]
    found = []
    if not cohort.has_heldout:
        found.append("There are no held-out scans: every score is on training data and says nothing about generalisation.")
    if evaluation["n_seeds"].min() < FEW_SEEDS:
        found.append(f"Scores rest on {int(evaluation['n_seeds'].min())} noise seeds; at least {FEW_SEEDS} are advised.")
    if fits.groupby(["key", "fit"])["restart"].nunique().max() < 2:
        found.append("Every fit has one restart, so the spread over restarts is unknown: see identifiability.")
    mixed = [name for name in ("pairs", "band_pass", "window", "window_step")
             if evaluation[name].nunique(dropna=False) > 1]
    if mixed:
        found.append(f"Scores with different settings ({', '.join(mixed)}) stand side by side and must not be compared.")
    return found


def _at_bounds(cohort):
    best = cohort.successful
    best = best[best["selected"].astype(bool)]
    hit = best[best["at_bounds"].notna()]
    return [f"In the fit {fit}, {plural(rows['key'].nunique(), 'unit')} of {(best['fit'] == fit).sum()} ended at a bound of the search "
            "space (see parameters): the optimum may lie outside." for fit, rows in hit.groupby("fit", sort=False)]


def _diverged(cohort):
    convergence = cohort.table("convergence")
    found = []
    for fit, rows in convergence.groupby("fit", sort=False):
        simulations = rows.groupby(["key", "restart"])["simulations_so_far"].max().sum()
        share = rows["failed"].sum() / simulations if simulations else 0
        if share > MANY_FAILED:
            found.append(f"In the fit {fit}, {share:.0%} of the candidates diverged or failed; they were given the worst cost.")
    return found
