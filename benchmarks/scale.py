"""What a cohort costs beside its simulations: 2,000 people planned, 100 people computed.

``python benchmarks/scale.py`` measures how long the Snakefile is parsed and a dry run takes for 2,000 people
with small files, prints their plan, then makes 100 people and runs the workflow on them on two cores. CPU
seconds within `cubnm_core.simulate` are simulation; everything else (Snakemake, start of jobs, files, search,
scores, tables, report) is overhead. Writes `results/scale_<processor>.json` and `.md`; takes a quarter of an
hour.
"""

import argparse
import csv
import json
import os
import re
import resource
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
    "bold": {"hemodynamics": "friston2003"},
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
TEXT = """\
# What a cohort costs beside its simulations

{processor}, {cores} cores, {system}. Others were busy on the machine, so that CPU seconds tell more than wall
time. `python benchmarks/scale.py`

**Planning {planned_people:,} people**, 3 files each, in batches of {planned_batch}
({planning[when]}, load {planning[load]}):

| step | CPU s | wall s |
|---|---|---|
| parsing the Snakefile, with all imports (`snakemake --list-rules`) | {parse[cpu]:.2f} | {parse[wall]:.2f} |
| `snakemake --dry-run`: {jobs:,} jobs | {dry_run[cpu]:.1f} | {dry_run[wall]:.1f} |

**Computing {people} people** in {batches} batches on two cores, from files to the report, with scores of the
fits but no further evidence: {simulations:,} simulations of 270 s (66 nodes, time step 0.5 ms) in
{computing[wall]:.0f} s of wall time ({computing[when]}, load {computing[load]}).

| part | CPU s | share of simulation |
|---|---|---|
| simulation (within `cubnm_core.simulate`, FC and FCD included) | {simulating:.0f} | |
| workflow and search: Snakemake, {computed_jobs} jobs, files, scores, tables | {rest:.0f} | {share:.1%} |
| a global signal as baseline, made without `simulate` | {baseline:.0f} | {baseline_share:.1%} |
| pictures and pages of all people | {pages:.0f} | {pages_share:.1%} |

What is done once for a person, such as pictures, weighs much beside these 65 small simulations a person.

The plan of the {planned_people:,} people:

```
{plan}
```
"""


def main():
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--planned", type=int, default=2000, help="people to plan")
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
    for part, measure, people in zip(
        PARTS, (planning, computing), (asked.planned, asked.computed), strict=True
    ):
        if part in asked.parts:
            conditions = {**machine.conditions(), "when": date.today().isoformat()}
            with tempfile.TemporaryDirectory() as folder:
                result[part] = {**conditions, **measure(Path(folder), people)}
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    print(markdown(result))


def planning(folder, people):
    """Parse, dry run and plan a cohort of small files."""
    cohort = TinyCohort(folder, participants=[f"{number:05d}" for number in range(people)], volumes=3)
    cohort.config |= {**PLANNED, "batch_size": 16}
    config = cohort.write()
    _, parse = snakemake(folder, config, "--list-rules")
    said, dry_run = snakemake(folder, config, "--dry-run")
    jobs = re.findall(r"^total +(\d+)$", said, flags=re.MULTILINE)[0]
    plan, _ = snakemake(folder, config, "plan", "--cores", "2")
    plan = plan[plan.index("people:") : plan.index("not simulate take")]
    return {
        "people": people,
        "batch_size": 16,
        "parse": parse,
        "dry_run": dry_run,
        "jobs": int(jobs),
        "plan": plan.splitlines()[:-1],
    }


def computing(folder, people):
    """Run the workflow on made people; the making is not counted."""
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


def snakemake(folder, config, *arguments, path=None, **variables):
    """Run Snakemake; give what it said, and its CPU and wall seconds with all its jobs."""
    searched = [str(part) for part in (path, REPOSITORY, os.environ.get("PYTHONPATH")) if part]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--configfile", str(config), "--directory", str(folder), *arguments]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(searched)},
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout + done.stderr, {"cpu": cpu, "wall": wall}


def markdown(result):
    """Tell a result in words and tables."""
    planning, computing = result["planning"], result["computing"]
    rest = computing["cpu"] - sum(computing[part] for part in ("simulation", "baseline", "pages"))
    return TEXT.format(
        **result["machine"],
        planning=planning,
        planned_people=planning["people"],
        planned_batch=planning["batch_size"],
        parse=planning["parse"],
        dry_run=planning["dry_run"],
        jobs=planning["jobs"],
        people=computing["people"],
        batches=computing["batches"],
        simulations=computing["simulations"],
        computing=computing,
        simulating=computing["simulation"],
        computed_jobs=computing["jobs"],
        rest=rest,
        share=rest / computing["simulation"],
        baseline=computing["baseline"],
        baseline_share=computing["baseline"] / computing["simulation"],
        pages=computing["pages"],
        pages_share=computing["pages"] / computing["simulation"],
        plan="\n".join(planning["plan"]),
    )


if __name__ == "__main__":
    main()
