"""What the statistical models would probably find in the people there are, before any fit."""

from pathlib import Path

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.statistics.linear_models import HEDGES, PARTIAL_ETA, PARTIAL_R
from cubnm_core.statistics.power import LEVEL, POWER, detectable_effect
from workflow_scripts.cohort import statistical_models
from workflow_scripts.files.result_tables import read_table
from workflow_scripts.files.words import plural
from workflow_scripts.statistics import planned_designs
from workflow_scripts.statistics.designs import JOINT, make_design

RELIABILITY = "results/cohort/reliability.tsv"
SYMBOLS = {HEDGES: "d", PARTIAL_R: "partial r", PARTIAL_ETA: "partial η²"}
HEAD = f"Detectable effects ({100 * POWER:.0f} % power, two-sided test of one response at {LEVEL:g}):"
UNKNOWN = (
    "Reliability is not known yet (it needs two sessions and a finished run): with an ICC of .5, true "
    "effects "
    "must be 1.4 times as large as these."
)
EXPLORATORY = "Corrected over many responses, effects must be larger."


def lines(config, units):
    """Say which effects would be found.

    Parameters
    ----------
    config : dict
        Completed and checked.
    units : dict of str to dict
        As returned by :func:`workflow_scripts.cohort.tables.units`.

    Returns
    -------
    list of str
        None where there is no model, or nobody knows the people yet.
    """
    if not statistical_models.has_people(config):
        return []
    decided, known = statistical_models.find_primary(config), read_reliability()
    told = []
    for name, model, people in planned_designs.samples(config, units):
        told += _of_model(name, model, people, decided, known)
    if not told:
        return []
    primary = [text for is_primary, text in told if is_primary]
    others = [text for is_primary, text in told if not is_primary]
    return [HEAD, *primary, *others, *([] if known else [UNKNOWN]), EXPLORATORY, ""]


def _of_model(name, model, people, decided, known):
    """Lines of a model, each with whether it is the primary test."""
    try:
        design = make_design(model, people)
    except InputError:
        return []  # told at the start
    clusters = None if model["random"] is None else people[model["random"]].map(str).to_numpy()
    several = {contrast.term for contrast in design.contrasts if contrast.name == JOINT}
    found = []
    for contrast in design.contrasts:
        effect = detectable_effect(design.matrix, contrast.columns, contrast.two_levels, clusters)
        whole = contrast.name == JOINT or contrast.term not in several
        asked = f"{contrast.term} ({contrast.name})"
        text = f"  {name}, {asked}, {plural(people['participant_id'].nunique(), 'person')}: {_size(effect)}"
        if _is_primary(decided, name, contrast, whole):
            response = decided.variable
            text = f"{text}; the primary analysis, of {response} in fit {decided.fit}"
            mine = {key: icc for key, icc in known.items() if key == (decided.fit, response)}
            found.append((True, text + _attenuated(effect, mine)))
        else:
            found.append((False, text + _attenuated(effect, known)))
    return found


def _is_primary(decided, name, contrast, whole):
    if decided is None or (decided.model, decided.term) != (name, contrast.term):
        return False
    return whole if decided.contrast is None else decided.contrast == contrast.name


def _size(effect):
    return f"{SYMBOLS[effect.effect]} {effect.size:.2f}"


def _attenuated(effect, known):
    """True effects behind a measured one, for responses whose reliability is known."""
    told = [
        f"{variable} ({fit}, ICC {icc:.2f}) {_true(effect.attenuate(icc))}"
        for (fit, variable), icc in known.items()
    ]
    return f"; of true values: {', '.join(told)}" if told else ""


def _true(size):
    return "none is large enough" if np.isnan(size) else f"{size:.2f}"


def read_reliability(path=RELIABILITY):
    """Intraclass correlations of a session's parameters; none before a run with sessions.

    Returns
    -------
    dict of (str, str) to float
    """
    if not Path(path).exists():
        return {}
    rows = read_table(path).dropna(subset="icc")
    rows = rows[(rows["quantity"] == "parameter") & (rows["source"] == "simulated")]
    rows = rows[(rows["icc_type"] == "ICC(2,1)") & rows["label"].isna()]
    return {(row["fit"], row["variable"]): float(row["icc"]) for row in rows.to_dict("records")}
