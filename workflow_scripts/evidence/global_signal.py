"""Rule global_signal: one shared signal beside noise, fitted to everybody, with the cost of every fit."""

import json
import logging
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.evidence import global_signal as core
from cubnm_core.measures.objective import weighs_only_fcd
from workflow_scripts.cohort import noise_seeds, tables, units
from workflow_scripts.configuration import objectives
from workflow_scripts.files import job
from workflow_scripts.fitting.people import People, Person, damaged
from workflow_scripts.fitting.scoring import ANALYSIS, KEYS, conditions

COLUMNS = (*KEYS, "split", "measure", "value", "sd", "n_seeds", *ANALYSIS, "seeds", "note")
# How the measures of this baseline are called; the binned distance stands in where there is no other.
MEASURES = {"fc_corr": "global_signal_fc", "fcd_ks": "global_signal_ks", "cost": "global_signal_cost"}
PARAMETERS = ("global_signal_share", "global_signal_autocorrelation")
NO_TERM = "the objective weighs neither FC nor FCD, so a signal without neurons cannot be fitted with it"

LACKING = "the training scans have no FCD, which the objective weighs"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Case:
    """One fit setting and one person that the model is fitted to."""

    fit: str
    settings: dict
    objective: object
    person: Person

    @property
    def conditions(self):
        """Everything that signals depend on: cases that share it share them, each with its own strengths."""
        person = self.person
        stated = {"duration": person.duration, "burn_in": self.settings["simulation"]["burn_in"]}
        stated |= {"repetition_time": person.repetition_time, "analysis": self.settings["analysis"]}
        text = json.dumps([stated, person.unit.session_id], sort_keys=True)
        return text, tuple((split, target.layout) for split, target in person.targets.items())


def main(sm):
    """Fit two parameters for every person and fit setting, and score them over fresh noise."""
    job.start(sm)
    archives = People(sm.input.connectomes, sm.input.targets, sm.params.splits)
    asked = units.from_records(sm.params.units)
    people, unusable = archives.read_usable(asked)
    reasons = damaged(unusable)
    hemispheres = [node["hemisphere"] for node in tables.read_nodes(sm.input.nodes)]
    cases, rows = cases_of(sm.params.fits, list(people.values()))
    left_out = [unit for unit in asked if unit.name in reasons]
    rows += [missing_row(fit, unit, reasons[unit.name]) for fit in sm.params.fits for unit in left_out]
    groups = defaultdict(list)
    for case in cases:
        groups[case.conditions].append(case)
    for group in groups.values():
        rows += rows_of(group, hemispheres, sm.params.first_seed, sm.params.seeds)
    logger.info("%d people, %d fit settings", len(people), len(sm.params.fits))
    job.write_tsv(sm.output[0], rows, columns=COLUMNS)


def rows_of(group, hemispheres, first_seed, n_seeds):
    """As :func:`fit_rows`; if there is an error together, each person alone, or that person's reason."""
    try:
        return fit_rows(group, hemispheres, first_seed, n_seeds)
    except InputError as error:
        people = {case.person.unit.name for case in group}
        if len(people) == 1:
            logger.warning("%s has no global signal beside the fits: %s", *people, error)
            return [missing_row(case.fit, case.person.unit, str(error)) for case in group]
    parts = [[case for case in group if case.person.unit.name == name] for name in sorted(people)]
    return [row for part in parts for row in rows_of(part, hemispheres, first_seed, n_seeds)]


def cases_of(fits, people):
    """Pair every fit setting with the people who have what its cost compares.

    Returns
    -------
    list of Case
    list of dict
        Rows that say why there is no such baseline for a fit setting.
    """
    cases, rows = [], []
    for name, settings in fits.items():
        weights = objectives.add_weights(settings["objectives"] or [settings["objective"]])
        objective = core.bold_objective(weights)
        if objective is None:
            rows += [missing_row(name, person.unit, NO_TERM) for person in people]
            continue
        for unsettled in people:
            try:
                person = unsettled.settled(settings)
            except InputError as error:
                rows.append(missing_row(name, unsettled.unit, str(error)))
                continue
            target = person.targets["train"]
            mine = objective if weighs_only_fcd(objective.terms) else objective.of_target(target)
            if can_score(mine, target):
                cases.append(Case(name, settings, mine, person))
            else:
                rows.append(missing_row(name, person.unit, LACKING))
    return cases, rows


def can_score(objective, target):
    """Whether a target has every term that counts."""
    return set(objective.counted) <= set(core.comparison.available(target))


def missing_row(fit, unit, note):
    """Make a row without a value that says why."""
    return {**keys(fit, unit), "split": "train", "measure": MEASURES["fc_corr"], "note": note}


def keys(fit, unit):
    """Participant, session and fit of a row."""
    return {**unit.ids, "fit": fit}


def fit_rows(cases, hemispheres, first_seed, n_seeds):
    """Fit and score cases that share their signals.

    Parameters
    ----------
    cases : list of Case
    hemispheres : list of str
    first_seed, n_seeds : int
        Of the evaluation, before what a session adds.

    Returns
    -------
    list of dict
    """
    settings, first = cases[0].settings, cases[0].person
    lengths = first.duration, settings["simulation"]["burn_in"], first.repetition_time

    def make_scan(layout):
        return core.make_scan(*lengths, hemispheres, settings["analysis"], layout)

    scans = {split: make_scan(target.layout) for split, target in first.targets.items()}
    session_id = first.unit.session_id
    fresh = noise_seeds.range_of_session(first_seed, n_seeds, session_id)
    needed = {name for case in cases for name in case.objective.counted}
    people = {case.person.unit.name: case.person for case in cases}
    training = [(core.reach(person.weights), person.targets["train"]) for person in people.values()]
    searched = core.search(
        scans["train"], training, range(fresh.stop, fresh.stop + core.SEARCH_SEEDS), needed
    )
    terms = dict(zip(people, searched, strict=True))
    names = [case.person.unit.name for case in cases]
    points = [core.best(terms[name], case.objective) for name, case in zip(names, cases, strict=True)]
    chosen = list(zip(names, points, strict=True))
    scores = {(unit, point): score(scans, people[unit], point, fresh, needed) for unit, point in set(chosen)}
    return [
        row
        for case, (unit, point) in zip(cases, chosen, strict=True)
        for row in case_rows(case, core.grid()[point], scores[unit, point], fresh)
    ]


def score(scans, person, point, seeds, needed):
    """Score a person with the point that was chosen: dict of split to dict of term to (S,) arrays."""
    reaches, found = core.reach(person.weights), {}
    for layout in dict.fromkeys(target.layout for target in person.targets.values()):
        mine = {split: target for split, target in person.targets.items() if target.layout == layout}
        scan = scans[next(iter(mine))]
        terms = core.score(scan, point, reaches, list(mine.values()), seeds, needed)
        found |= zip(mine, terms, strict=True)
    return {split: found[split] for split in person.targets}


def case_rows(case, point, scores, seeds):
    """Make the rows of one case: both parameters, and scores of every split with their SD over seeds."""
    mine = keys(case.fit, case.person.unit)
    stored = {"n_seeds": len(seeds), **conditions(case.settings, seeds)}
    rows = [
        {**mine, "split": "train", "measure": name, "value": value, **stored}
        for name, value in zip(PARAMETERS, point, strict=True)
    ]
    for split, terms in scores.items():
        shown = {"fcd_ks": terms["fcd_ks_binned"]} if "fcd_ks_binned" in terms else {}
        shown |= terms
        if can_score(case.objective, case.person.targets[split]):
            shown["cost"] = case.objective.costs(terms)[:, 0]
        rows += [
            {**mine, "split": split, "measure": name, **spread(shown[term]), **stored}
            for term, name in MEASURES.items()
            if term in shown
        ]
    return rows


def spread(values):
    """Mean and sample SD over seeds."""
    return {"value": float(np.mean(values)), "sd": float(np.std(values, ddof=1))}


if "snakemake" in globals():
    main(snakemake)
