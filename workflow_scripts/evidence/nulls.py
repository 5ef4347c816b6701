"""Rule nulls: score null models of every fitted person beside the person's own, with the same fresh noise.

Forward nulls have the person's fitted parameters. Feedback inhibition control is tuned again for every one of
them: it would be no fair null to keep inhibitory weights that were found for another connectome or map.
Refitted nulls have parameters of their own, found by rule null_fits.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.evidence.nulls import scored
from cubnm_core.fitting import packing
from cubnm_core.fitting.candidates import Candidate, with_inhibition
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.noise_seeds import of_session
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration import objectives
from workflow_scripts.evidence import null_fits
from workflow_scripts.evidence.null_models import NullModel, NullModels
from workflow_scripts.files import archives, job
from workflow_scripts.fitting import best_fits, evaluate, simulators
from workflow_scripts.fitting.fit import UNREADABLE

OWN = "own"
RECORD = ("fc", "fcd", "state_means")
IDS = ("participant_id", "session_id", "fit")
SCORES = ("null", "refitted", "index", "split", "measure", "mean", "sd", "n_seeds")
COLUMNS = (*IDS, *SCORES, *evaluate.ANALYSIS, "seeds")
LIKENESS = ("degree_r", "strength_r", "weight_length", "weight_length_null", "same_connections", "weights_r")
REWIRING = (*IDS, "refitted", "index", "distance", *LIKENESS)


def main(sm):
    """Write one row per person, null model, split and measure, and what rewired connectomes have kept."""
    logger = job.start(sm)
    batch = Batch(sm)
    for kind, reason in batch.without.items():
        logger.warning("no null models of kind %s: %s", kind, reason)
    entries = []
    for ids in sm.params.units:
        key = (ids["participant_id"], ids["session_id"] or job.MISSING)
        if ids["unit"] not in batch.people or key not in batch.best:
            logger.warning("%s has no fit, and null models of it are not scored", ids["unit"])
            continue
        entries += batch.entries(ids["unit"], key)
    logger.info("%d models, own and null, are simulated", len(entries))
    rows = batch.score_rows(entries)
    keys = [{name: entry.keys[name] for name in (*IDS, "refitted", "index")} for entry in entries]
    kept = [{**mine, **entry.kept} for mine, entry in zip(keys, entries, strict=True) if entry.kept]
    job.write_tsv(sm.output.nulls, rows, columns=COLUMNS)
    job.write_tsv(sm.output.rewiring, kept, columns=REWIRING)


@dataclass(frozen=True, eq=False)
class Entry:
    """A candidate, own or null, with the columns that name it.

    Attributes
    ----------
    keys : dict
    person : simulations.Person
    candidate : cubnm_core.evidence.nulls.Candidate
    kept : dict
        Of rewired connectomes.
    """

    keys: dict
    person: simulators.Person
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
        self._settings, self._stated, self._fit = sm.params.settings, sm.params.nulls, sm.wildcards.fit
        self._first_seed, self._threads = sm.params.first_seed, sm.threads
        nodes = tables.read_nodes(sm.input.nodes)
        self._hemispheres = [node["hemisphere"] for node in nodes]
        self._space = search_space(self._settings, nodes)
        connectomes = archives.Archive(sm.input.connectomes)
        targets = archives.by_split(sm.input.targets, sm.params.splits)
        self.people = read_people(sm.params.units, connectomes, targets, self._settings)
        self.best = best_fits.best_coordinates(sm.input.fits, self._fit)
        self._refits = {}
        for path in sm.input.null_fits:
            self._refits |= best_fits.best_coordinates(
                path, self._fit, (*null_fits.KEYS[:2], "null", "index")
            )
        common = self.people, connectomes, nodes, self._space, self._stated
        self._forward = NullModels(*common, self._stated["count"])
        self._refitted = NullModels(*common, self._stated["refits"])
        self.without = self._forward.without | self._refitted.without

    def entries(self, unit, key):
        """List what is simulated for a person: the null models, and the own one before them if there are any.

        Parameters
        ----------
        unit : str
        key : (participant_id, session_id)

        Returns
        -------
        list of Entry
        """
        person, best = self.people[unit], self.best[key]
        ids = dict(zip(IDS, (*key, self._fit), strict=True))
        found = [self._entry(ids, null, False, best) for null in self._forward.of(unit, forward=True)]
        for null in self._refitted.of(unit):
            coordinates = self._refits.get((*key, null.kind, str(null.index)))
            if coordinates is not None:
                found.append(self._entry(ids, null, True, coordinates))
        own = NullModel(OWN, 0, person, self._space, {})
        return [self._entry(ids, own, False, best), *found] if found else []

    def _entry(self, ids, null, refitted, coordinates):
        person = null.person
        first = of_session(self._first_seed, person.ids["session_id"])
        seeds = range(first, first + self._stated["seeds"])
        params = best_fits.composed(null.space, coordinates)
        candidate = Candidate(person.weights, params, person.targets, seeds, person.lengths)
        keys = {**ids, "null": null.kind, "refitted": refitted, "index": null.index}
        return Entry(keys, person, candidate, null.kept)

    def score_rows(self, entries):
        """Simulate and score entries; rows of the table.

        Those of one repetition time and session go together, as their noise and inhibition control do.
        """
        together, rows = {}, []
        for entry in entries:
            shared = entry.person.repetition_time, entry.person.ids["session_id"]
            together.setdefault(shared, []).append(entry)
        for shared, members in together.items():
            found = self._scored([entry.candidate for entry in members], *shared)
            rows += [row for pair in zip(members, found, strict=True) for row in self._rows(*pair)]
        return rows

    def _rows(self, entry, scores):
        seeds = entry.candidate.seeds
        stored = {"n_seeds": len(seeds), **evaluate.conditions(self._settings, seeds)}
        return [
            {**entry.keys, "split": split, "measure": measure, **_summary(values), **stored}
            for split, measures in scores.items()
            for measure, values in measures.items()
        ]

    def _scored(self, candidates, repetition_time, session):
        """Scores of candidates, each with inhibitory weights of its own, by split and measure."""
        settings, nodes = self._settings, len(self._hemispheres)
        engine = simulators.used_backend(settings)
        result_bytes = simulators.result_bytes(settings, nodes, repetition_time)
        size = packing.batch_size(engine, self._threads, result_bytes)
        weight = best_fits.inhibitory_weight(settings)
        if weight is not None:
            tune = best_fits.weight_tuner(settings, self._hemispheres, repetition_time, session)
            candidates = with_inhibition(candidates, weight, tune, size)
        held = best_fits.without_control(settings, candidates[0].params)
        simulate_batch = simulators.batch_simulator(
            held, self._hemispheres, repetition_time, RECORD, self._threads
        )
        return scored(candidates, simulate_batch, objectives.make_objective(settings), size)


def _summary(values):
    """Mean and sample SD over seeds."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan}


def read_people(units, connectomes, targets, settings):
    """Read everybody of a batch who can be used, with the scans of every split: by unit."""
    found = {}
    for ids in units:
        try:
            person = simulators.read_person(
                ids, connectomes, targets, settings["delays"], settings["objective"]
            )
        except UNREADABLE:
            continue  # rule fit has said why
        if isinstance(person, simulators.Person):
            found[ids["unit"]] = person
    return found


if "snakemake" in globals():
    main(snakemake)
