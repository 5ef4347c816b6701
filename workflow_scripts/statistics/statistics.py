"""Rule statistics: tests of parameters, states and scores, and their correlation with brain maps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.cohort import tables
from workflow_scripts.configuration import formulas
from workflow_scripts.files import dictionary, job
from workflow_scripts.files.result_tables import filled, read_table
from workflow_scripts.fitting import completeness
from workflow_scripts.statistics import (
    combat_tests,
    corrections,
    covariates,
    map_association,
    models,
    responses,
    term_tests,
)

SAME = "nobody is excluded, so the sample is that of all"
CIRCULAR = "scores are not explained by the quality of the fit, which is one of them"


def main(sm):
    """Run every model on every fit, correlate regional read-outs with maps, write the tables."""
    logger = job.start(sm)
    fits, evaluation, states, qc = (
        read_table(sm.input[name]) for name in ("fits", "evaluation", "states", "qc")
    )
    check_whole(sm, fits, evaluation, states, qc)
    evaluation = filled(evaluation)
    paths = [sm.input.participants] if isinstance(sm.input.participants, str) else sm.input.participants
    stated = [row for path in paths for row in tables.read_participants(path)]
    people = covariates.people_table(sm.params.units, stated, qc)
    settings = {**chosen_settings(sm.params.statistics, people), "threads": sm.threads}
    settings["fits"] = len(sm.params.fits)
    rows, summaries = [], []
    for fit, fit_settings in sm.params.fits.items():
        known = covariates.of_fit(people, fit, evaluation, sm.params.split)
        read = Fit(fit, fit_settings, fits, evaluation, states)
        for name, model in settings["models"].items():
            keys = {"model": name, "fit": fit}
            found, told = model_rows(model, read, known, settings)
            rows += [{**keys, **row} for row in found]
            summaries += [{**keys, **row} for row in told]
    found = corrections.find_primary(settings, sm.params.fits)
    rows = corrections.correct(corrections.with_roles(rows, found, sm.params.split))
    job.write_tsv(sm.output.statistics, rows, columns=term_tests.COLUMNS)
    job.write_tsv(sm.output.models, summaries, columns=term_tests.MODELS)
    nodes = tables.read_nodes(sm.input.nodes)
    maps = map_association.read_maps(sm.params.maps, nodes)
    related = map_association.association_rows(states, rows, nodes, maps, sm.params.fits, settings)
    job.write_tsv(sm.output.map_association, related, columns=map_association.COLUMNS)
    for name in ("statistics", "models", "map_association"):
        dictionary.write(sm.output[name])
    logger.info("%d tests of %d models, %d associations with maps", len(rows), len(summaries), len(related))


def check_whole(sm, fits, evaluation, states, qc):
    """Refuse tables of the cohort that lack somebody.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
    """
    names = [ids["unit"] for ids in sm.params.units]
    completeness.check_units(sm.input.qc, names, qc["key"])
    for fit in sm.params.fits:
        rows = fits[fits["fit"] == fit]
        completeness.check_units(sm.input.fits, names, rows["key"])
        scores = evaluation[evaluation["fit"] == fit]
        if "note" in evaluation:  # tables of former versions do not say who is left out
            chosen = rows.loc[rows["selected"].astype(str) == "True", "key"]
            completeness.check_units(sm.input.evaluation, chosen, scores["key"])
        regions = states.loc[states["fit"] == fit, "key"]
        completeness.check_units(sm.input.states, filled(scores)["key"], regions)


def chosen_settings(settings, people):
    """Settings with the models that are run: those of the configuration, else a default one."""
    stated = settings["models"]
    return {**settings, "models": models.default_model(people) if stated is None else stated}


class Fit:
    """Responses of one fit, each read from its table once."""

    def __init__(self, name, settings, fits, evaluation, states):
        self.chosen = responses.selected(fits, name)
        self.parameters = responses.parameters(fits, name, settings["free"])
        self.scores = responses.scores(evaluation, name)
        self.regional = responses.states(states, name, None)

    def families(self, model):
        """Families of responses of a model, and requested states that do not exist."""
        found, notes = [], []
        if "parameters" in model["quantities"]:
            found.append(self.parameters)
        if "scores" in model["quantities"]:
            terms = formulas.parse(model["formula"])
            if "fit_quality" in formulas.variables(terms):
                notes.append(CIRCULAR)
            else:
                found.append(self.scores)
        if "states" in model["quantities"]:
            wanted = model["states"]
            found += [
                family
                for family in self.regional
                if wanted is None or family.columns[0]["variable"] in wanted
            ]
            notes += responses.absent_states(self.regional, wanted)
        return found, notes


def model_rows(model, fit, people, settings):
    """Run a model on all people, without poor fits and boundary hits, and on harmonised states.

    Returns
    -------
    rows, summaries : list of dict
        Without model and fit.
    """
    families, notes = fit.families(model)
    everybody, trusted = samples(people, fit.chosen, settings["sensitivity"])
    rows, summary = sample_rows(model, families, notes, everybody, settings)
    if len(trusted.people) == len(everybody.people):
        checked, told = [], {**summary, "sample": trusted.name, "note": SAME}
    else:
        checked, told = sample_rows(model, families, notes, trusted, settings)
    if model["combat"] is None:
        return rows + checked, [summary, told]
    found, third = combat_tests.run_model(model, families, everybody.people, everybody.left_out, settings)
    found = [{"sample": combat_tests.SAMPLE, **row} for row in found]
    third |= {"sample": combat_tests.SAMPLE, "smallest_level": summary["smallest_level"]}
    return rows + checked + found, [summary, told, third]


def sample_rows(model, families, notes, sample, settings):
    """Run a model on a sample; its summary names requested states that do not exist."""
    rows, summary = term_tests.run_model(model, families, sample.people, sample.left_out, settings)
    summary |= {"sample": sample.name, "note": "; ".join(filter(None, [*notes, summary["note"]]))}
    return [{"sample": sample.name, **row} for row in rows], summary


@dataclass(frozen=True, eq=False)
class Sample:
    """Included units, one row each, and how many were excluded for what reason."""

    name: str
    people: pd.DataFrame
    left_out: dict


def samples(people, chosen, limits):
    """All people with this fit, and those without poor fits and boundary hits.

    Parameters
    ----------
    people : pandas.DataFrame
        One row per unit, with ``fit_quality``.
    chosen : pandas.DataFrame
        The selected restart of every unit.
    limits : dict
        ``sensitivity`` of the configuration.

    Returns
    -------
    everybody, trusted : Sample
    """
    fitted = people[people.index.isin(chosen.index)]
    several = people["participant_id"].duplicated().any()
    who = "session(s) " if several else ""  # a person stays as long as one session does
    absent = {f"{who}without this fit": len(people) - len(fitted)}
    lowest = limits["fit_quality"]
    poor = fitted["fit_quality"] < (-np.inf if lowest is None else lowest)
    at_bounds = chosen["at_bounds"].reindex(fitted.index).notna() & limits["at_bounds"] & ~poor
    doubtful = {
        f"{who}with FC r below {lowest}": int(poor.sum()),
        f"{who}with a parameter at a bound": int(at_bounds.sum()),
    }
    trusted = Sample(term_tests.TRUSTED, fitted[~poor & ~at_bounds], {**absent, **doubtful})
    return Sample(term_tests.ALL, fitted, absent), trusted


if "snakemake" in globals():
    main(snakemake)
