"""Kill fits at random moments, start them again, and compare everything they wrote with an undisturbed run.

A small cohort is fitted by real processes, which are ended by a signal (SIGKILL unless another one is named),
each at a random moment between its first generation and its last. Histories and tables of the run after it
must hold the same bytes as those of a run that nobody disturbed; only the time it took may differ.

    python benchmarks/kill_test.py --kills 20
"""

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
SEARCH = {"population": 8, "generations": 20, "restarts": 2, "tolerance": 0.0}
RETEST = {"candidates": 3, "seeds": 3, "first_seed": 500}


def fit(folder):
    """Fit the cohort of a folder, as the rule does."""
    from prepared import PreparedCohort

    from workflow_scripts.fitting.fit import main

    os.chdir(folder)
    cohort = PreparedCohort(Path(folder))
    cohort.settings["optimizer"].update(SEARCH)
    cohort.settings["retest"] = RETEST
    main(cohort.sm("fit"))


def start(folder):
    """Start a process that fits the cohort of a folder."""
    command = [sys.executable, __file__, "--fit", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finish(folder):
    """Fit the cohort of a folder to its end."""
    if start(folder).wait() != 0:
        raise SystemExit(f"the fit in {folder} failed")


def written(folder):
    """Everything a fit wrote: histories as bytes, tables without the time they took."""
    found = {path.name: path.read_bytes() for path in (folder / "results/histories").rglob("*.tsv")}
    for path in (folder / "results/fits").rglob("*.tsv"):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        found[path.name] = [{name: cell for name, cell in row.items() if name != "seconds"} for row in rows]
    return found


def generations(folder):
    """Number of complete generations in the histories."""
    paths = (folder / "results/histories").rglob("*.tsv")
    return sum(path.read_text().count("# generation ") for path in paths)


def searching(folder):
    """Start a fit and wait until its first history appears."""
    folder.mkdir(exist_ok=True)
    process = start(folder)
    while process.poll() is None and not generations(folder):
        time.sleep(0.01)
    return process


def interrupt(folder, after, request):
    """End a fit some seconds after its first generation; number of complete generations, and exit status."""
    process = searching(folder)
    time.sleep(after)
    process.send_signal(request)
    status = process.wait()
    return generations(folder), status


def run(kills, request, seed, folder):
    """Interrupt so many fits; say what came of each, and raise SystemExit if one differs."""
    whole = folder / "undisturbed"
    process, started = searching(whole), time.perf_counter()
    if process.wait() != 0:
        raise SystemExit(f"the undisturbed fit failed with the status {process.returncode}")
    seconds, expected, in_all = time.perf_counter() - started, written(whole), generations(whole)
    print(f"undisturbed: {in_all} generations, {seconds:.1f} s after the first; seed {seed}")
    generator, differing, number, in_time = np.random.default_rng(seed), 0, 0, 0
    while in_time < kills:
        number += 1
        here, after = folder / f"killed-{number}", generator.uniform(0.0, seconds)
        complete, status = interrupt(here, after, request)
        if complete == in_all:
            print(f"{number}: the searches had ended before {after:.2f} s, not counted", flush=True)
            continue
        in_time += 1
        finish(here)
        same = written(here) == expected
        differing += not same
        print(
            f"{in_time}: ended after {after:.2f} s (status {status}) with {complete} generations, "
            f"then to the end: {'the same bytes' if same else 'DIFFERENT'}",
            flush=True,
        )
    if differing:
        raise SystemExit(f"{differing} of {kills} fits differ from the undisturbed one")
    print(f"{kills} of {kills} fits are the same, byte by byte")


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--signal", default="KILL", choices=["KILL", "TERM", "INT"])
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the moments")
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.fit is not None:
        fit(chosen.fit)
        return
    with tempfile.TemporaryDirectory() as folder:
        run(chosen.kills, getattr(signal, f"SIG{chosen.signal}"), chosen.seed, Path(folder))


if __name__ == "__main__":
    main()
