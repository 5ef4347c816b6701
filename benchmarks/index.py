"""How long a large cohort takes to be indexed and planned: made derivatives of 5,000 people.

``python benchmarks/index.py`` makes folders as XCP-D and QSIRecon leave them (empty time series, real names),
runs the command index on them, reads its tables and plans the workflow with a dry run. It writes
`results/index_<processor>.json` and `.md`; takes some minutes, most of them to make and remove the files.
"""

import argparse
import io
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import machine
import yaml
from scipy.io import savemat

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

import derivatives  # noqa: E402

from workflow_scripts.cohort import table_checks  # noqa: E402
from workflow_scripts.configuration import configuration  # noqa: E402

ATLASES = ("4S156Parcels", "4S456Parcels", "Glasser", "Gordon", "Tian")
TABLES = ("manifest", "participants", "nodes")
TEXT = """\
# Indexing and planning {people:,} people

{processor}, {cores} cores, {system}; {when}. Others were busy on the machine (load {load}), so that CPU
seconds tell more than wall time. Files in the page cache. Two runs per person, {atlases} atlases,
{files:,} files; `index` is the median of {turns} turns.

| step | CPU s | wall s |
|---|---|---|
"""
STEPS = {
    "index": "`index`: {rows:,} rows of the manifest, participants, nodes",
    "reading": "reading and checking the tables, at every start of Snakemake",
    "dry_run": "`snakemake --dry-run`: {jobs:,} jobs, {batch_size} people per batch",
}


def main():
    """Make the files, measure, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        print(f"making the files of {asked.people} people")
        make(folder, asked.people)
        write_results(measure(folder, asked))
        print("removing the files")


def write_results(measured):
    """Write the figures as JSON and as a page."""
    found = machine.describe()
    result = {"date": date.today().isoformat(), "machine": found, **machine.conditions(), **measured}
    place = HERE / "results" / f"index_{machine.slug(found)}"
    place.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    text = TEXT.format(**found, **measured, when=result["date"], load=result["load"])
    for step, words in STEPS.items():
        text += "| {} | {cpu:.1f} | {wall:.1f} |\n".format(words.format(**measured), **measured[step])
    place.with_suffix(".md").write_text(text)
    print(text)


def make(folder, people):
    """Write the derivatives; every connectivity file has the same content."""
    buffer = io.BytesIO()
    savemat(buffer, derivatives.qsirecon_content())
    names = [f"{number:05d}" for number in range(1, people + 1)]
    for name in names:
        derivatives.add_xcpd(folder / "xcp_d", name, atlases=ATLASES)
        derivatives.add_qsirecon(folder / "qsirecon", name, content=buffer.getvalue())
    derivatives.add_atlas(folder / "xcp_d", ATLASES[0])
    derivatives.add_bids(folder / "bids", names)


def measure(folder, asked):
    """Time the steps.

    Returns
    -------
    dict
        Seconds, and the sizes they belong to.
    """
    seconds, printed = [], ""
    for _ in range(asked.turns):
        took, printed = timed(
            *(sys.executable, "-m", "workflow_scripts.index.__main__", "--out", "config"),
            *("--derivatives", "xcp_d", "qsirecon", "--participants", "bids/participants.tsv"),
            folder=folder,
        )
        seconds.append(took)
    config = write_config(folder, asked.batch_size)
    read = {**config, **{name: str(folder / config[name]) for name in TABLES}}
    started, used = time.perf_counter(), time.process_time()
    rows = table_checks.read_tables(configuration.validate(read))
    reading = {"cpu": time.process_time() - used, "wall": time.perf_counter() - started}
    command = (
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--cores",
        "1",
    )
    dry_run, plan = timed(*command, "--configfile", "cohort.yaml", "--dry-run", folder=folder)
    return {
        "people": asked.people,
        "atlases": len(ATLASES),
        "files": int(re.search(r"Found (\d+) files", printed)[1]),
        "rows": len(rows),
        "turns": asked.turns,
        "index": {key: statistics.median(turn[key] for turn in seconds) for key in ("cpu", "wall")},
        "index_all": seconds,
        "reading": reading,
        "batch_size": asked.batch_size,
        "jobs": int(re.search(r"^total +(\d+)$", plan, flags=re.MULTILINE)[1]),
        "dry_run": dry_run,
    }


def write_config(folder, batch_size):
    """Write a configuration with one fit."""
    fit = {"model": "rWW", "fic": "analytical", "free": {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}}
    config = {name: f"config/{name}.tsv" for name in TABLES}
    config |= {
        "bold": {"hemodynamics": "cubnm-3T"},
        "simulation": {"duration": 930.0},
        "batch_size": batch_size,
    }
    config["fits"] = {"homogeneous": fit}
    (folder / "cohort.yaml").write_text(yaml.safe_dump(config))
    return config


def timed(*command, folder):
    """Run a command in a folder; give its CPU and wall seconds and what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    started, before = time.perf_counter(), _used_by_children()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    took = {"cpu": _used_by_children() - before, "wall": time.perf_counter() - started}
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return took, done.stdout + done.stderr


def _used_by_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
