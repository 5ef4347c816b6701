"""Time of simulations: measured on this machine, or scaled from a benchmark."""

import math
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubnm_core.evidence import nulls
from cubnm_core.evidence.cross import n_simulations
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.simulation.inhibition import Inhibition
from workflow_scripts.cohort.batches import first_of_people
from workflow_scripts.cohort.regional_constants import with_regional_constants
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration import start
from workflow_scripts.files import job
from workflow_scripts.fitting import simulators

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
BENCHMARK_STEP, BENCHMARK_DURATION = 1e-4, 60.0  # s, of the tables
TRIAL = 10.0  # s, of numerical feedback inhibition control
LONG_ENOUGH = 0.7  # s: a measurement that takes this counts
WIDEST_BATCH = 64  # simulations of a measurement
REACH = 2.0  # factor of nodes beyond a table's range up to which it is extrapolated
SEARCHES = ("group_fit", "fit", "fold_fit", "null_fits")  # rules
THREADS = 8  # of a job that simulates, as the rules state it
COUPLING = 2.0  # exponent of the nodes where a table has one number of nodes only


@dataclass(frozen=True)
class Stage:
    """Simulations of one fit setting in the jobs of one rule.

    Attributes
    ----------
    fit : str
    rule : str
        One of :data:`SIMULATIONS`.
    simulations : int
        At most.
    seconds : float
        Simulated, all simulations together.
    jobs : int
        Among which they are divided.
    cost : float
        Of a simulation, as a share of one with the steps of ``simulation``: searches may have coarser ones.
    is_linear : bool
        Whether linear response scores candidates here, and nothing is simulated.
    """

    fit: str
    rule: str
    simulations: int
    seconds: float
    jobs: int
    cost: float = 1.0
    is_linear: bool = False


def stages(jobs, fits, batches, evaluation, nodes):
    """Count what is simulated.

    Parameters
    ----------
    jobs : sequence of (str, dict)
        Rule and wildcards of the jobs that are to run.
    fits : dict of str to dict
        Resolved settings by name.
    batches : dict of str to list of str
        Units of every batch.
    evaluation : dict
        Section ``evaluation`` of a completed configuration, and whether people have ``one_connectome``.
    nodes : list of dict
        Rows of the node table.

    Returns
    -------
    list of Stage
    """
    counts, n_jobs, units = {}, Counter(), sum(map(len, batches.values()))
    evaluation = evaluation | {
        "others": min(evaluation["others"], units - 1),
        "folds": min(evaluation["folds"], units),
    }
    evaluation = evaluation | {"nodes": nodes}
    profiled = set(first_of_people(batches, evaluation["profile"]["people"]))
    for rule, wildcards in jobs:
        if rule not in SIMULATIONS:
            continue
        people = len(batches[wildcards["batch"]]) if "batch" in wildcards else 1
        if rule == "profiles":
            people = len(profiled.intersection(batches[wildcards["batch"]]))
        key = wildcards["fit"], rule
        counts[key] = counts.get(key, 0) + SIMULATIONS[rule](fits[key[0]], people, evaluation)
        n_jobs[key] += 1
    return [
        Stage(*key, count, count * simulated_seconds(fits[key[0]]), n_jobs[key], _cost(fits, *key))
        for key, count in counts.items()
    ]


def estimate_hours(cores, stages, seconds):
    """Estimate the wall time of all simulations on some cores, one stage after another.

    Parameters
    ----------
    cores : int
    stages : sequence of Stage
    seconds : dict of str to float
        Of one core for one simulation, by fit.

    Returns
    -------
    float
        In h. A stage uses :data:`THREADS` cores per job at most.
    """
    return (
        sum(
            stage.simulations * stage.cost * seconds[stage.fit] / min(cores, THREADS * stage.jobs)
            for stage in stages
        )
        / 3600
    )


def _cost(fits, fit, rule):
    """Cost of a simulation of a rule: of those that search, by the steps of search and re-test."""
    settings = fits[fit]
    if rule not in SEARCHES:
        return 1.0
    again = retest_share(settings)
    return (1.0 - again) * coarser(settings) + again


def coarser(settings):
    """Cost of a simulation of the search, as a share of one of the re-test: that of their steps."""
    steps = settings.get("search_steps", settings["simulation"])
    return settings["simulation"]["dt"] / steps["dt"]


def retest_share(settings):
    """Share of the simulations of a fit that its re-tests take."""
    return settings["optimizer"]["restarts"] * _retests(settings) / most_simulations(settings)


def _retests(settings):
    """Number of simulations in the re-test of one restart."""
    retest = settings["retest"]
    return 0 if retest is None else retest["candidates"] * retest["seeds"]


def _group_fit(settings, people, evaluation):
    return most_simulations(start.group_settings(settings))


def _fit(settings, people, evaluation):
    return people * most_simulations(settings)


def _evaluate(settings, people, evaluation):
    return people * evaluation["seeds"]


def _cross(settings, people, evaluation):
    control, counts = settings["fic"] is not None, (evaluation["others"], evaluation["cross_seeds"])
    return people * n_simulations(*counts, control, evaluation["one_connectome"])


def _held_out_people(settings, people, evaluation):
    return people * evaluation["cross_seeds"]


def _fold_fit(settings, people, evaluation):
    return evaluation["folds"] * most_simulations(start.fold_settings(settings))


def _profiles(settings, people, evaluation):
    coordinates, profile = search_space(settings, evaluation["nodes"]).names, evaluation["profile"]
    return people * (1 + len(coordinates) * (profile["points"] - 1)) * profile["seeds"]


def _null_fits(settings, people, evaluation):
    refits = _null_models(settings, evaluation["nulls"]["kinds"], evaluation["nulls"]["refits"])
    return people * refits * most_simulations(settings)


def _nulls(settings, people, evaluation):
    stated = evaluation["nulls"]
    forward = [kind for kind in stated["kinds"] if kind != nulls.OTHER_CONNECTOME]
    models = _null_models(settings, forward, stated["count"])
    models += _null_models(settings, stated["kinds"], stated["refits"])
    return people * (models + 1) * stated["seeds"] if models else 0


def _null_models(settings, kinds, count):
    """Null models of one person; rotated maps only for fits with maps."""
    return count * sum(kind != nulls.SPIN or settings["maps"] is not None for kind in kinds)


def _perform_experiments(settings, people, evaluation):
    stated, size = evaluation["experiments"].values(), len(evaluation["nodes"])
    without = {(one["candidates"], one["seeds"]) for one in stated}
    repeats = [size if one.get("lesion", {}).get("each_region") else 1 for one in stated]
    done = sum(n * one["candidates"] * one["seeds"] for n, one in zip(repeats, stated, strict=True))
    return people * (done + sum(candidates * seeds for candidates, seeds in without))


#: Simulations of one job of every rule that simulates: from the settings of the fit, the number of people of
#: the batch, and the section ``evaluation``.
SIMULATIONS = {
    "group_fit": _group_fit,
    "fit": _fit,
    "evaluate": _evaluate,
    "profiles": _profiles,
    "cross": _cross,
    "fold_fit": _fold_fit,
    "held_out_people": _held_out_people,
    "null_fits": _null_fits,
    "nulls": _nulls,
    "perform_experiments": _perform_experiments,
}


def most_simulations(settings):
    """Maximum number of simulations in the fit of one person: all restarts and the re-test.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.

    Returns
    -------
    int
    """
    stated = settings["optimizer"]
    known = {key: stated[key] for key in ("name", "population", "generations", "shape")}
    search = OptimizerSettings(**known)
    points = search.population * search.most_generations
    if search.name == "grid":
        points = math.prod(stated["shape"].values())
    return stated["restarts"] * (points * settings["replicates"] + _retests(settings))


def simulated_seconds(settings):
    """Simulated time of one simulation in s, the warm-up of feedback inhibition control included."""
    control = settings["fic"] or {}
    warm_up = {
        "plasticity": control.get("warm_up", 0.0),
        "numerical": TRIAL * control.get("trials", Inhibition.trials),
    }
    return settings["simulation"]["duration"] + warm_up.get(control.get("method"), 0.0)


def measure(settings, nodes, repetition_time, people):
    """Measure simulations of a fit on this machine, on synthetic connectomes.

    Parameters
    ----------
    settings : dict
        Resolved settings of the fit.
    nodes : list of dict
        Rows of the node table.
    repetition_time : float
        In s.
    people : int
        In a batch. A generation of everybody is measured, up to :data:`WIDEST_BATCH` simulations: only those
        of one person share a connectome, which is quicker than having one each.

    Returns
    -------
    float
        Seconds of one simulation, of a core or of the GPU if that is what simulates; from shorter ones,
        prolonged linearly, where it takes long.
    """
    simulation, search = settings["simulation"], settings["optimizer"]
    each = min(search["population"] * search["restarts"], WIDEST_BATCH)
    people = max(1, min(people, WIDEST_BATCH // each))
    count = each * people
    full = simulation["duration"]
    window = settings["analysis"]["window"] + 4 * settings["analysis"]["window_step"]
    durations = [min(full, simulation["burn_in"] + window + 4 * repetition_time)]
    run = _simulator(settings, nodes, repetition_time, each, people)
    run(durations[0])  # compiles
    seconds = [run(durations[0])]
    while seconds[-1] < LONG_ENOUGH and durations[-1] < full:
        durations.append(min(full, 3 * durations[-1]))
        seconds.append(run(durations[-1]))
    slope = seconds[-1] / durations[-1]
    if len(durations) > 1:
        slope = (seconds[-1] - seconds[-2]) / (durations[-1] - durations[-2])
    return (seconds[-1] + max(slope, 0.0) * (full - durations[-1])) / count


def synthetic_connectomes(generator, people, n_nodes):
    """Random connectomes of some people, (people, N, N)."""
    weights = generator.lognormal(size=(people, n_nodes, n_nodes))
    return 0.01 * (weights + weights.mT) / (weights + weights.mT).mean()


def _simulator(settings, nodes, repetition_time, each, people):
    """Give a function that simulates so many seconds, and returns the seconds of CPU or GPU it took."""
    clock = time.perf_counter if simulators.used_backend(settings) == "cuda" else time.process_time
    generator = np.random.default_rng(0)
    n_nodes, count = len(nodes), each * people
    weights = synthetic_connectomes(generator, people, n_nodes)
    lengths = np.full(weights.shape, 90.0) if settings["delays"] else None
    owner = np.repeat(np.arange(people), each)
    space, settings = search_space(settings, nodes), with_regional_constants(settings, nodes)
    params = space.to_parameters(generator.random((count, len(space.names))))
    hemispheres = [node["hemisphere"] for node in nodes]

    def run(duration):
        shorter = {**settings, "simulation": {**settings["simulation"], "duration": duration}}
        simulate = simulators.batch_simulator(
            shorter, hemispheres, repetition_time, ("fc", "fcd", "state_means")
        )
        started = clock()
        simulate(weights, owner, params, np.zeros(count, int), lengths)
        return clock() - started

    return run


def read_measurements(folder=BENCHMARKS):
    """Read the tables of benchmarks of other machines and cards.

    Returns
    -------
    dict of str to (str, list of dict)
        Name of a table to what its hours are hours of, and its rows: model, nodes, precision, seconds of one
        simulation of a minute.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.json")):
        stored = job.read_json(path)
        if path.name.startswith("throughput_"):
            found[path.name] = f"one core of {_processor(stored)}", _rows_of_processor(stored)
        elif "card" in stored:
            found[path.name] = f"one {stored['card']}, FC and FCD not counted", _rows_of_card(stored)
    return found


def _processor(stored):
    """Name the CPU of a table; family and model tell apart what some systems call by one name."""
    machine = stored.get("machine", {})
    details = ", ".join(f"{key} {machine[key]}" for key in ("family", "model") if machine.get(key))
    return machine.get("processor", "an unknown CPU") + (f" ({details})" if details else "")


def _rows_of_processor(stored):
    """Rows of a table of CPU seconds, those of the largest batch."""
    rows = [row for part in ("cases", "models") for row in stored.get(part, {}).get("rows", [])]
    largest = {}
    for row in sorted(rows, key=lambda row: row["batch"]):
        largest[row["model"], row["nodes"], row["precision"]] = row["seconds"]["cubnm_core"]["median"]
    keys = ("model", "nodes", "precision")
    return [{**dict(zip(keys, key, strict=True)), "seconds": seconds} for key, seconds in largest.items()]


def _rows_of_card(stored):
    """Rows of a table of simulated seconds per second, those of the largest batch."""
    largest = {}
    rows = [row for part in ("batches", "nodes") for row in stored.get(part, []) if "rate" in row]
    for row in sorted(rows, key=lambda row: row["batch"]):
        largest[row["nodes"]] = BENCHMARK_DURATION / row["rate"] * row["dt"] / BENCHMARK_STEP
    return [
        {"model": "rWW", "nodes": nodes, "precision": "single", "seconds": seconds}
        for nodes, seconds in largest.items()
    ]


def scale(rows, settings, n_nodes):
    """Scale the figures of a table to a fit: linear in steps, interpolated in nodes.

    Returns
    -------
    float or None
        Seconds of one simulation; None where the table has nothing that is near.
    """
    simulation = settings["simulation"]
    if settings["delays"] or simulation["scheme"] != "euler_maruyama":
        return None
    wanted = (settings["model"], simulation["precision"])
    known = sorted(
        (row["nodes"], row["seconds"]) for row in rows if (row["model"], row["precision"]) == wanted
    )
    if not known or not known[0][0] / REACH <= n_nodes <= known[-1][0] * REACH:
        return None
    x, y = np.log(np.array(known)).T
    place = min(max(np.searchsorted(x, np.log(n_nodes)), 1), len(x) - 1)
    slope = (y[place] - y[place - 1]) / (x[place] - x[place - 1]) if len(x) > 1 else COUPLING
    seconds = math.exp(y[place - 1] + slope * (math.log(n_nodes) - x[place - 1]))
    steps = simulated_seconds(settings) / simulation["dt"]
    return seconds * steps * BENCHMARK_STEP / BENCHMARK_DURATION
