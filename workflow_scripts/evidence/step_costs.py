"""Rule step_costs: what each step of a protocol promised and what came of it, in one cost.

The first fit scores by linear response, which gives a part of the cost only. That part is what all steps can
be compared in; the whole cost stands beside it where simulations give it.
"""

import numpy as np
import pandas as pd

from cubnm_core.evidence.evaluation import weighted_cost
from cubnm_core.fitting.expectations import FLAG_MARKS
from workflow_scripts.configuration import objectives
from workflow_scripts.configuration.start import flagged_restarts
from workflow_scripts.files import dictionary, job, result_tables
from workflow_scripts.fitting import landscapes
from workflow_scripts.fitting.scoring import without_missing_fcd

KEYS = ("participant_id", "session_id", "fit", "step")
COSTS = ("expected", "simulated", "coarse", "verified")
WHOLE = ("simulated_whole", "coarse_whole", "verified_whole")
COLUMNS = (
    *KEYS,
    *COSTS,
    *WHOLE,
    "optimum_flagged",
    "began",
    "flagged_share",
    "n_candidates",
    "terms",
    "left_out",
)


def main(sm):
    """Write a row per unit and fit that begins with a step of its protocol."""
    logger = job.start(sm)
    fits = result_tables.read_texts(sm.input.fits)
    evaluation = result_tables.filled(result_tables.read_texts(sm.input.evaluation))
    files = landscapes.by_fit(sm.input.landscapes)
    names = {(str(ids["participant_id"]), _session(ids)): ids["unit"] for ids in sm.params.units}
    rows = []
    for step, fit in sm.params.steps.items():
        made = Steps(step, fit, sm.params.fits, fits, evaluation)
        for key, unit in names.items():
            if (row := made.row(key)) is not None:
                rows.append(row | flagged_share(files.get(step, {}).get(unit), unit))
    job.write_tsv(sm.output.table, rows, columns=COLUMNS)
    dictionary.write(sm.output.table)
    logger.info("%d people and fits that begin with linear response", len(rows))


def _session(ids):
    return str(ids["session_id"] or job.MISSING)


class Steps:
    """Costs of the steps of one fit.

    Parameters
    ----------
    step, fit : str
        The fit by linear response, and the one that starts from it.
    settings : dict of str to dict
        Resolved settings of all fits.
    fits, evaluation : pandas.DataFrame
        Tables of the cohort, as text.
    """

    def __init__(self, step, fit, settings, fits, evaluation):
        self.names, self.settings = (step, fit), settings[fit]
        self.part, self.whole = (
            {name: weight for name, weight in objectives.weights(settings[name]).items() if weight}
            for name in (step, fit)
        )
        chosen = fits[fits["selected"] == "True"]
        self.chosen = {name: _by_person(chosen[chosen["fit"] == name]) for name in self.names}
        train = evaluation[evaluation["split"] == "train"]
        self.scores = {name: _scores(train[train["fit"] == name]) for name in self.names}

    def row(self, key):
        """The row of a person; None where a step has no result."""
        step, fit = self.names
        first, last = (self.chosen[name].get(key) for name in self.names)
        if first is None or last is None:
            return None
        simulated, verified = (self.scores[name].get(key, {}) for name in self.names)
        found = {"simulated": simulated, "coarse": _numbers(last), "verified": verified}
        own = flagged_restarts(self.settings)
        from_flagged = int(last["restart"]) >= self.settings["optimizer"]["restarts"] - own
        return {
            **dict(zip(KEYS, (*key, fit, step), strict=True)),
            "expected": cost(_numbers(first), self.part),
            **{name: cost(terms, self.part) for name, terms in found.items()},
            **{f"{name}_whole": cost(terms, self.whole) for name, terms in found.items()},
            "optimum_flagged": float(first.get("simulated", 0)) > 0,
            "began": "flagged" if from_flagged else "optimum",
            "terms": ", ".join(self.part),
            "left_out": ", ".join(name for name in self.whole if name not in self.part) or job.MISSING,
        }


def cost(terms, weights):
    """Weighted sum of terms, without the FCD of scans that have none; None where another is not known."""
    terms = {name: value for name, value in terms.items() if np.isfinite(value)}
    weights = without_missing_fcd(weights, terms)
    if any(name not in terms for name in weights):
        return None
    return float(weighted_cost({name: terms[name] for name in weights}, weights))


def _by_person(rows):
    return {(row["participant_id"], row["session_id"]): row for row in rows.to_dict("records")}


def _numbers(row):
    """The cells of a row that are numbers."""
    values = pd.to_numeric(pd.Series(row), errors="coerce").dropna()
    return values.to_dict()


def _scores(rows):
    """Means over fresh seeds, by person and measure."""
    found = {}
    for row in rows.to_dict("records"):
        mean = pd.to_numeric(row["mean"], errors="coerce")
        found.setdefault((row["participant_id"], row["session_id"]), {})[row["measure"]] = float(mean)
    return found


def flagged_share(path, unit):
    """Share of the candidates of the first step that linear response flagged, and how many there were."""
    if path is None:
        return {"flagged_share": None, "n_candidates": 0}
    found = landscapes.read(path, unit)
    places = [found.terms.index(name) for name in FLAG_MARKS if name in found.terms]
    flagged = (found.values[:, places] > 0).any(axis=1)
    return {"flagged_share": float(flagged.mean()), "n_candidates": len(flagged)}


if "snakemake" in globals():
    main(snakemake)
