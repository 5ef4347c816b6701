"""Rule compare_fits: fits beside each other and beside every baseline; where their optimism comes from."""

from dataclasses import asdict
from itertools import combinations

import numpy as np
import pandas as pd

from cubnm_core.evidence.evaluation import optimism, weighted_cost
from cubnm_core.measures.comparison import FC_TERMS, FCD_TERMS
from cubnm_core.measures.objective import is_reward
from cubnm_core.statistics.paired import compare_paired, holm, verdict
from workflow_scripts.configuration import objectives
from workflow_scripts.files import dictionary, job, result_tables
from workflow_scripts.fitting import scoring

SPLITS = ("train", "test")
OPTIMISM = (
    *scoring.KEYS,
    "measure",
    "search",
    *SPLITS,
    "seed_part",
    "scan_part",
    *scoring.ANALYSIS,
    "seeds",
)
FOUND = ("n_people", "fit_mean", "other_mean", "difference", "low", "high", "p", "p_corrected")
FOUND = (*FOUND, "n_better", "effect_size", "verdict")
COMPARISON = ("fit", "other", "split", "measure", *FOUND, *scoring.ANALYSIS)
MEASURES = ("fc_corr", "fcd_ks", "fcd_ks_binned", "cost")
# The cost without terms of firing rates and the user's own, which a signal without neurons has not.
BOLD_COST = "cost_of_fc_and_fcd"
# Baselines that a fit is held against: the measure that each speaks to.
BASELINES = {
    "sc_fc": "fc_corr",
    "diffusion_fc": "fc_corr",
    "distance_fc": "fc_corr",
    "global_signal_fc": "fc_corr",
    "group_mean_fc": "fc_corr",
    "scan_rescan_fc": "fc_corr",
    "global_signal_ks": "fcd_ks",
    "scan_rescan_ks": "fcd_ks",
    "global_signal_cost": BOLD_COST,
}


def main(sm):
    """Write the comparison of fits and the parts of their optimism."""
    logger = job.start(sm)
    fits, settings = result_tables.read_texts(sm.input.fits), sm.params.fits
    evaluation = numeric(result_tables.filled(result_tables.read_texts(sm.input.evaluation)), "mean")
    baselines = numeric(result_tables.read_texts(sm.input.baselines), "value")
    job.write_tsv(sm.output.optimism, optimism_rows(fits, evaluation, settings), columns=OPTIMISM)
    rows = comparison_rows(evaluation, baselines, settings)
    job.write_tsv(sm.output.comparison, rows, columns=COMPARISON)
    for path in (sm.output.optimism, sm.output.comparison):
        dictionary.write(path)
    logger.info("%d comparisons of %d fit settings", len(rows), len(settings))


def numeric(table, column):
    """Keep the rows of a table that have a number, as a number."""
    return table.assign(**{column: pd.to_numeric(table[column], errors="coerce")}).dropna(subset=column)


def optimism_rows(fits, evaluation, settings):
    """Make one row per unit, fit and measure: what the search saw, and what became of it.

    Parameters
    ----------
    fits : pandas.DataFrame
        Table of the fits, as text.
    evaluation : pandas.DataFrame
        Scores over fresh seeds, ``mean`` as a number.
    settings : dict of str to dict
        Resolved settings of the fits.

    Returns
    -------
    list of dict
    """
    keys = list(scoring.KEYS)
    scores = evaluation.set_index([*keys, "measure", "split"])["mean"].to_dict()
    stored = evaluation.drop_duplicates(keys).set_index(keys)[[*scoring.ANALYSIS, "seeds"]].to_dict("index")
    rows = []
    chosen = fits[(fits["selected"] == "True") & fits["fit"].isin(settings)]
    for row in chosen.to_dict("records"):
        unit = tuple(row[key] for key in keys)
        for measure, search in compare_searches(row, objectives.weights(settings[row["fit"]])).items():
            train, test = (scores.get((*unit, measure, split), np.nan) for split in SPLITS)
            if np.isnan(train):
                continue
            parts = dict(zip(("seed_part", "scan_part"), optimism(search, train, test), strict=True))
            found = {"measure": measure, "search": search, "train": train, "test": test, **parts}
            rows.append({**dict(zip(keys, unit, strict=True)), **found, **stored[unit]})
    return rows


def compare_searches(row, weights):
    """Scores of the chosen candidate in the search; a prior is no part of the cost, as in the evaluation."""
    known = [name for name in {*MEASURES, *weights} if row.get(name, job.MISSING) != job.MISSING]
    terms = {name: float(row[name]) for name in known}
    shown = {name: terms[name] for name in MEASURES if name in terms}
    return shown | {"cost": weighted_cost(terms, scoring.without_missing_fcd(weights, terms))}


def comparison_rows(evaluation, baselines, settings):
    """Compare every pair of fits, and every fit with every baseline, over people.

    Parameters
    ----------
    evaluation : pandas.DataFrame
    baselines : pandas.DataFrame
        ``value`` as a number; ``fit`` is n/a where a baseline belongs to no fit.
    settings : dict of str to dict

    Returns
    -------
    list of dict
        On held-out scans, or on training scans where nothing is held out.
    """
    split = SPLITS[int((evaluation["split"] == "test").any())]
    fits = [fit for fit in settings if (evaluation["fit"] == fit).any()]
    scores = {fit: person_scores(evaluation, fit, split, objectives.weights(settings[fit])) for fit in fits}
    rows = []
    for measure in MEASURES:
        pairs = [pair for pair in combinations(fits, 2) if comparable(measure, *(settings[f] for f in pair))]
        rows += family([(pair, measure, compare(*(scores[fit] for fit in pair), measure)) for pair in pairs])
    for baseline in BASELINES:
        rows += baseline_family(baselines, baseline, scores, split)
    stored = evaluation[list(scoring.ANALYSIS)].iloc[:1].to_dict("records")
    return [{**row, "split": split, **stored[0]} for row in rows]


def comparable(measure, one, other):
    """Costs compare only where both fits weigh the same terms in the same way."""
    return measure != "cost" or objectives.weights(one) == objectives.weights(other)


def person_scores(evaluation, fit, split, weights):
    """Scores of every participant, sessions averaged: rows are participants, columns measures."""
    rows = evaluation[(evaluation["fit"] == fit) & (evaluation["split"] == split)]
    wide = rows.pivot_table(index=list(scoring.KEYS[:2]), columns="measure", values="mean")
    counted = {name: weights[name] for name in (*FC_TERMS, *FCD_TERMS) if weights.get(name)}
    if counted and set(counted) <= set(wide.columns):
        wide[BOLD_COST] = weighted_cost(wide, counted)
    return wide.groupby(level="participant_id").mean()


def baseline_family(baselines, baseline, scores, split):
    """Compare every fit with one baseline, where there is any."""
    rows = baselines[baselines["measure"] == baseline]
    if not baseline.startswith("scan_rescan"):  # which belongs to no split
        rows = rows[rows["split"] == split]
    found = []
    for fit, mine in scores.items():
        measure = BASELINES[baseline]
        if measure == "fcd_ks" and measure not in mine:
            measure = "fcd_ks_binned"
        own = rows[rows["fit"].isin([fit, job.MISSING])]
        units = own.groupby(list(scoring.KEYS[:2]))["value"].mean()
        theirs = pd.DataFrame({measure: units.groupby(level="participant_id").mean()})
        found.append(((fit, baseline), measure, compare(mine, theirs, measure)))
    return family(found)


def compare(one, other, measure):
    """Compare a measure of the people that both tables have; None where there are none."""
    if measure not in one or measure not in other:
        return None
    both = pd.concat([one[measure], other[measure]], axis="columns", join="inner")
    return compare_paired(*both.to_numpy().T, higher_is_better=is_reward(measure))


def family(tests):
    """Make the rows of comparisons whose p values are corrected together."""
    kept = [(pair, measure, found) for pair, measure, found in tests if found is not None]
    corrected = holm([found.p for *_, found in kept])
    return [
        {"fit": fit, "other": other, "measure": measure, **asdict(found), "fit_mean": found.mean}
        | {"p_corrected": p, "verdict": verdict(found.difference, p, is_reward(measure))}
        for ((fit, other), measure, found), p in zip(kept, corrected, strict=True)
    ]


if "snakemake" in globals():
    main(snakemake)
