"""Rule null_tests: scores of own and null models over the cohort; p values of refitted ones.

Sessions of a person are averaged first. Forward nulls have no p, because the person's parameters were fitted
to the person's own connectome and map. The p of refitted nulls is one-sided and decides whether own is
better; all other verdicts are those of the paired test, on own and the mean of a person's nulls.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from cubnm_core.evidence.nulls import SHARED, p_value
from cubnm_core.measures.objective import is_reward
from cubnm_core.statistics.paired import BETTER, LEVEL, UNSURE, WORSE, compare_paired
from workflow_scripts.cohort.units import Unit
from workflow_scripts.evidence import null_completeness, null_models
from workflow_scripts.files import job, result_tables
from workflow_scripts.files.result_tables import concatenate
from workflow_scripts.fitting import completeness, scoring

MEASURES = ("fc_corr", "fcd_ks", "fcd_ks_binned", "cost")
GROUP = ["fit", "null", "refitted", "split", "measure"]
CONDITIONS = [*scoring.ANALYSIS, "n_seeds"]
FOUND = ("n_people", "n_nulls", "observed", "null_mean", "difference", "low", "high", "p", "verdict")
COLUMNS = (*GROUP, *FOUND, *CONDITIONS)


def main(sm):
    """Put the tables of all batches together and test them."""
    logger = job.start(sm)
    check_whole(sm)
    scores = concatenate(sm.input.nulls)
    job.write_tsv(sm.output.nulls, scores)
    job.write_tsv(sm.output.rewiring, concatenate(sm.input.rewiring))
    rows = comparison_rows(scores)
    job.write_tsv(sm.output.null_tests, rows, columns=COLUMNS)
    logger.info("%d comparisons with null models", len(rows))


def check_whole(sm):
    """Refuse tables without somebody who was fitted, a null model, a split or a measure.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
        Naming the file of the batch.
    """
    if not null_completeness.is_asked(sm.params.nulls):
        return
    known = {ids["unit"]: Unit.from_record(ids) for ids in sm.params.units}
    refits = {fit: null_completeness.read_refits(of_fit(sm.input.null_fits, fit)) for fit in sm.params.fits}
    tables = [
        completeness.read_batches(sm.params.fits, sm.params.batches, paths)
        for paths in (sm.input.nulls, sm.input.rewiring, sm.input.fits)
    ]
    for (fit, batch, path, scores), (*_, place, rewiring), (*_, fits) in zip(*tables, strict=True):
        units = [known[name] for name in sm.params.batches[batch]]
        mine = {key for key in refits[fit] if key[:2] in {unit.key for unit in units}}
        null_completeness.check_nulls(path, scores, units, fits, mine, sm.params.nulls["count"])
        null_completeness.check_rewiring(place, rewiring, scores)


def of_fit(paths, fit):
    """Files of one fit among those of all, which lie in a folder of its name."""
    return [path for path in paths if Path(path).parent.name == fit]


def comparison_rows(scores):
    """Compare own with null models, one row per fit, kind, way, split and measure.

    Parameters
    ----------
    scores : pandas.DataFrame
        As rule nulls writes it, read as text.

    Returns
    -------
    list of dict
    """
    scores = result_tables.filled(scores)
    scores = scores[scores["measure"].isin(MEASURES)]
    scores = scores.assign(mean=pd.to_numeric(scores["mean"], errors="coerce"))
    is_own = scores["null"] == null_models.OWN
    own = scores[is_own].groupby(["fit", "split", "measure", "participant_id"])["mean"].mean()
    rows = []
    for key, members in scores[~is_own].groupby(GROUP, sort=False):
        named = dict(zip(GROUP, key, strict=True))
        wide = members.pivot_table(index="participant_id", columns="index", values="mean", aggfunc="mean")
        mine = own.loc[named["fit"], named["split"], named["measure"]].reindex(wide.index)
        conditions = {name: ", ".join(members[name].unique()) for name in CONDITIONS}
        rows.append({**named, **compare(mine.to_numpy(), wide.to_numpy(), named), **conditions})
    return rows


def compare(own, null, named):
    """Compare the own scores of people, (n,), with those of their null models, (n, K) with NaN for none."""
    known = np.isfinite(own) & np.isfinite(null).any(axis=1)
    own, null = own[known], null[known]
    means = np.array([np.nanmean(row) for row in null])
    rising = is_reward(named["measure"])
    found = compare_paired(own, means, rising)
    if found is None:
        return {"n_people": 0, "n_nulls": 0}
    p, verdict = np.nan, found.verdict
    if named["refitted"] == "True":
        shared = named["null"] in SHARED  # people are not independent, so the paired test says nothing
        p = p_value(own, null, 1 if rising else -1, shared)
        verdict = BETTER if p <= LEVEL else WORSE if verdict == WORSE and not shared else UNSURE
    return {
        "n_people": found.n_people,
        "n_nulls": null.shape[1],
        "observed": own.mean(),
        "null_mean": means.mean(),
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": p,
        "verdict": verdict,
    }


if "snakemake" in globals():
    main(snakemake)
