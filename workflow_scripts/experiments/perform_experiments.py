"""Rule perform_experiments: simulate fitted people with and without every experiment, under the same noise.

All candidates that fit a person nearly as well as the best are simulated, because they may predict
different outcomes. Inhibitory weights are those that feedback inhibition control finds for the person as
scanned; an experiment may ask for new ones.
"""

import numpy as np
import pandas as pd

from cubnm_core.errors import InputError
from cubnm_core.evidence import experiments
from cubnm_core.fitting.candidates import Simulations
from workflow_scripts.cohort import noise_seeds, units
from workflow_scripts.experiments.experiment_columns import COLUMNS
from workflow_scripts.experiments.variants import absent_nodes, list_variants
from workflow_scripts.files import job, result_tables
from workflow_scripts.fitting import best_fits, landscapes
from workflow_scripts.fitting.people import People
from workflow_scripts.fitting.simulators import CohortSimulator


def main(sm):
    """Write what every experiment changes in everybody of a batch who has a fit."""
    logger = job.start(sm)
    fit, batch = sm.wildcards.fit, units.from_records(sm.params.units)
    best = best_fits.best_coordinates(sm.input.fits, fit)
    chosen = [unit for unit in batch if unit.key in best]
    simulator = CohortSimulator.of_job(sm)
    people, unusable = People(
        sm.input.connectomes, sm.input.targets, settings=sm.params.settings
    ).read_usable(chosen)
    spread = seed_spread(sm.input.evaluation, fit)
    rows = [{**unit.ids, "note": unusable[unit.name]["reason"]} for unit in chosen if unit.name in unusable]
    stated = sm.params.experiments
    variants, absent = list_variants(stated, simulator.nodes), absent_rows(stated, simulator.nodes)
    for person in people.values():
        unit = person.unit
        points = near_best(sm.input.landscape, unit, best[unit.key], spread.get(unit.key, np.nan))
        found = Experimenter(person, simulator, sm.params.first_seed, logger).rows(variants, points)
        rows += [{**unit.ids, **row} for row in [*absent, *found]]
        logger.info("%s: %d candidates near the best", unit, len(points))
    job.write_tsv(sm.output[0], [{**row, "fit": fit} for row in rows], columns=COLUMNS)


def seed_spread(path, fit):
    """SD of the cost over fresh noise seeds on the training scans, by ids."""
    table = result_tables.filled(result_tables.read_texts(path))
    rows = table[(table["fit"] == fit) & (table["split"] == "train") & (table["measure"] == "cost")]
    return pd.to_numeric(rows.set_index(["participant_id", "session_id"])["sd"], errors="coerce").to_dict()


def absent_rows(stated, nodes):
    """Rows that say which experiments are on nodes that are not part of the analysis."""
    absent = {name: absent_nodes(settings, nodes) for name, settings in stated.items()}
    return [
        {"experiment": name, "note": f"not part of the analysis: {', '.join(labels)}"}
        for name, labels in absent.items()
        if labels
    ]


def near_best(path, unit, best, spread, most=10):
    """Coordinates of the candidates near the best one, which comes first as the table of fits has it.

    Parameters
    ----------
    path : path
        Every candidate of the batch.
    unit : workflow_scripts.cohort.units.Unit
    best : dict of str to float
    spread : float
        Largest cost above the lowest.
    most : int

    Returns
    -------
    list of dict of str to float
    """
    found = landscapes.read(path, unit.name)
    rows = experiments.near_best(found.points, found.cost, found.failed, spread, most)
    # A re-test may have chosen another candidate than that of the lowest cost; it stands first, and once.
    chosen = [best[name] for name in found.coordinates]
    points = [point for point in found.points[rows] if not np.allclose(point, chosen, rtol=1e-5)]
    near = [dict(zip(found.coordinates, map(float, point), strict=True)) for point in points]
    return [best, *({**best, **values} for values in near)][:most]


class Experimenter:
    """Performs all experiments on one person.

    Parameters
    ----------
    person : workflow_scripts.fitting.people.Person
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    first_seed : int
        Of the fresh seeds.
    logger : logging.Logger
    """

    def __init__(self, person, simulator, first_seed, logger):
        self.person, self.simulator = person, simulator.lasting(person.duration)
        self.nodes, self.first_seed, self.logger = simulator.nodes, first_seed, logger
        self._before = {}
        networks = [node.get("network") for node in self.nodes]
        pairs = simulator.settings["analysis"]["pairs"]
        known = networks if all(networks) else None
        self.effects = experiments.Effects(simulator.hemispheres, pairs, known)

    def rows(self, variants, points):
        """Rows of all variants, from the coordinates of the candidates; an error ends one experiment only."""
        found = []
        for variant in variants:
            stated = variant.settings
            try:
                found += self.variant_rows(
                    variant, *self.before(points[: stated["candidates"]], stated["seeds"])
                )
            except InputError as error:
                self.logger.warning("%s, experiment %s: %s", self.person.unit, variant.experiment, error)
                found.append({"experiment": variant.experiment, "region": variant.region, "note": str(error)})
        return found

    def before(self, points, count):
        """Models without an experiment, bare and with their inhibition, and what they do; simulated once."""
        if (key := (len(points), count)) not in self._before:
            space, session = self.simulator.space, self.person.unit.session_id
            seeds = noise_seeds.range_of_session(self.first_seed, count, session)
            plain = [self.person.candidate(best_fits.compose(space, values), seeds) for values in points]
            tuned = self.tune(plain)
            self._before[key] = plain, tuned, self.simulate(tuned)
        return self._before[key]

    def tune(self, candidates):
        """The same with the weights of feedback inhibition control, where the fit has it."""
        return self.simulator.tune(candidates, self.person.repetition_time, self.person.unit.session_id)

    def simulate(self, candidates):
        """Simulate some candidates with all of their seeds."""
        simulations = Simulations(candidates)
        outcome = experiments.Outcome(len(simulations.owner))
        record = ("fc", "fcd", "state_means")
        simulations.run(self.simulator.packer(self.person.repetition_time, record), outcome.take)
        return outcome

    def variant_rows(self, variant, plain, tuned, before):
        """Rows of one variant, one for each measure and place."""
        model = self.simulator.settings["model"]
        begun = plain if variant.is_tuned else tuned
        altered = [variant.apply(candidate, model, self.nodes) for candidate in begun]
        after = self.simulate(self.tune(altered) if variant.is_tuned else altered)
        kept = self.effects.untouched(variant.nodes, variant.edges)
        is_single = variant.region == job.MISSING
        changes = self.effects.compare(before, after, kept, variant.nodes, by_network=is_single)
        n_failed = int(np.isnan(changes[experiments.MEAN_FC, experiments.WHOLE]).sum())
        seeds = plain[0].seeds
        keys = {
            "experiment": variant.experiment,
            "kind": variant.kind,
            "inhibition": variant.settings["inhibition"] if self.simulator.weight else job.MISSING,
            "region": variant.region,
            "n_candidates": len(plain),
            "n_seeds": len(seeds),
            "n_failed": n_failed,
            "seeds": f"{seeds[0]}-{seeds[-1]}",
            **self.nulls(variant, kept),
        }
        return [
            {**keys, "measure": measure, "place": place, **experiments.summarise(values, len(plain))}
            for (measure, place), values in changes.items()
        ]

    def nulls(self, variant, kept):
        """What a lesion of nodes does by their strength alone, and by deleting them from the scan."""
        if not variant.nodes:
            return {}
        weights = self.person.weights
        strength = (weights.sum(axis=0) + weights.sum(axis=1)) / 2
        share = strength[list(variant.nodes)].sum() / strength.sum()
        scan = self.person.targets["train"].fc
        if scan is None or len(scan) != len(kept):
            return {"strength": share}
        return {"strength": share, "deleted": float(np.mean(scan[kept]) - np.mean(scan))}


if "snakemake" in globals():
    main(snakemake)
