"""Rule plan: what is going to run, and what it is going to take, said before any of it runs.

Jobs are those of a dry run. The time of a simulation is measured here, in a few seconds, with the settings of
every fit; for other machines it is scaled from the tables of benchmarks/results.
"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from cubnm_core.errors import InputError
from workflow_scripts import estimates, job, tables

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"
NOT_MEASURED = "not measured"
REMARKS = (
    "Hours are those of one core. Searches that end early take less, and so do those with a history; jobs",
    "that do not simulate take seconds each and are not counted.",
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
        stages = estimates.stages(simulating, params.fits, params.batches, params.seeds)
        people = sum(map(len, params.batches.values()))
        lines = [f"{people} people in {len(params.batches)} batches, {len(nodes)} nodes", ""]
        lines += table(["rule", "jobs", "files"], job_rows(jobs))
        lines += ["", *table(["fit", "rule", "simulations at most", "simulated seconds"], simulated(stages))]
        head = ["hours", *(f"{stage.fit}: {stage.rule}" for stage in stages), "all"]
        lines += ["", *table(head, hours(stages, nodes, params, logger)), "", *REMARKS]
    print("\n".join(["", *lines, ""]), flush=True)


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
        yaml.safe_dump(job.plain(config), file)
        file.flush()
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--dry-run", "--nocolor"]
        command += ["--cores", "1", "--nolock", "--configfile", file.name]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise InputError(f"the workflow cannot be planned:\n{done.stdout}{done.stderr}")
    return parsed(done.stdout + done.stderr)


def parsed(text):
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
    """Give the node table, or a stand-in for that of a made cohort that is not made yet."""
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


def simulated(stages):
    """Make one row per fit and rule."""
    return [
        [stage.fit, stage.rule, stage.simulations, round(stage.simulations * stage.simulated)]
        for stage in stages
    ]


def hours(stages, nodes, params, logger):
    """Make one row for this machine, measured now, and one for each that a table of benchmarks knows."""
    fits = {stage.fit: params.fits[stage.fit] for stage in stages}
    own, people = {}, max(map(len, params.batches.values()))
    for fit, settings in fits.items():
        together = settings["optimizer"]["population"] * people
        own[fit] = estimates.measured_here(settings, nodes, params.repetition_time, together)
        logger.info("%s: %.3g CPU seconds per simulation, measured now", fit, own[fit])
    rows = [[f"{job.processor()}, measured now", *sums(stages, own)]]
    for machine, known in estimates.measured_elsewhere().items():
        found = {fit: estimates.scaled(known, settings, len(nodes)) for fit, settings in fits.items()}
        rows.append([f"{machine}, from its benchmark", *sums(stages, found)])
    return rows


def sums(stages, seconds):
    """Give the hours of every stage and of all, as text."""
    found = [
        None if seconds[stage.fit] is None else stage.simulations * seconds[stage.fit] / 3600
        for stage in stages
    ]
    whole = None if None in found else sum(found)
    return [NOT_MEASURED if value is None else f"{value:,.3g}" for value in [*found, whole]]


def table(head, rows):
    """Align the columns of a table, the first to the left, numbers to the right."""
    cells = [head, *([f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    aligned = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in cells]
    return ["  ".join(row) for row in aligned]


if "snakemake" in globals():
    main(snakemake)
