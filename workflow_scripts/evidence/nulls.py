"""Rule nulls: score null models of every fitted person beside the person's own, with the same fresh noise.

Forward nulls have the person's fitted parameters. Feedback inhibition control is tuned again for every one of
them: it would be no fair null to keep inhibitory weights that were found for another connectome or map.
Refitted nulls have parameters of their own, found by rule null_fits.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting.candidates import Candidate
from workflow_scripts.cohort import noise_seeds, units
from workflow_scripts.evidence import null_completeness, null_models
from workflow_scripts.evidence.null_models import NullModel, NullModels
from workflow_scripts.files import job
from workflow_scripts.fitting import best_fits, scoring
from workflow_scripts.fitting.people import People, Person
from workflow_scripts.fitting.simulators import CohortSimulator

SCORES = ("null", "refitted", "index", "split", "measure", "mean", "sd", "n_seeds")
COLUMNS = (*scoring.KEYS, *SCORES, *scoring.ANALYSIS, "seeds", "note")
LIKENESS = ("degree_r", "strength_r", "weight_length", "weight_length_null", "same_connections", "weights_r")
REWIRING = (*scoring.KEYS, "refitted", "index", "distance", *LIKENESS)


def main(sm):
    """Write one row per person, null model, split and measure, and what rewired connectomes have kept."""
    logger = job.start(sm)
    batch = Batch(sm)
    for kind, reason in batch.without.items():
        logger.warning("no null models of kind %s: %s", kind, reason)
    settings, entries, rows = batch.simulator.settings, [], []
    for unit in units.from_records(sm.params.units):
        if unit.key not in batch.best:
            logger.warning("%s has no fit, and null models of it are not scored", unit)
            continue
        try:
            made = batch.entries(unit)
            rows += [] if made else scoring.missing_rows(batch.keys(unit), batch.reasons, settings)
            entries += made
        except InputError as error:
            logger.warning("null models of %s are not scored: %s", unit, error)
            rows += scoring.missing_rows(batch.keys(unit), {"train": str(error)}, settings)
    logger.info("%d models, own and null, are simulated", len(entries))
    scores = batch.simulator.score([(entry.person, entry.candidate) for entry in entries])
    for place, found in scores.items():
        if isinstance(found, InputError):
            logger.warning("%s, null model %s: %s", entries[place].person.unit, entries[place].keys, found)
            rows += scoring.missing_rows(entries[place].keys, {"train": str(found)}, settings)
        else:
            rows += score_rows(entries[place], found, settings)
    keys = [{name: entry.keys[name] for name in (*scoring.KEYS, "refitted", "index")} for entry in entries]
    kept = [{**mine, **entry.kept} for mine, entry in zip(keys, entries, strict=True) if entry.kept]
    job.write_tsv(sm.output.nulls, rows, columns=COLUMNS)
    job.write_tsv(sm.output.rewiring, kept, columns=REWIRING)


@dataclass(frozen=True, eq=False)
class Entry:
    """A candidate, own or null, with the columns that name it.

    Attributes
    ----------
    keys : dict
    person : workflow_scripts.fitting.people.Person
    candidate : cubnm_core.fitting.candidates.Candidate
    kept : dict
        Of rewired connectomes.
    """

    keys: dict
    person: Person
    candidate: Candidate
    kept: dict


class Batch:
    """People of a batch with their fits and null models.

    Parameters
    ----------
    sm : object
        As Snakemake gives it to rule nulls.
    """

    def __init__(self, sm):
        self.simulator = CohortSimulator.of_job(sm)
        self._stated, self._fit, self._first_seed = sm.params.nulls, sm.wildcards.fit, sm.params.first_seed
        nodes, space = self.simulator.nodes, self.simulator.space
        archives = People(sm.input.connectomes, sm.input.targets, sm.params.splits, self.simulator.settings)
        self.people, self._unusable = archives.read_usable(units.from_records(sm.params.units))
        self.best = best_fits.best_coordinates(sm.input.fits, self._fit)
        self._refits = {}
        for path in sm.input.null_fits:
            keys = [key for key in null_models.KEYS if key != "fit"]
            self._refits |= best_fits.best_coordinates(path, self._fit, keys)
        common = self.people, archives.connectomes, nodes, space, self._stated
        self._forward = NullModels(*common, self._stated["count"])
        self._refitted = NullModels(*common, self._stated["refits"])
        self.without = self._forward.without | self._refitted.without

    @property
    def reasons(self):
        """Why there is no null model for anybody, by split; none where none is asked for."""
        if not null_completeness.is_asked(self._stated):
            return {}
        told = [f"no null models of kind {kind}: {why}" for kind, why in self.without.items()]
        return {"train": "; ".join(told) or "no kind of null models is scored with the fitted parameters"}

    def keys(self, unit):
        """Columns that say who a person is, in which fit."""
        return {**unit.ids, "fit": self._fit}

    def entries(self, unit):
        """List what is simulated for a person: the null models, and the own one before them if there are any.

        Parameters
        ----------
        unit : workflow_scripts.cohort.units.Unit

        Returns
        -------
        list of Entry

        Raises
        ------
        InputError
            If the person's files cannot be used, or nothing can be made of their connectome.
        """
        if unit.name in self._unusable:
            raise InputError(self._unusable[unit.name]["reason"])
        person, best = self.people[unit.name], self.best[unit.key]
        found = [self._entry(null, False, best) for null in self._forward.of(unit.name, forward=True)]
        for null in self._refitted.of(unit.name):
            coordinates = self._refits.get((*unit.key, null.kind, str(null.index)))
            if coordinates is not None:
                found.append(self._entry(null, True, coordinates))
        own = NullModel(null_models.OWN, 0, person, self.simulator.space, {})
        return [self._entry(own, False, best), *found] if found else []

    def _entry(self, null, refitted, coordinates):
        person, unit = null.person, null.person.unit
        seeds = noise_seeds.range_of_session(self._first_seed, self._stated["seeds"], unit.session_id)
        params = best_fits.compose(null.space, coordinates)
        keys = {**self.keys(unit), "null": null.kind, "refitted": refitted, "index": null.index}
        return Entry(keys, person, person.candidate(params, seeds), null.kept)


def score_rows(entry, scores, settings):
    """Make one row per split and measure of an entry."""
    seeds = entry.candidate.seeds
    stored = {"n_seeds": len(seeds), **scoring.conditions(settings, seeds)}
    return [
        {**entry.keys, "split": split, "measure": measure, **_summary(values), **stored}
        for split, measures in scores.items()
        for measure, values in measures.items()
    ]


def _summary(values):
    """Mean and sample SD over seeds."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan}


if "snakemake" in globals():
    main(snakemake)
