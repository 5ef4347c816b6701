"""Rule make_twins: people with known parameters, made like those of the cohort and prepared as people are.

A twin has the prepared connectome of a real person. It is simulated with the settings of the fit, but as long
as the person's training scans and under noise of its own; its targets are computed as those of people are.
Censored volumes of the person are not left out.
"""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.evidence import twins
from cubnm_core.fitting import packing
from cubnm_core.fitting.candidates import Candidate, stacked, with_inhibition
from cubnm_core.measures.connectivity import average_fc
from cubnm_core.measures.objective import has_failed
from workflow_scripts.cohort import tables, twin_parts
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration.twins import SEEDS_PER_TWIN
from workflow_scripts.evidence import nulls
from workflow_scripts.files import archives, job
from workflow_scripts.fitting import best_fits, simulators

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
    person : simulations.Person
        Whose connectome it has.
    candidate : cubnm_core.evidence.nulls.Candidate
        With the true parameters.
    coordinates : dict of str to float
        The true values of the search space.
    volumes : list of int
        Of every run; the noise seeds of the candidate are those of the runs.
    """

    number: int
    person: simulators.Person
    candidate: Candidate
    coordinates: dict
    volumes: list

    @property
    def ids(self):
        """Unit, participant and session under which the twin is fitted."""
        return twin_parts.unit_of(self.number)


def main(sm):
    """Draw the twins of one part, simulate them, write connectomes, targets and true parameters."""
    logger = job.start(sm)
    settings = sm.params.settings
    nodes = tables.read_nodes(sm.input.nodes)
    space = search_space(settings, nodes)
    targets = archives.Archive(sm.input.targets)
    made = draw(sm, space, targets)
    hemispheres = [node["hemisphere"] for node in nodes]
    scans = scanned(made, settings, hemispheres, sm.params.twins["first_seed"], sm.threads) if made else {}
    connectomes, found, rows = {}, {}, []
    for twin in made:
        arrays, reason = scans[twin.number]
        record = {**twin.ids, "status": "failed" if reason else "ok", "reasons": [reason] if reason else []}
        lengths = {} if twin.person.lengths is None else {"lengths": twin.person.lengths}
        connectomes[twin.ids["unit"]] = {"weights": twin.person.weights, **lengths}, record
        facts = {"split": "train", "repetition_time": twin.person.repetition_time, "notes": []}
        found[twin.ids["unit"]] = arrays, {**record, **facts}
        rows.append(row(twin, sm.wildcards.fit, sm.params.twins["parameters"], reason))
    archives.write(sm.output.connectome, sm.output.connectome_json, connectomes)
    archives.write(sm.output.target, sm.output.target_json, found)
    names = [f"param_{name}" for name in space.coordinates(np.zeros((1, space.dimension)))]
    job.write_tsv(sm.output.truth, rows, columns=[*FACTS, *names])
    logger.info("%d twins of fit %s", len(made), sm.wildcards.fit)


def draw(sm, space, targets):
    """Draw whose connectome, and which parameters, every twin of a part has.

    Parameters
    ----------
    sm : object
    space : cubnm_core.fitting.search_space.SearchSpace
    targets : workflow_scripts.files.archives.Archive
        Of the training scans of the cohort.

    Returns
    -------
    list of Twin
        Empty where nobody has a fit.
    """
    settings, stated, numbers = sm.params.settings, sm.params.twins, np.array(sm.params.numbers)
    best = {}
    for path in sm.input.fits:
        best |= best_fits.best_coordinates(path, sm.wildcards.fit)
    people = nulls.read_people(
        sm.params.units, archives.Archive(sm.input.connectomes), {"train": targets}, settings
    )
    fits = [(person, best.get(_key(person.ids))) for person in people.values()]
    fits = [(person, values) for person, values in fits if values is not None]
    if not fits:
        return []
    points = np.clip(np.concatenate([space.to_unit(values) for _, values in fits]), 0.0, 1.0)
    places = numbers % len(fits)
    drawn = twins.drawn(points, places, stated["parameters"], stated["seed"], numbers)
    made = []
    for number, place, point in zip(numbers.tolist(), places, drawn, strict=True):
        person, volumes = fits[place][0], runs(targets.records[fits[place][0].ids["unit"]], settings)
        coordinates = {name: float(values[0]) for name, values in space.coordinates(point).items()}
        seeds = stated["first_seed"] + SEEDS_PER_TWIN * number + np.arange(len(volumes))
        params = best_fits.composed(space, coordinates)
        candidate = Candidate(person.weights, params, person.targets, tuple(seeds.tolist()), person.lengths)
        made.append(Twin(number, person, candidate, coordinates, volumes))
    return made


def _key(ids):
    return ids["participant_id"], ids["session_id"] or job.MISSING


def runs(record, settings):
    """Volumes of every training run of a person; where only FC and FCD are known, those of a simulation."""
    if record.get("segments"):
        return [piece["stop"] - piece["first"] for piece in record["segments"]]
    simulation = settings["simulation"]
    return [round((simulation["duration"] - simulation["burn_in"]) / record["repetition_time"])]


def scanned(made, settings, hemispheres, seed, threads):
    """Simulate the scans of twins and compute their targets.

    Parameters
    ----------
    made : list of Twin
    settings : dict
        Resolved settings of the fit.
    hemispheres : list of str
    seed : int
        Of the noise that feedback inhibition control sees; that of the fits is another one.
    threads : int

    Returns
    -------
    dict of int to (dict, str or None)
        By number of the twin: ``fc`` and, where the person's scans have an FCD, ``fcd``; why there are none.
    """
    candidates = tuned([twin.candidate for twin in made], made, {**settings, "noise_seed": seed}, hemispheres)
    together = {}
    for twin, candidate in zip(made, candidates, strict=True):
        target = twin.person.targets["train"]
        has_fcd = target.fcd is not None or target.fcd_cdf is not None
        for place, volumes in enumerate(twin.volumes):
            one = replace(candidate, seeds=(candidate.seeds[place],))
            shape = twin.person.repetition_time, volumes, has_fcd
            together.setdefault(shape, []).append((twin.number, place, one))
    scans = {twin.number: {} for twin in made}
    for shape, members in together.items():
        found = simulated([one for *_, one in members], shape, settings, hemispheres, threads)
        for (number, place, _), scan in zip(members, found, strict=True):
            scans[number][place] = scan
    return {number: joined([mine[place] for place in sorted(mine)]) for number, mine in scans.items()}


def tuned(candidates, made, settings, hemispheres):
    """Let feedback inhibition control find the inhibitory weights of twins, where the fit has it."""
    weight = best_fits.inhibitory_weight(settings)
    if weight is None:
        return candidates
    times = np.array([twin.person.repetition_time for twin in made])
    found = list(candidates)
    for time in np.unique(times):
        places = np.flatnonzero(times == time)
        tune = best_fits.weight_tuner(settings, hemispheres, float(time), "")
        mine = with_inhibition([candidates[place] for place in places], weight, tune)
        for place, candidate in zip(places, mine, strict=True):
            found[place] = candidate
    return found


def simulated(candidates, shape, settings, hemispheres, threads):
    """Simulate scans of one shape: list of dicts with ``fc`` and ``fcd``; None for those that failed."""
    repetition_time, volumes, has_fcd = shape
    burn_in = settings["simulation"]["burn_in"]
    length = {"duration": burn_in + volumes * repetition_time}
    held = best_fits.without_control(settings, candidates[0].params)
    held = {**held, "simulation": {**held["simulation"], **length}}
    record = ("fc", "fcd", "state_means") if has_fcd else ("fc", "state_means")
    simulate_batch = simulators.batch_simulator(held, hemispheres, repetition_time, record, threads)
    result_bytes = simulators.result_bytes(held, len(hemispheres), repetition_time)
    size, found = packing.batch_size(simulators.used_backend(held), threads, result_bytes), []
    for start in range(0, len(candidates), size):
        part = candidates[start : start + size]
        weights, connectome, params, lengths = stacked(part)
        seeds = np.array([candidate.seeds[0] for candidate in part])
        run = simulate_batch(weights, connectome, params, seeds, lengths)
        for place, failed in enumerate(has_failed(run.status)):
            arrays = {"fc": run.fc[place]} | ({"fcd": run.fcd[place]} if has_fcd else {})
            found.append(None if failed else arrays)
    return found


def joined(scans):
    """Make one target of the runs of a twin: FC averaged, FCD pooled; and the reason if there is none."""
    if any(scan is None for scan in scans):
        return {}, "the simulation of its scan diverged"
    arrays = {"fc": average_fc([scan["fc"] for scan in scans])}
    if "fcd" in scans[0]:
        arrays["fcd"] = np.concatenate([scan["fcd"] for scan in scans])
    return arrays, None


def row(twin, fit, source, reason):
    """Make the row of a twin with its true parameters."""
    return {
        "twin": twin.ids["unit"],
        **{key: twin.person.ids[key] for key in ("participant_id", "session_id")},
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
