"""Verdicts in words, for all sections; and fits against baselines and each other (fit_comparison.tsv)."""

import numpy as np

from cubnm_core.statistics.paired import BETTER, FEWEST, LEVEL, TOO_FEW, UNSURE, WORSE, people_needed
from workflow_scripts.report.formatting import MISSING, number

MEASURES = {"fc_corr": "FC r", "fcd_ks": "FCD KS", "cost": "cost"}
HIGHER_IS_BETTER = {"fc_corr": True, "fcd_ks": False}
# Baselines: name in the table, the measure they are compared in, and label.
BASELINES = {
    "sc_fc": ("fc_corr", "SC–FC correlation"),
    "diffusion_fc": ("fc_corr", "linear diffusion"),
    "distance_fc": ("fc_corr", "distance rule"),
    "global_signal_fc": ("fc_corr", "global signal"),
    "group_mean_fc": ("fc_corr", "group-mean FC"),
    "scan_rescan_fc": ("fc_corr", "scan–rescan agreement"),
    "global_signal_ks": ("fcd_ks", "global signal"),
    "scan_rescan_ks": ("fcd_ks", "scan–rescan agreement"),
}
# Measures, and those that occur in comparisons only.
COMPARED = {**MEASURES, "fcd_ks_binned": "FCD KS", "cost_of_fc_and_fcd": "cost of FC and FCD"}
LABELS = {**{name: label for name, (_, label) in BASELINES.items()}, "global_signal_cost": "global signal"}
#: What a verdict says of one thing, or of several, and another.
RELATIONS = {
    BETTER: ("beats", "beat"),
    WORSE: ("is worse than", "are worse than"),
    UNSURE: ("is not distinguishable from", "are not distinguishable from"),
    TOO_FEW: ("versus", "versus"),
}
MANY = 2000  # people beyond whom no cohort is proposed


def is_better(score, baseline, measure):
    """Whether a score is on the better side of a baseline; a tie is not."""
    return bool(score > baseline if HIGHER_IS_BETTER[measure] else score < baseline)


def relation(verdict, several=False):
    """The verb of a verdict, for the sentence that compares one thing (or several) with another."""
    return RELATIONS[verdict][several]


def kind(row):
    """Class of a verdict on the page: "beats", "loses" or "unsure"."""
    return {BETTER: "beats", WORSE: "loses"}.get(row["verdict"], "unsure")


def label(other):
    """What a fit is compared with: a baseline in words, or another fit by its name."""
    return LABELS.get(other, other)


def label_with_measure(name):
    """A measure of baselines.tsv in words: the baseline, and what it is compared in."""
    if name not in LABELS:
        return name.replace("_", " ")
    measure = BASELINES[name][0] if name in BASELINES else "cost_of_fc_and_fcd"
    return f"{LABELS[name]}, {COMPARED[measure]}"


def too_few(rows):
    """Say that some comparisons rest on too few people for a verdict; None if none does."""
    if not any(row["verdict"] == TOO_FEW for row in rows):
        return None
    return (
        f"With fewer than {FEWEST} people a paired test cannot reach p = 0.05: those comparisons have a "
        "difference but no verdict."
    )


def interval(row):
    """The difference with its interval, where there is one."""
    limits = [number(row[name], sign=True) for name in ("low", "high")]
    shown = f" [{', '.join(limits)}]" if MISSING not in limits else ""
    return number(row["difference"], sign=True) + shown


def p_text(p):
    """A p value as text."""
    return MISSING if not np.isfinite(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def people_to_tell(row, n_tests):
    """Say how many people would make an inconclusive comparison conclusive.

    Parameters
    ----------
    row : dict
        Of fit_comparison.tsv.
    n_tests : int
        Comparisons that were corrected together.

    Returns
    -------
    str
        A number; "more" where no difference among as few people survives the correction.
    """
    n = int(row["n_people"])
    if row["verdict"] != UNSURE:
        return MISSING
    if 2.0 ** (1 - n) * n_tests > LEVEL:
        return "more"
    needed = people_needed(row["effect_size"])
    if needed is None or needed <= n:
        return MISSING
    return f"> {MANY:,}" if needed > MANY else f"{needed:,}"
