"""Rule plan: the jobs of a run and their cost, before any of them starts.

Jobs are those of a dry run. The time of a simulation is measured here, in a few seconds, with the settings of
every fit; for other machines it is scaled from the tables of benchmarks/results.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables
from workflow_scripts.configuration.method import is_linear
from workflow_scripts.configuration.parameters import beyond_bounds
from workflow_scripts.files import job
from workflow_scripts.fitting import simulators
from workflow_scripts.planning import estimates, lengths, linear_candidates

SNAKEFILE = Path(__file__).resolve().parents[2] / "Snakefile"
NOT_MEASURED = "not measured"
CORES = (2, 64)  # beside those of this machine
REMARKS = (
    "Numbers of simulations are upper limits: searches may end early, and stored candidates are not",
    "simulated again. Jobs that neither simulate nor score by linear response take seconds each and are",
    "not counted.",
)


@dataclass(frozen=True)
class PlannedJob:
    """A job of a dry run.

    Attributes
    ----------
    rule : str
    wildcards : dict of str to str
    files : int
        That it writes, logs and benchmarks included.
    """

    rule: str
    wildcards: dict
    files: int


def main(sm):
    """Print jobs, files, simulations and the hours they take."""
    logger = job.start(sm)
    params = sm.params
    jobs = planned_jobs(params.config)
    lines = ["Nothing is to be done."]
    if jobs:
        nodes = planned_nodes(params.config)
        simulating = [(planned.rule, planned.wildcards) for planned in jobs]
        one_connectome = params.config["connectome"]["source"] != "individual"
        evaluation = params.evaluation | {"one_connectome": one_connectome}
        evaluation |= {"experiments": params.config["experiments"]}
        seconds = lengths.scan_seconds(params.batches, params.config["synthetic"])
        fits = lengths.with_durations(params.fits, seconds)
        stages = estimates.stages(simulating, fits, params.batches, evaluation, nodes)
        landscapes = evaluation["landscapes"]
        stages += linear_candidates.plane_stages(simulating, fits, params.batches, landscapes, len(nodes))
        lines = [f"{count_jobs(params.batches)}, batches: {len(params.batches)}, nodes: {len(nodes)}", ""]
        lines += [*table(["rule", "jobs", "files"], job_rows(jobs)), ""]
        here = measure_fits(stages, fits, nodes, params, logger)
        prices = measure_linear(stages, fits, nodes, params, logger)
        stages = linear_candidates.part(stages, fits, prices, here)
        times = {"here": here, **scale_hours(stages, fits, nodes)}
        head = ["fit", "rule", "simulations", "simulated s", *(f"hours {place}" for place in times)]
        lines += [*table(head, stage_rows(stages, times)), ""]
        lines += [*wall_times(stages, times, fits), ""]
        lines += [*on_request(fits, params.twins, here), *remarks(fits)]
        lines += linear_candidates.remarks(stages, prices)
        lines += lengths.remarks(params.fits, seconds)
        lines += [f"{fit}: {text}" for fit in params.fits for text in beyond_bounds(params.fits[fit])]
    print("\n".join(["", *params.detectable, *lines, ""]), flush=True)


def count_jobs(packed):
    """Count people, and their sessions where they are more."""
    units = [unit for members in packed.values() for unit in members]
    people = {unit.partition("_ses-")[0] for unit in units}
    sessions = f", sessions: {len(units)}" if len(units) > len(people) else ""
    return f"people: {len(people)}{sessions}"


def planned_jobs(config):
    """Ask Snakemake what it would run.

    Parameters
    ----------
    config : dict
        The completed configuration.

    Returns
    -------
    list of PlannedJob

    Raises
    ------
    InputError
        With what Snakemake says, if it cannot plan.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(job.plain(config), file, sort_keys=False)
        file.flush()
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--dry-run", "--nocolor"]
        command += ["--cores", "1", "--nolock", "--configfile", file.name]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise InputError(f"the workflow cannot be planned:\n{done.stdout}{done.stderr}")
    return parse_table(done.stdout + done.stderr)


def parse_table(text):
    """Read the jobs of a dry run from what Snakemake prints."""
    found = []
    for block in re.split(r"^(?=(?:local)?rule \w+:$)", text, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block).group(1)
        entries = dict(re.findall(r"^    (output|log|benchmark|wildcards): (.*)$", block, flags=re.MULTILINE))
        pairs = entries.pop("wildcards", "").split(", ")
        wildcards = dict(pair.split("=", 1) for pair in pairs if pair)
        found.append(PlannedJob(rule, wildcards, sum(len(paths.split(", ")) for paths in entries.values())))
    return [planned for planned in found if planned.files]


def planned_nodes(config):
    """Read the node table, or give a stand-in for that of a synthetic cohort that does not exist yet."""
    synthetic = config["synthetic"]
    if synthetic is None or Path(config["nodes"]).exists():
        return tables.read_nodes(config["nodes"])
    sides = "L" * (synthetic["nodes"] // 2) + "R" * (synthetic["nodes"] // 2)
    return [
        {"index": place, "label": f"{side}{place}", "hemisphere": side} for place, side in enumerate(sides)
    ]


def job_rows(jobs):
    """Make one row per rule and one for all of them."""
    counts, files = Counter(planned.rule for planned in jobs), Counter()
    for planned in jobs:
        files[planned.rule] += planned.files
    rows = [[rule, count, files[rule]] for rule, count in counts.items()]
    return [*rows, ["all", counts.total(), files.total()]]


def measure_fits(stages, fits, nodes, params, logger):
    """Seconds of one simulation of every fit on this machine, measured now."""
    found, people = {}, max(map(len, params.batches.values()))
    for fit in dict.fromkeys(stage.fit for stage in stages):
        found[fit] = estimates.measure(fits[fit], nodes, params.repetition_time, people)
        logger.info("%s: %.3g CPU seconds per simulation, measured now", fit, found[fit])
    return found


def measure_linear(stages, fits, nodes, params, logger):
    """What candidates take that linear response scores, by fit; measured now."""
    found = {}
    scored = (stage.fit for stage in stages if stage.is_linear or is_linear(fits[stage.fit]))
    for fit in dict.fromkeys(scored):
        found[fit] = linear_candidates.measure(fits[fit], nodes, params.repetition_time)
        logger.info("%s: %.3g CPU seconds per linear candidate, measured now", fit, found[fit].seconds)
    return found


def scale_hours(stages, fits, nodes):
    """The same for every benchmarked machine; None where no benchmark is near enough."""
    names = dict.fromkeys(stage.fit for stage in stages)
    return {
        f"({number})": {fit: estimates.scale(known, fits[fit], len(nodes)) for fit in names}
        for number, (_, known) in enumerate(estimates.read_measurements().values(), start=1)
    }


def stage_rows(stages, times):
    """Make one row per fit and rule with the hours on every machine, and one for all of them."""
    rows = [_counted(stage) for stage in stages]
    simulated = [stage for stage in stages if not stage.is_linear]
    total = (sum(stage.simulations for stage in simulated), sum(round(stage.seconds) for stage in simulated))
    rows.append(["all", "", *total])
    for seconds in times.values():
        hours = [_hours(stage.simulations * stage.cost, seconds[stage.fit]) for stage in stages]
        hours.append(None if None in hours else sum(hours))
        for row, value in zip(rows, hours, strict=True):
            row.append(NOT_MEASURED if value is None else f"{value:,.3g}")
    return rows


def _counted(stage):
    """Cells of a stage: simulations, or candidates of linear response, which are none."""
    if stage.is_linear:
        return [stage.fit, stage.rule, f"{stage.simulations:,} linear", "none"]
    return [stage.fit, stage.rule, stage.simulations, round(stage.seconds)]


def wall_times(stages, times, fits):
    """Say how long all simulations take on some numbers of cores, where hours are those of a core.

    Parameters
    ----------
    stages : list of estimates.Stage
    times : dict of str to dict of str to float
        By place, seconds of one simulation by fit; None where they are not known.
    fits : dict of str to dict
        Resolved settings by name.

    Returns
    -------
    list of str
    """
    units = {"here": "GPU" if _on_card(fits) else "one core"}
    for number, (unit, _) in enumerate(estimates.read_measurements().values(), start=1):
        units[f"({number})"] = unit
    places = [
        place
        for place, seconds in times.items()
        if units[place].startswith("one core") and None not in seconds.values()
    ]
    if not stages or not places:
        return []
    rows = []
    for cores in sorted({*CORES, len(os.sched_getaffinity(0))}):
        hours = [estimates.estimate_hours(cores, stages, times[place]) for place in places]
        rows.append([f"{cores}", *(f"{found:,.3g}" for found in hours)])
    return table(["cores", *(f"hours of wall time {place}" for place in places)], rows)


def on_request(fits, twins, seconds):
    """Say what synthetic twins of the fits above would take; they run on request.

    Parameters
    ----------
    fits : dict of str to dict
        Resolved settings by name.
    twins : int
        Of every fit.
    seconds : dict of str to float
        Of one simulation here, by fit.

    Returns
    -------
    list of str
        Empty without any fit whose simulations were measured.
    """
    counts = {fit: twins * (estimates.most_simulations(fits[fit]) + 1) for fit in seconds}
    if not counts:
        return []
    hours = sum(_hours(count, seconds[fit]) for fit, count in counts.items())
    return [
        f"Not included: snakemake twins would take {sum(counts.values()):,} simulations, "
        f"{hours:,.3g} hours here."
    ]


def _hours(simulations, seconds):
    return None if seconds is None else simulations * seconds / 3600


def remarks(fits):
    """Explain the figures."""
    here = "hours of the GPU" if _on_card(fits) else f"hours of one core of {job.processor()}"
    return [
        f"here: {here}, measured now with these settings",
        *(
            f"({number}): hours of {unit}, scaled from benchmarks/results/{name}"
            for number, (name, (unit, _)) in enumerate(estimates.read_measurements().items(), start=1)
        ),
        *REMARKS,
    ]


def _on_card(fits):
    return any(simulators.used_backend(settings) == "cuda" for settings in fits.values())


def table(head, rows):
    """Align the columns of a table, the first to the left, numbers to the right."""
    cells = [head, *([f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    aligned = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in cells]
    return ["  ".join(row) for row in aligned]


if "snakemake" in globals():
    main(snakemake)
