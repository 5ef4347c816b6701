"""What a reviewer would ask first about scans, nodes and searches: each thing once, with how many and who."""

import numpy as np
import pandas as pd

from cubnm_core.measures.comparison import FCD_TERMS
from workflow_scripts.cohort.scan_filters import UNKNOWN
from workflow_scripts.configuration.simulation import MATCH
from workflow_scripts.configuration.start import FROM_GROUP
from workflow_scripts.files.words import plural
from workflow_scripts.fitting.durations import WORTH_TELLING, expected_bias
from workflow_scripts.preparation.censoring import UNKNOWN_GAPS

SHORT_RUN = 300.0  # s: the FC of less is hardly that of a person
SHORT_FCD = 600.0  # s: the same of the FCD
WORTH_LEAVING_OUT = 0.05  # share of censored volumes; a fifth adds up to 0.1 to the distance of the FCD
FEW_CANDIDATES = 50  # simulations per free parameter below which the best may not have been found
SHOWN = 3  # names in a sentence; the tables have all
# Flags of quality control, and what they say of units.
TWICE = {
    "the same scan as": "have a scan that another unit has, too",
    "the same FC as": "have an FC, computed elsewhere, that another person has, too",
    "the same connectome as": "have a connectome that another person has, too",
    "a run is there twice": "had a run that was there twice",
}


def about_inputs(cohort):
    """Sentences on the data and the extent of the searches.

    Parameters
    ----------
    cohort : workflow_scripts.report.cohort.Cohort

    Returns
    -------
    list of str
    """
    everybody = cohort.table("qc")
    qc = everybody[everybody["bold"] == "ok"]
    return [
        *_same_data(everybody),
        *_without_fcd(everybody),
        *_short_runs(qc),
        *_short_dynamics(cohort, qc),
        *_other_lengths(cohort, qc),
        *_whole_simulations(cohort, qc),
        *_mixed_times(qc),
        *_unknown_filters(cohort, qc),
        *_removed_nodes(cohort),
        *_few_candidates(cohort),
    ]


def _same_data(qc):
    flags, found = qc["flags"].astype(str), []
    for kind, words in TWICE.items():
        if rows := [*qc.loc[flags.str.contains(kind, regex=False), "key"]]:
            found.append(f"{_who(rows)} {words}: see inputs and quality control.")
    sharing = pd.to_numeric(qc.get("sharing_connectome", pd.Series(dtype=float)), errors="coerce").dropna()
    if len(sharing):
        found.append(
            f"{plural(len(sharing), 'unit')} of {len(qc)} share a connectome, as the manifest says: what "
            "differs between them does not come from connectomes."
        )
    return found


def _without_fcd(qc):
    count = int(qc["notes"].astype(str).str.contains("bold.shortest_fcd", regex=False).sum())
    if not count:
        return []
    return [
        f"The FCD of {plural(count, 'unit')} of {len(qc)} counts in no cost and no score, because runs are "
        "shorter than bold.shortest_fcd: do not compare their costs with those of others."
    ]


def _short_runs(qc):
    if not (names := _units(qc, qc["shortest_run"] < SHORT_RUN)):
        return []
    return [
        f"Runs of less than {SHORT_RUN / 60:.0f} minutes were averaged in for {_who(names)} of {len(qc)}: "
        "their FC says little about a person (bold.shortest_scan excludes them)."
    ]


def _short_dynamics(cohort, qc):
    """FCDs of little data, where a fit is judged by them."""
    weighs = any(
        weight and "fcd" in term
        for setting in cohort.fit_settings.values()
        for term, weight in setting["objective"].items()
    )
    if not weighs or "windows_train" not in qc:
        return []
    seconds = qc["volumes_train"] * qc["repetition_time"]
    if not (names := _units(qc, (qc["windows_train"] > 0) & (seconds < SHORT_FCD))):
        return []
    return [
        f"The FCD that was fitted rests on less than {SHORT_FCD / 60:.0f} minutes of scan for {_who(names)} "
        f"of {len(qc)}: its distance (fcd_ks) says little about a person."
    ]


def _other_lengths(cohort, qc):
    """Fits by the FCD whose simulations have another length than the scans."""
    if "volumes_train" not in qc:
        return []
    found, runs = [], np.fmin(qc["shortest_run"], qc["volumes_train"] * qc["repetition_time"])  # or halves
    for fit, setting in cohort.fit_settings.items():
        simulation, objective = setting["simulation"], setting["objective"]
        if simulation["duration"] == MATCH or not any(objective.get(term) for term in FCD_TERMS):
            continue
        seconds, window = simulation["duration"] - simulation["burn_in"], setting["analysis"]["window"]
        biases = pd.Series([expected_bias(run, seconds, window) for run in runs], qc.index)
        if names := _units(qc, biases >= WORTH_TELLING):
            found.append(
                f"In the fit {fit}, simulations of {seconds:g} s are compared with runs of another length "
                f"for {_who(names)} of {len(qc)}, which adds up to {biases.max():.2f} to the distance of the "
                "FCD (fcd_ks) of a right model; simulation.duration: match compares equal lengths."
            )
    return found


def _whole_simulations(cohort, qc):
    """Simulations of which nothing is left out, although volumes of the scans were censored."""
    found = []
    if names := _units(qc, qc["notes"].astype(str).str.contains(UNKNOWN_GAPS, regex=False)):
        found.append(
            f"Volumes were removed from scans of {_who(names)} of {len(qc)}, and no mask says which: their "
            "simulations are as long as what is left, without gaps. Rows of kind mask would tell."
        )
    if names := _units(qc, qc["runs"] == 0) if "runs" in qc else []:
        found.append(
            f"FC and FCD of {_who(names)} of {len(qc)} were computed elsewhere: which volumes were censored "
            "is not known here, and nothing is left out of their simulations."
        )
    return found + _whole_groups(cohort, qc)


def _whole_groups(cohort, qc):
    groups = [fit for fit, setting in cohort.fit_settings.items() if is_group_fitted(setting)]
    if not groups or "censored_train" not in qc:
        return []
    share = (qc["censored_train"] / (qc["censored_train"] + qc["volumes_train"])).median()
    if not share >= WORTH_LEAVING_OUT:
        return []
    return [
        f"In the fit {', '.join(groups)}, the group is simulated without gaps, while {share:.0%} of the "
        "volumes of the median unit are censored: the distance of the group's FCD (fcd_ks) is biased, and so "
        "is where people's searches begin. Simulations of the people themselves leave the same volumes out."
    ]


def is_group_fitted(setting):
    """Say whether people start from a fit of the group, given the settings of their fit."""
    return (setting.get("start") or {}).get("from") == FROM_GROUP


def _mixed_times(qc):
    counts = qc["repetition_time"].value_counts()
    if len(counts) < 2:
        return []
    others = _units(qc, qc["repetition_time"].notna() & (qc["repetition_time"] != counts.index[0]))
    return [
        f"Repetition times differ: {counts.index[0]:g} s for most, another for {_who(others)}. FC and FCD of "
        "scans that were sampled differently are not the same measure: adjust for it, or leave them out."
    ]


def _unknown_filters(cohort, qc):
    """Scans of which no file says whether they were filtered, and simulations that are not."""
    is_stated = cohort.config.get("bold", {}).get("filtered") is not None
    if is_stated or cohort.config.get("synthetic") or "filter" not in qc:
        return []
    if not (names := _units(qc, qc["filter"].astype(str).str.contains(UNKNOWN))):
        return []
    return [
        f"No file says whether the scans of {_who(names)} of {len(qc)} were filtered before. If they were, "
        "simulations need the same filter: state bold.filtered."
    ]


def _removed_nodes(cohort):
    missing = cohort.table("missing_nodes")
    rows = missing[missing["dropped"].astype(str) == "True"]
    labels = list(dict.fromkeys(rows["label"]))
    if not labels:
        return []
    names = list(dict.fromkeys(rows["key"]))
    return [
        f"{plural(len(labels), 'node')} ({_some(labels)}) left out for everybody, because {_who(names)} "
        "lacked them (see inputs); node_policy.largest_missing excludes people instead."
    ]


def _few_candidates(cohort):
    found = []
    for fit, rows in cohort.successful.groupby("fit", sort=False):
        free = len(cohort.free(fit))
        simulations = int(rows["simulations"].median())
        if free and simulations < FEW_CANDIDATES * free:
            found.append(
                f"In the fit {fit}, a search tried {simulations} candidates for "
                f"{plural(free, 'free parameter')}: fewer than {FEW_CANDIDATES} for each, too few to trust "
                "that the best was found (config/protocols.yaml has longer searches)."
            )
    return found


def _units(qc, chosen):
    return list(qc.loc[chosen.fillna(False).astype(bool), "key"])


def _who(names):
    return f"{plural(len(names), 'unit')} ({_some(names)})"


def _some(names):
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(str, names[:SHOWN])) + more
