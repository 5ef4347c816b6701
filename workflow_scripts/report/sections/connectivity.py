"""Empirical and simulated FC and FCD of some people; those of the others are on their pages."""

import numpy as np

from workflow_scripts.report.formatting import number
from workflow_scripts.report.section import Section
from workflow_scripts.report.sections.scores import SPLITS, column, unit_scores
from workflow_scripts.report.selection import extreme_units, shown_units

PLACE = "connectivity"


def section(cohort):
    """One card for each shown unit."""
    extremes = extreme_units(cohort)
    cards = [_card(cohort, unit, extremes) for unit in shown_units(cohort, cohort.people_shown)]
    n_scored = cohort.table("evaluation")["key"].nunique()
    context = {
        "cards": [card for card in cards if card],
        "split": SPLITS[cohort.scored_split],
        "n_scored": n_scored,
    }
    return Section("connectivity", "Empirical and simulated connectivity", "connectivity.html.j2", context)


def _card(cohort, unit, extremes):
    drawn = cohort.drawings.of(unit).get(PLACE)
    if drawn is None:
        return None
    return {
        "key": unit,
        "mark": extremes.get(unit, ""),
        "picture": drawn,
        "scores": score_texts(cohort, unit),
    }


def score_texts(cohort, unit):
    """Caption of a picture: scores of every fit on held-out scans, or training scans without any."""
    found = []
    for fit in cohort.fits:
        scores = unit_scores(cohort, fit)
        if unit in scores.index:
            r, ks = (
                column(scores, cohort.scored_split, measure, "mean").get(unit, np.nan)
                for measure in ("fc_corr", "fcd_ks")
            )
            text = f"{fit}: FC r {number(r)}, FCD KS {number(ks)} (means over seeds)."
            found.append({"fit": fit, "text": text})
    return found
