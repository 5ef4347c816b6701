"""Rows of scores over noise seeds, and what stands beside every score, for all rules that score."""

import numpy as np

from cubnm_core.measures.comparison import FCD_TERMS
from cubnm_core.measures.objective import has_failed
from cubnm_core.simulation.simulation import STATUS

KEYS = ("participant_id", "session_id", "fit")
ANALYSIS = ("pairs", "band_pass", "window", "window_step", "edges")
EVALUATION = (*KEYS, "split", "measure", "mean", "sd", "n_seeds", "n_failed", *ANALYSIS, "seeds", "note")


def score_rows(keys, evaluated, settings):
    """Make one row per split and measure, with the settings of the analysis beside every score.

    Parameters
    ----------
    keys : dict
        Columns that say whose scores they are.
    evaluated : cubnm_core.evidence.evaluation.Evaluation
    settings : dict
        Resolved settings of the fit.

    Returns
    -------
    list of dict
    """
    failed = int(has_failed(evaluated.status).sum())
    stored = {"n_seeds": len(evaluated.seeds), "n_failed": failed}
    stored |= conditions(settings, evaluated.seeds)
    return [
        {**keys, "split": split, "measure": measure, "mean": mean, "sd": sd, **stored}
        for split in evaluated.scores
        for measure, (mean, sd) in evaluated.score_summary(split).items()
    ]


def missing_rows(keys, reasons, settings):
    """Make one row for each split that somebody has no scores of, with the reason as its note.

    Parameters
    ----------
    keys : dict
        Columns that say who it is.
    reasons : dict of str to str
        By split.
    settings : dict
        Resolved settings of the fit.

    Returns
    -------
    list of dict
    """
    stored = analysis_columns(settings["analysis"])
    return [{**keys, "split": split, "note": reason, **stored} for split, reason in reasons.items()]


def conditions(settings, seeds):
    """Give what stands beside every score: pairs, filter and windows of the analysis, and the noise seeds."""
    return {**analysis_columns(settings["analysis"]), "seeds": f"{seeds[0]}-{seeds[-1]}"}


def analysis_columns(analysis):
    """Give pairs, filter and windows of an analysis as tables hold them."""
    band = analysis["band_pass"]
    stored = {key: analysis[key] for key in ANALYSIS}
    return {**stored, "band_pass": "none" if band is None else f"{band[0]}-{band[1]}"}


def describe(evaluated):
    """Say the scores of a person in one line."""
    parts = []
    for split in evaluated.scores:
        scores = evaluated.score_summary(split)
        shown = [name for name in ("fc_corr", "fcd_ks") if name in scores]
        named = [f"{name} {_told(*scores[name])}" for name in shown]
        parts.append(f"{split} {', '.join(named)}")
    for code in sorted(set(evaluated.status) - {0}):
        count = np.count_nonzero(evaluated.status == code)
        parts.append(f"{count} of {len(evaluated.seeds)} simulations ended with the status {STATUS[code]}")
    return "; ".join(parts)


def _told(mean, sd):
    """Mean and SD, which one average of simulations has not."""
    return f"{mean:.3f}" if np.isnan(sd) else f"{mean:.3f} ± {sd:.3f}"


def without_missing_fcd(weights, terms):
    """Weights of a cost without the FCD, where a scan has none: the search left it out as well."""
    return {name: weight for name, weight in weights.items() if name in terms or name not in FCD_TERMS}
