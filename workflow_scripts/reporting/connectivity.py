"""Empirical beside simulated FC and FCD, person by person."""

import numpy as np

from cubnm_core.connectivity import pair_indices
from workflow_scripts.figures import connectivity as figures
from workflow_scripts.figures.style import picture
from workflow_scripts.reporting.formatting import number
from workflow_scripts.reporting.scores import SPLITS, column, unit_scores
from workflow_scripts.reporting.section import Section
from workflow_scripts.reporting.selection import extreme_units, shown_units

SHOWN_IN_FULL = 8  # more than tens of people at this size would make a page of many megabytes


def section(cohort):
    """One card for each shown unit."""
    split = cohort.scored_split
    extremes = extreme_units(cohort)
    cards = [_card(cohort, unit, split, extremes) for unit in shown_units(cohort, SHOWN_IN_FULL)]
    cards = [card for card in cards if card]
    n_scored = cohort.table("evaluation")["key"].nunique()
    context = {"cards": cards, "split": SPLITS[split], "n_scored": n_scored, "limit": SHOWN_IN_FULL}
    return Section("connectivity", "Empirical and simulated connectivity", "connectivity.html.j2", context)


def _card(cohort, unit, split, extremes):
    empirical = cohort.target(unit, split)
    simulated = {fit: run for fit in cohort.fits if "fc" in (run := cohort.simulation(fit, unit))}
    if "fc" not in empirical or not simulated:
        return None
    pair_index = _pair_index(cohort, len(empirical["fc"]))
    if pair_index is None:
        return None
    scores = [{"fit": fit, "text": _score_text(cohort, fit, unit, split)} for fit in simulated]
    alt = f"{unit}: empirical and simulated FC matrices, scatter of their entries, FCD distributions. "
    alt += " ".join(score["text"] for score in scores)
    hemispheres = _hemispheres(cohort, pair_index)
    drawn = picture(
        figures.person, empirical, simulated, pair_index, hemispheres, SPLITS[split], cohort.fits, alt=alt
    )
    return {"key": unit, "mark": extremes.get(unit, ""), "picture": drawn, "scores": scores}


def _score_text(cohort, fit, unit, split):
    scores = unit_scores(cohort, fit)
    r, ks = (column(scores, split, measure, "mean").get(unit, np.nan) for measure in ("fc_corr", "fcd_ks"))
    return f"{fit}: FC r {number(r)}, FCD KS {number(ks)} (means over seeds)."


def _pair_index(cohort, n_pairs):
    """Rows and columns of the FC vector; None where the node table does not explain its length."""
    n_all = round((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    if next(iter(cohort.fit_settings.values()))["analysis"]["pairs"] == "all":
        return pair_indices(n_all) if n_all * (n_all - 1) // 2 == n_pairs else None
    hemispheres = cohort.nodes.get("hemisphere")
    if hemispheres is None:
        return None
    pair_index = pair_indices(len(hemispheres), hemispheres.to_numpy(), "intrahemispheric")
    return pair_index if len(pair_index[0]) == n_pairs else None


def _hemispheres(cohort, pair_index):
    """Hemisphere of every node, None where the node table is of another size."""
    hemispheres = cohort.nodes.get("hemisphere")
    n_nodes = int(pair_index[0].max()) + 1
    return None if hemispheres is None or len(hemispheres) != n_nodes else hemispheres.to_numpy()
