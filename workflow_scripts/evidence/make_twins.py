"""Rule make_twins: people with known parameters, made like those of the cohort and prepared as people are.

A twin has the prepared connectome of a real person. It is simulated with the settings of the fit, but as long
as the person's training scans and under noise of its own; its targets are computed as those of people are.
Censored volumes of the person are not left out.
"""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.evidence import twins
from cubnm_core.fitting.candidates import Candidate, Simulations
from cubnm_core.measures.connectivity import average_fc
from cubnm_core.measures.objective import has_failed
from cubnm_core.measures.observables.panel import pool_runs
from workflow_scripts.cohort import twin_parts, units
from workflow_scripts.cohort.observables import BOLD, OBSERVABLE, observables_of
from workflow_scripts.configuration.objectives import wants_scans
from workflow_scripts.configuration.simulation import MATCH
from workflow_scripts.configuration.twins import SEEDS_PER_TWIN
from workflow_scripts.files import archives, job
from workflow_scripts.fitting import best_fits
from workflow_scripts.fitting.durations import duration_of
from workflow_scripts.fitting.people import People, Person
from workflow_scripts.fitting.simulators import CohortSimulator

FACTS = (
    "twin",
    "participant_id",
    "session_id",
    "fit",
    "parameters",
    "status",
    "reason",
    "noise_seed",
    "volumes",
)


@dataclass(frozen=True, eq=False)
class Twin:
    """A synthetic person.

    Attributes
    ----------
    number : int
        From 0.
    person : workflow_scripts.fitting.people.Person
        Whose connectome it has.
    candidate : cubnm_core.fitting.candidates.Candidate
        With the true parameters.
    coordinates : dict of str to float
        The true values of the search space.
    volumes : list of int
        Of every run; the noise seeds of the candidate are those of the runs.
    """

    number: int
    person: Person
    candidate: Candidate
    coordinates: dict
    volumes: list

    @property
    def unit(self):
        """The unit as which the twin is fitted."""
        return units.Unit.from_record(twin_parts.unit_of(self.number))


def main(sm):
    """Draw the twins of one part, simulate them, write connectomes, targets and true parameters."""
    logger = job.start(sm)
    simulator = CohortSimulator.of_job(sm)
    space = simulator.space
    made = draw(sm, space)
    scans = simulate_scans(made, simulator, sm.params.twins["first_seed"]) if made else {}
    connectomes, found, rows = {}, {}, []
    for twin in made:
        arrays, reason = scans[twin.number]
        record = {
            **twin.unit.record,
            "status": "failed" if reason else "ok",
            "reasons": [reason] if reason else [],
        }
        lengths = {} if twin.person.lengths is None else {"lengths": twin.person.lengths}
        connectomes[twin.unit.name] = {"weights": twin.person.weights, **lengths}, record
        facts = {"split": "train", "repetition_time": twin.person.repetition_time, "notes": []}
        facts["run_volumes"] = twin.volumes
        found[twin.unit.name] = arrays, {**record, **facts}
        rows.append(row(twin, sm.wildcards.fit, sm.params.twins["parameters"], reason))
    archives.write(sm.output.connectome, sm.output.connectome_json, connectomes)
    archives.write(sm.output.target, sm.output.target_json, found)
    names = [f"param_{name}" for name in space.coordinates(np.zeros((1, space.dimension)))]
    job.write_tsv(sm.output.truth, rows, columns=[*FACTS, *names])
    logger.info("%d twins of fit %s", len(made), sm.wildcards.fit)


def draw(sm, space):
    """Draw whose connectome, and which parameters, every twin of a part has.

    Parameters
    ----------
    sm : object
    space : cubnm_core.fitting.search_space.SearchSpace

    Returns
    -------
    list of Twin
        Empty where nobody has a fit.
    """
    settings, stated, numbers = sm.params.settings, sm.params.twins, np.array(sm.params.numbers)
    best = {}
    for path in sm.input.fits:
        best |= best_fits.best_coordinates(path, sm.wildcards.fit)
    archive = People(sm.input.connectomes, sm.input.targets, settings=settings)
    people, _ = archive.read_usable(units.from_records(sm.params.units))
    fits = [(person, best.get(person.unit.key)) for person in people.values()]
    fits = [(person, values) for person, values in fits if values is not None]
    if not fits:
        return []
    points = np.clip(np.concatenate([space.to_unit(values) for _, values in fits]), 0.0, 1.0)
    places = numbers % len(fits)
    drawn = twins.draw_parameters(points, places, stated["parameters"], stated["seed"], numbers)
    made = []
    for number, place, point in zip(numbers.tolist(), places, drawn, strict=True):
        person = fits[place][0]
        volumes = runs(archive.targets["train"].records[person.unit.name], settings)
        coordinates = {name: float(values[0]) for name, values in space.coordinates(point).items()}
        seeds = stated["first_seed"] + SEEDS_PER_TWIN * number + np.arange(len(volumes))
        candidate = person.candidate(best_fits.compose(space, coordinates), tuple(seeds.tolist()))
        made.append(Twin(number, person, candidate, coordinates, volumes))
    return made


def runs(record, settings):
    """Volumes of every training run of a person; where only FC and FCD are known, those of a simulation."""
    simulation = settings["simulation"]
    if record.get("segments"):
        return [piece["stop"] - piece["first"] for piece in record["segments"]]
    if simulation["duration"] == MATCH:
        return record["run_volumes"]
    return [round((simulation["duration"] - simulation["burn_in"]) / record["repetition_time"])]


def simulate_scans(made, simulator, seed):
    """Simulate the scans of twins and compute their targets.

    Parameters
    ----------
    made : list of Twin
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    seed : int
        Of the noise that feedback inhibition control sees; that of the fits is another one.

    Returns
    -------
    dict of int to (dict, str or None)
        By number of the twin: ``fc`` and, where the person's scans have an FCD, ``fcd``; why there are none.
    """
    together = {}
    for twin, candidate in zip(made, tune(made, simulator, seed), strict=True):
        target = twin.person.targets["train"]
        has_fcd = target.fcd is not None or target.fcd_cdf is not None
        for place, volumes in enumerate(twin.volumes):
            one = replace(candidate, seeds=(candidate.seeds[place],))
            shape = twin.person.repetition_time, volumes, has_fcd
            together.setdefault(shape, []).append((twin.number, place, one))
    scans = {twin.number: {} for twin in made}
    for shape, members in together.items():
        found = simulate(simulator, [one for *_, one in members], *shape)
        for (number, place, _), scan in zip(members, found, strict=True):
            scans[number][place] = scan
    return {
        twin.number: combine_runs(
            [scans[twin.number][place] for place in range(len(twin.volumes))], twin.volumes
        )
        for twin in made
    }


def tune(made, simulator, seed):
    """Let feedback inhibition control find the inhibitory weights of twins, where the fit has it."""
    tuning = CohortSimulator({**simulator.settings, "noise_seed": seed}, simulator.nodes, simulator.threads)
    times = np.array([twin.person.repetition_time for twin in made])
    found = [None] * len(made)
    for time in np.unique(times):
        places = np.flatnonzero(times == time)
        mine = tuning.tune([made[place].candidate for place in places], float(time), "")
        for place, candidate in zip(places, mine, strict=True):
            found[place] = candidate
    return found


def simulate(simulator, candidates, repetition_time, volumes, has_fcd):
    """Simulate scans of one shape: list of dicts with ``fc`` and ``fcd``; None for those that failed."""
    duration = duration_of(volumes, simulator.settings["simulation"]["burn_in"], repetition_time)
    names, keeps_bold = ("fc", "fcd") if has_fcd else ("fc",), wants_scans([simulator.settings])
    recorded = simulator.scored((*names, "state_means", *(["bold"] if keeps_bold else [])))
    packer = simulator.packer(repetition_time, recorded, duration=duration)
    found = [None] * len(candidates)

    def take(rows, run):
        for place, row in enumerate(rows):
            failed = has_failed(run.status)[place]
            found[row] = None if failed else _scan(run, place, names, keeps_bold)

    Simulations(candidates).run(packer, take)
    return found


def _scan(run, place, names, keeps_bold):
    """Arrays of the scan of a twin, in memory of their own, named as those of targets."""
    scan = {name: getattr(run, name)[place].copy() for name in names}
    scan |= {OBSERVABLE + name: values[place].copy() for name, values in run.observables.items()}
    return scan | ({BOLD: run.analysed_bold(place).copy()} if keeps_bold else {})


def combine_runs(scans, volumes):
    """Make one target of the runs of a twin: FC averaged, FCD pooled; and the reason if there is none.

    Observables are averaged, runs of different length alike.
    """
    if any(scan is None for scan in scans):
        return {}, "the simulation of its scan diverged"
    arrays = {"fc": average_fc([scan["fc"] for scan in scans], volumes)}
    if "fcd" in scans[0]:
        arrays["fcd"] = np.concatenate([scan["fcd"] for scan in scans])
    pooled = pool_runs([observables_of(scan) for scan in scans], [1] * len(scans))
    arrays |= {OBSERVABLE + name: values for name, values in pooled.items()}
    arrays |= {f"{BOLD}{place}": scan[BOLD] for place, scan in enumerate(scans, start=1) if BOLD in scan}
    return arrays, None


def row(twin, fit, source, reason):
    """Make the row of a twin with its true parameters."""
    return {
        "twin": twin.unit.name,
        **twin.person.unit.ids,
        "fit": fit,
        "parameters": source,
        "status": "failed" if reason else "ok",
        "reason": reason,
        "noise_seed": twin.candidate.seeds[0],
        "volumes": sum(twin.volumes),
        **{f"param_{name}": value for name, value in twin.coordinates.items()},
    }


if "snakemake" in globals():
    main(snakemake)
