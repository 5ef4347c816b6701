"""The fits of one person: scores and cohort scores, parameters and bounds, restarts, read-outs."""

from functools import cached_property

import numpy as np
import pandas as pd

from workflow_scripts.report import expected_planes
from workflow_scripts.report.comparison import HIGHER_IS_BETTER, MEASURES, label_with_measure
from workflow_scripts.report.formatting import MISSING, number, plus_minus, significant, spread

SPLITS = {"train": "training", "test": "held-out"}
PLACES = {"convergence": "convergence", "regional": "regional", "expected": "expected"}


class FitsOfPeople:
    """What pages of people say of fits; what concerns the whole cohort is computed once.

    Parameters
    ----------
    cohort : Cohort
    """

    def __init__(self, cohort):
        self.cohort = cohort

    def context(self, unit, fit, pictures):
        """Everything about one fit of one unit, as a dict."""
        restarts = self._of("fits", unit, fit)
        parameters = self._parameters(restarts, unit, fit)
        return {
            "name": fit,
            "scores": self._scores(unit, fit),
            "baselines": self._baselines(unit, fit),
            "parameters": parameters,
            "restarts": _restarts(restarts),
            "states": _states(self._of("states", unit, fit)),
            "cautions": _cautions(fit, restarts, parameters),
            "left_out": expected_planes.left_out(self._of("expected_landscapes", unit, fit)),
            **{place: pictures.get(f"{name}/{fit}") for place, name in PLACES.items()},
        }

    def _of(self, name, unit, fit):
        rows = self.cohort.of_unit(name, unit)
        return rows[rows["fit"] == fit]

    def _scores(self, unit, fit):
        """A row for each measure: mean ± SD over seeds by split, rank in the cohort, cohort mean."""
        rows = self._of("evaluation", unit, fit).dropna(subset="mean")
        found = []
        for measure, part in rows.groupby("measure", sort=False):
            by_split = part.set_index("split")
            row = {"name": MEASURES.get(measure, measure), "splits": []}
            for split in SPLITS:
                mean, sd = by_split["mean"].get(split, np.nan), by_split["sd"].get(split, np.nan)
                place = self._places.get((fit, split, measure), {}).get(unit, MISSING)
                others = self._means.get((fit, split, measure), MISSING)
                row["splits"].append({"text": plus_minus(mean, sd, 3), "place": place, "cohort": others})
            found.append(row)
        return found

    @cached_property
    def _grouped(self):
        rows = self.cohort.table("evaluation").dropna(subset="mean")
        return dict(list(rows.groupby(["fit", "split", "measure"])))

    @cached_property
    def _places(self):
        """Rank of every unit in every score, as `3 of 40`; 1 is the best."""
        found = {}
        for key, rows in self._grouped.items():
            rising = not HIGHER_IS_BETTER.get(key[2], False)
            places = rows.set_index("key")["mean"].rank(method="min", ascending=rising).astype(int)
            found[key] = {unit: f"{place} of {len(places)}" for unit, place in places.items()}
        return found

    @cached_property
    def _means(self):
        return {key: spread(rows["mean"], 3) for key, rows in self._grouped.items()}

    def _baselines(self, unit, fit):
        """Baselines of this unit and the cohort."""
        rows = self.cohort.of_unit("baselines", unit).dropna(subset="value")
        # A baseline that was fitted itself belongs to a fit.
        rows = rows[rows["fit"].isna() | (rows["fit"] == fit)] if "fit" in rows else rows
        return [
            {
                "name": label_with_measure(row.measure),
                "split": SPLITS.get(row.split, row.split),
                "text": number(row.value, 3),
                "cohort": self._baseline_means.get((row.split, row.measure), MISSING),
            }
            for row in rows.itertuples()
        ]

    @cached_property
    def _baseline_means(self):
        rows = self.cohort.table("baselines").dropna(subset="value")
        return {key: spread(part["value"], 3) for key, part in rows.groupby(["split", "measure"])}

    def _parameters(self, restarts, unit, fit):
        """A row for each free parameter: the selected estimate and its bounds, other restarts, the cohort."""
        kept = restarts[(restarts["status"] == "ok") & (restarts["selected"].astype(str) == "True")]
        if kept.empty:
            return []
        well = restarts[restarts["status"] == "ok"]
        at_bounds = str(kept["at_bounds"].iloc[0])
        truth = self._of("recovery", unit, fit)
        known = dict(zip(truth["parameter"], truth["truth"], strict=True))
        return [
            {
                "name": name,
                "text": significant(kept[f"param_{name}"].iloc[0], 4),
                "bounds": bounds,
                "share": _share(kept[f"param_{name}"].iloc[0], bounds),
                "low": significant(well[f"param_{name}"].min(), 4),
                "high": significant(well[f"param_{name}"].max(), 4),
                "cohort": self._estimates[fit].get(name, MISSING),
                "truth": significant(known[name], 4) if name in known else None,
                "at_bound": any(word in at_bounds for word in (f"{name}: low", f"{name}: high")),
            }
            for name, bounds in self._free[fit].items()
            if f"param_{name}" in kept and np.isfinite(kept[f"param_{name}"].iloc[0])
        ]

    @cached_property
    def _free(self):
        return {fit: self.cohort.free(fit) for fit in self.cohort.fits}

    @cached_property
    def _estimates(self):
        """Mean ± SD over the cohort of every kept estimate, by fit and parameter."""
        best = self.cohort.successful[self.cohort.successful["selected"]]
        found = {}
        for fit in self.cohort.fits:
            rows = best[best["fit"] == fit]
            columns = [f"param_{name}" for name in self._free[fit] if f"param_{name}" in rows]
            found[fit] = {column.removeprefix("param_"): spread(rows[column], 3) for column in columns}
        return found


def _share(value, bounds):
    """Where a value lies between its bounds, in percent; None without bounds."""
    if bounds is None or not bounds[1] > bounds[0]:
        return None
    return float(np.clip(100 * (value - bounds[0]) / (bounds[1] - bounds[0]), 0, 100))


def _restarts(rows):
    """A row for each restart, failed ones with their reasons."""
    best = rows["cost"].min()
    return [
        {
            "restart": "" if pd.isna(row["restart"]) else f"{row['restart']:g}",
            "kept": str(row["selected"]) == "True",
            "status": row["status"],
            "reason": row["reason"] if isinstance(row["reason"], str) else "",
            "cost": number(row["cost"], 3),
            "behind": number(row["cost"] - best, 3),
            "generations": _count(row["generations"]),
            "simulations": _count(row["simulations"]),
            "stopped": row["stopped"] if isinstance(row["stopped"], str) else "",
            "seconds": significant(row["seconds"]),
            "device": row["device"] if isinstance(row.get("device"), str) else MISSING,
        }
        for row in rows.to_dict("records")
    ]


def _count(value):
    return MISSING if pd.isna(value) else f"{value:,.0f}"


def _states(rows):
    """A row for each read-out: its mean over regions and the regions at both ends."""
    found = []
    for variable, part in rows.dropna(subset="mean").groupby("variable", sort=False):
        low, high = part.loc[part["mean"].idxmin()], part.loc[part["mean"].idxmax()]
        unit = part["unit"].iloc[0]
        found.append(
            {
                "variable": variable,
                "unit": unit if isinstance(unit, str) and unit != "1" else MISSING,
                "mean": significant(part["mean"].mean()),
                "sd": significant(part["mean"].std()),
                "low": f"{low['label']} ({significant(low['mean'])})",
                "high": f"{high['label']} ({significant(high['mean'])})",
            }
        )
    return found


def _cautions(fit, restarts, parameters):
    """Sentences about what weakens the fit of this person without stopping it."""
    found = [
        f"In the fit {fit}, {entry['name']} ended at a bound of the search: consider wider bounds."
        for entry in parameters
        if entry["at_bound"]
    ]
    kept = restarts[restarts["selected"].astype(str) == "True"]
    if kept["reason"].astype(str).str.contains("fic_failed").any():
        found.append(
            f"In the fit {fit}, interpret the regional states with care: feedback inhibition control did not "
            "keep the firing rates within limits."
        )
    return found
