"""What a cohort costs beside its simulations: up to 40,000 people planned, 100 people computed.

``python benchmarks/scale.py`` measures what a dry run and the start of a job take for cohorts of several
sizes with small files, prints the plan of the smallest, then makes 100 people and runs the workflow on them
on two cores. ``--beside FOLDER`` measures another checkout's planning as well. CPU seconds within
`cubnm_core.simulate` are simulation; everything else (Snakemake, start of jobs, files, search, scores,
tables, report) is overhead. Writes `results/scale_<processor>.json` and `.md`; takes half an hour.
"""

import argparse
import contextlib
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import machine
import yaml

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from cohorts import TinyCohort  # noqa: E402

from workflow_scripts.cohort import planned_cohort  # noqa: E402
from workflow_scripts.configuration import configuration  # noqa: E402
from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES  # noqa: E402

# Put on the path of every job: adds the CPU seconds within `simulate` to a file per process.
WATCH = """
import atexit, importlib.util, os, sys, time

class Watch:
    def find_spec(self, name, path, target=None):
        if name != "cubnm_core.simulation.simulation":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        spent = [0.0]

        def exec_module(module):
            load(module)
            simulate = module.simulate

            def watched(*arguments, **keywords):
                started = time.process_time()
                try:
                    return simulate(*arguments, **keywords)
                finally:
                    spent[0] += time.process_time() - started

            module.simulate = watched

        spec.loader.exec_module = exec_module
        path = os.path.join(os.environ["SIMULATION_SECONDS"], str(os.getpid()))
        atexit.register(lambda: open(path, "w").write(repr(spent[0])))
        return spec

sys.meta_path.insert(0, Watch())
"""
PLANNED = {
    "simulation": {"duration": 930.0, "burn_in": 30.0},
    "fits": {
        "homogeneous": {
            "fic": "analytical",
            "free": {"G": [0.5, 5.0], "w_p": [0.2, 2.0]},
            "optimizer": {"population": 32, "generations": 30},
        }
    },
}
COMPUTED = {
    **SYNTHETIC_TABLES,
    "bold": {"hemodynamics": "cubnm-1.5T", "shortest_fcd": None},
    "simulation": {"duration": 270.0, "burn_in": 30.0, "dt": 5.0e-4, "hemodynamic_dt": 5.0e-3},
    "batch_size": 50,
    "fits": {
        "homogeneous": {
            "fic": "analytical",
            "free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]},
            "objective": {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5},
            "optimizer": {"population": 10, "generations": 6, "restarts": 1, "tolerance": 0.0},
        }
    },
    # Fits and their scores: the evidence beside them would be mostly simulation.
    "evaluation": {"seeds": 5, "others": 0, "folds": 0, "profile": {"people": 0}, "nulls": {"count": 0}},
}
PARTS = ("planning", "computing")
MADE = {"nodes": 66, "scan_duration": 300.0, "dt": 1.0e-3}
HEAD = """\
# What a cohort costs beside its simulations

{processor}, {cores} cores, {system}. Others were busy on the machine, so that CPU seconds tell more than wall
time. `python benchmarks/scale.py`
"""
PLANNING = """
**Planning**, 3 files a person, in batches of the default size ({when}, load {load}):

| people | batch size | jobs | `snakemake --dry-run`: CPU s | peak MB | start of a job: CPU s | peak MB |
|---|---|---|---|---|---|---|
{rows}

A job starts Snakemake anew; with an empty Snakefile that takes {empty[cpu]:.2f} CPU s of it.
{beside}
The plan of the {smallest:,} people:

```
{plan}
```
"""
COMPUTING = """
**Computing {people} people** in {batches} batches on two cores, from files to the report, with scores of the
fits but no further evidence: {simulations:,} simulations of 270 s (66 nodes, time step 0.5 ms) in
{wall:.0f} s of wall time ({when}, load {load}).

| part | CPU s | share of simulation |
|---|---|---|
| simulation (within `cubnm_core.simulate`, FC and FCD included) | {simulation:.0f} | |
| workflow and search: Snakemake, {jobs} jobs, files, scores, tables | {rest:.0f} | {share:.1%} |
| a global signal as baseline, made without `simulate` | {baseline:.0f} | {baseline_share:.1%} |
| pictures and pages of all people | {pages:.0f} | {pages_share:.1%} |

What is done once for a person, such as pictures, weighs much beside these 65 small simulations a person.
"""
# How Snakemake starts a job of its own; what it plans then is printed, not computed.
JOB = (
    "--force --notemp --no-hooks --nolock --ignore-incomplete --force-use-threads --nocolor --mode subprocess"
)
JOB += " --max-inventory-time 0 --target-files-omit-workdir-adjustment --dry-run --allowed-rules fit"
JOB += " --target-jobs fit:batch=002,fit=homogeneous"
EMPTY = 'rule nothing:\n    output: "nothing"\n    shell: "touch {output}"\n'


def main():
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--planned", type=int, nargs="+", default=[2000, 5000, 40000], help="people to plan")
    parser.add_argument("--beside", type=Path, help="another checkout, whose planning is measured as well")
    parser.add_argument("--beside-up-to", type=int, default=5000, help="people that it plans at most")
    parser.add_argument("--computed", type=int, default=100, help="people to compute")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="the other one stays as it was"
    )
    asked = parser.parse_args()
    here = machine.describe()
    stem = HERE / "results" / f"scale_{machine.slug(here)}"
    earlier = stem.with_suffix(".json")
    result = json.loads(earlier.read_text(encoding="utf-8")) if earlier.exists() else {}
    result["machine"] = here
    measures = {
        "planning": lambda folder: planning(folder, asked.planned, asked.beside, asked.beside_up_to),
        "computing": lambda folder: computing(folder, asked.computed),
    }
    for part in asked.parts:
        conditions = {**machine.conditions(), "when": date.today().isoformat()}
        with tempfile.TemporaryDirectory() as folder:
            result[part] = {**conditions, **measures[part](Path(folder))}
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    print(markdown(result))


def planning(folder, counts, beside, beside_up_to):
    """Plan cohorts of small files, and start a job of each."""
    (folder / "empty.smk").write_text(EMPTY, encoding="utf-8")
    _, empty = snakemake(folder, None, "--dry-run", snakefile=folder / "empty.smk")
    result = {"empty": empty, "cohorts": [], "beside": []}
    for people in sorted(counts):
        place = folder / str(people)
        place.mkdir()
        names = [f"{number:05d}" for number in range(people)]
        cohort = TinyCohort(place, participants=names, volumes=3)
        cohort.config |= PLANNED
        config = cohort.write()
        if beside and people <= beside_up_to:
            result["beside"].append({"people": people, **started(place, config, beside / "Snakefile")})
        said, dry_run = snakemake(place, config, "--dry-run")
        jobs = int(re.findall(r"^total +(\d+)$", said, flags=re.MULTILINE)[0])
        with contextlib.chdir(place):  # as a run does before its first job
            planned = planned_cohort.PlannedCohort(configuration.validate(cohort.config))
            planned.write()
        found = {"people": people, "batch_size": planned.batch_size, "jobs": jobs, "dry_run": dry_run}
        _, found["job"] = snakemake(place, config, *JOB.split())
        result["cohorts"].append(found)
        if "plan" not in result:
            plan, _ = snakemake(place, config, "plan", "--cores", "2")
            plan = plan[plan.index("people:") : plan.index("not simulate take")]
            result["plan"] = plan.splitlines()[:-1]
    return result


def started(folder, config, snakefile):
    """Plan a cohort, and start one of its jobs, with another Snakefile."""
    _, dry_run = snakemake(folder, config, "--dry-run", snakefile=snakefile)
    _, job = snakemake(folder, config, *JOB.split(), snakefile=snakefile)
    return {"dry_run": dry_run, "job": job}


def computing(folder, people):
    """Run the workflow on synthetic people; the making is not counted."""
    config = folder / "made.yaml"
    stated = {**COMPUTED, "synthetic": {**MADE, "participants": people}}
    config.write_text(yaml.safe_dump(stated), encoding="utf-8")
    snakemake(folder, config, "--cores", "2", SYNTHETIC_TABLES["nodes"])
    for name in ("watch", "seconds"):
        (folder / name).mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    said, spent = snakemake(
        folder, config, "--cores", "2", path=folder / "watch", SIMULATION_SECONDS=str(folder / "seconds")
    )
    optimizer = COMPUTED["fits"]["homogeneous"]["optimizer"]
    each = optimizer["population"] * optimizer["generations"] + COMPUTED["evaluation"]["seeds"]
    return {
        **spent,
        "people": people,
        "batches": -(-people // COMPUTED["batch_size"]),
        "simulations": people * each,
        "jobs": int(re.findall(r"^total +(\d+)$", said, flags=re.MULTILINE)[0]),
        "simulation": sum(float(path.read_text()) for path in (folder / "seconds").iterdir()),
        "baseline": cpu_of_rules(folder, ["global_signal"]),
        "pages": cpu_of_rules(folder, ["person_figures", "brain", "report"]),
    }


def cpu_of_rules(folder, rules):
    """CPU seconds of all jobs of some rules, as Snakemake noted them."""
    paths = [path for rule in rules for path in (folder / "results/benchmarks" / rule).rglob("*.tsv")]
    tables = [list(csv.DictReader(path.open(encoding="utf-8"), delimiter="\t")) for path in paths]
    return sum(float(row["cpu_time"]) for table in tables for row in table)


def snakemake(folder, config, *arguments, path=None, snakefile=REPOSITORY / "Snakefile", **variables):
    """Run Snakemake; give what it said, its CPU and wall seconds with all jobs, and its peak of memory."""
    searched = [str(part) for part in (path, snakefile.parent, os.environ.get("PYTHONPATH")) if part]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    command += [*(["--configfile", str(config)] if config else []), "--directory", str(folder), *arguments]
    environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(searched)}
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        said.seek(0)
        text = said.read()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{text}")
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    return text, {"cpu": cpu, "wall": wall, "peak_bytes": peak}


def markdown(result):
    """Tell what was measured in words and tables."""
    tell = {"planning": planning_text, "computing": computing_text}
    parts = [tell[part](result[part]) for part in PARTS if part in result]
    return "".join([HEAD.format(**result["machine"]), *parts])


def planning_text(found):
    """Tell what planning takes."""
    rows = [
        f"| {row['people']:,} | {row['batch_size']} | {row['jobs']:,} | {_row(row['dry_run'])} "
        f"| {_row(row['job'], 2)} |"
        for row in found["cohorts"]
    ]
    beside = [
        f"| {row['people']:,} | {_row(row['dry_run'])} | {_row(row['job'], 2)} |" for row in found["beside"]
    ]
    if beside:
        head = "| people | dry run: CPU s | peak MB | start of a job: CPU s | peak MB |"
        beside = ["\nWhen every job read all tables:\n", head, "|---|---|---|---|---|", *beside, ""]
    return PLANNING.format(
        **{key: found[key] for key in ("when", "load", "empty")},
        rows="\n".join(rows),
        beside="\n".join(beside),
        smallest=found["cohorts"][0]["people"],
        plan="\n".join(found["plan"]),
    )


def _row(spent, digits=0):
    return f"{spent['cpu']:,.{digits}f} | {spent['peak_bytes'] / 1e6:,.0f}"


def computing_text(found):
    """Tell what the computation of a cohort takes."""
    simulation = found["simulation"]
    rest = found["cpu"] - sum(found[part] for part in ("simulation", "baseline", "pages"))
    shares = {"share": rest, "baseline_share": found["baseline"], "pages_share": found["pages"]}
    shares = {name: value / simulation for name, value in shares.items()}
    return COMPUTING.format(**found, rest=rest, **shares)


if __name__ == "__main__":
    main()
