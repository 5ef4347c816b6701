"""Does the protocol fast2026 lose anything against a long simulated search? Held-out scores, in pairs.

``python benchmarks/fast_protocol.py`` goes on where the last run ended: every person has a file of their own
in `results/fast_protocol/`, with the settings, and nobody with such a file is fitted again. See README.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import machine
import numpy as np
import yaml
from haemodynamics import EVALUATION, MEASURES, kong_tables, read_table, table
from scipy import stats

from cubnm_core import NUMERICS_VERSION

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "fast_protocol"
FREE = {"G": [0.001, 10.0], "w_p": [0.0, 2.0], "J_N": [0.001, 0.5]}
LONG = {"name": "cmaes", "population": 32, "generations": 60, "restarts": 2, "sigma": 0.5, "tolerance": 0.0}
MADE = {name: f"results/synthetic/{name}.tsv" for name in ("manifest", "participants", "nodes", "truth")}
#: Settings of a cohort. Synthetic people are cheap: few nodes, two parameters, half as fine a step.
COHORTS = {
    "synthetic": {
        **MADE,
        "synthetic": {
            "participants": 20,
            "nodes": 20,
            "scan_duration": 300.0,
            "repetition_time": 1.0,
            "dt": 5.0e-4,
            "parameters": {"G": {"mean": 1.55, "sd": 0.2}, "w_p": {"mean": 1.0, "sd": 0.2}},
            "connectome_spread": 0.3,
            "connectome_error": 0.2,
            "measurement_noise": 0.3,
            "seed": 1,
        },
        "bold": {"hemodynamics": "cubnm-1.5T", "shortest_scan": 300.0, "shortest_fcd": 300.0},
        "holdout": "run",
        "simulation": {"duration": 330.0, "burn_in": 30.0, "dt": 5.0e-4, "hemodynamic_dt": 5.0e-3},
        "free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]},
    },
    "hcp": {"simulation": {"duration": 894.0, "burn_in": 30.0, "dt": 1.0e-4, "hemodynamic_dt": 1.0e-3}},
    "kong2021": {"simulation": {"duration": 894.0, "burn_in": 30.0, "dt": 1.0e-4, "hemodynamic_dt": 1.0e-3}},
}
LIMITS = {"FC r": 0.02, "FCD KS": 0.03}


def main():
    """Fit and score the people who have no file yet, and write the page."""
    options = _options()
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(options.folder or temporary).resolve() / options.cohort
        if options.people:
            config = configure(options.cohort, work, options)
            for batch in batches(work, config, options.cores)[: options.people]:
                fit_person(work, config, batch, options)
    text = markdown([json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))])
    RESULTS.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohort", choices=COHORTS, default="synthetic")
    parser.add_argument(
        "--people", type=int, default=20, help="so many, the first of the cohort; 0: the page"
    )
    parser.add_argument("--folder", help="keep the runs here, and go on with them (default: a temporary one)")
    parser.add_argument("--hcp", type=Path, default=HERE.parent / "resources" / "hcp", help="the HCP example")
    parser.add_argument("--kong", type=Path, help="folder with a copy of the data of Kong et al. 2021")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def configure(cohort, work, options):
    """Write the configuration of a cohort with its two fits, one person a batch."""
    work.mkdir(parents=True, exist_ok=True)
    settings = dict(COHORTS[cohort])
    simulation, free = settings.pop("simulation"), settings.pop("free", FREE)
    if cohort != "synthetic":
        example = yaml.safe_load((HERE.parent / f"config/examples/{cohort}.yaml").read_text(encoding="utf-8"))
        tables = options.hcp.resolve()
        if cohort == "kong2021":
            tables = kong_tables(work / "tables", options.kong.resolve())
        settings = example | {
            name: str(tables / f"{name}.tsv") for name in ("manifest", "participants", "nodes")
        }
    objective = {
        "fc_corr": 1.0,
        "fcd_ks_binned" if cohort == "kong2021" else "fcd_ks": 1.0,
        "rate_penalty": 0.5,
    }
    shared = {"fic": "analytical", "free": free, "objective": objective}
    # The protocol states a step of its own: what a fit states comes first.
    fits = {
        "fast": {**shared, "protocol": "fast2026", "simulation": simulation},
        "long": {**shared, "optimizer": LONG, "simulation": simulation},
    }
    settings |= {"evaluation": EVALUATION, "fits": fits, "batch_size": 1}
    path = work / "config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def snakemake(work, config, cores, *targets):
    """Make files of a cohort."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(HERE.parent / "Snakefile")]
    command += ["--directory", str(work), "--cores", str(cores), "--quiet", "rules", "--rerun-incomplete"]
    subprocess.run([*command, *targets, "--configfile", str(config)], check=True)


def batches(work, config, cores):
    """Prepare everybody; give the batch and the person of each."""
    snakemake(work, config, cores, "prepare")
    rows = read_table(work / "results" / "batches.tsv")
    return [(f"batch-{row['batch']}", row["unit"].removeprefix("sub-")) for row in rows]


def fit_person(work, config, batch, options):
    """Fit a person both ways and keep what was found, unless that was done with these settings."""
    name, person = batch
    path = RESULTS / f"{options.cohort}_{person}.json"
    stated = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings = {
        key: stated[key]
        for key in ("fits", "evaluation", *(["synthetic"] if options.cohort == "synthetic" else []))
    }
    if path.exists() and json.loads(path.read_text())["settings"] == settings:
        return
    for fit in stated["fits"]:
        snakemake(work, config, options.cores, f"results/evaluation/{fit}/{name}_evaluation.tsv")
    found = {
        "cohort": options.cohort,
        "person": person,
        "date": date.today().isoformat(),
        "numerics": NUMERICS_VERSION,
        "machine": machine.describe() | machine.conditions(),
        "settings": settings,
        "fits": {fit: fit_row(work / "results", fit, name) for fit in stated["fits"]},
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def fit_row(results, fit, batch):
    """Scores over fresh seeds, parameters, and CPU seconds of the search, the linear one included."""
    scores = {}
    for row in read_table(results / "evaluation" / fit / f"{batch}_evaluation.tsv"):
        if row["measure"] in MEASURES:
            scores.setdefault(row["split"], {})[MEASURES[row["measure"]]] = [
                float(row["mean"]),
                float(row["sd"]),
            ]
    (best,) = (
        row for row in read_table(results / "fits" / fit / f"{batch}_fits.tsv") if row["selected"] == "True"
    )
    spent = {}
    for step in (fit, f"{fit}-linear"):
        path = results / "benchmarks" / "fit" / f"{step}_{batch}.tsv"
        if path.exists():
            (row,) = read_table(path)
            spent[step] = float(row["cpu_time"])
    return {
        "scores": scores,
        "parameters": {
            key.removeprefix("param_"): float(best[key]) for key in best if key.startswith("param_")
        },
        "cpu": spent,
    }


_TEXT = """\
# The protocol fast2026 against a long simulated search

`python benchmarks/fast_protocol.py`; settings, parameters and machine of every person in
[fast_protocol/](fast_protocol). The long search: CMA-ES, 2 restarts of 60 generations of 32 simulated
candidates, at the step of the scores. Scores: mean over ten fresh noise seeds, the same for both, at the
step of the long search. Loss: of fast2026, so positive where it is worse; mean over people, with the
one-sided 95 % bound of a paired t test. Cost: KS - r + 0.5 x rate penalty. CPU seconds: of a person's
search, without the scores, the median of all people, on a machine that did other work as well.

{rows}

Demanded are held-out bounds below {r} in FC r and {ks} in FCD KS, and a fiftieth of the CPU seconds.
Synthetic people are cheap: 20 nodes, two runs of 300 s, two parameters, steps of 0.5 ms in the long search
and in all scores, so that its price is about a fifth of what it would be at 0.1 ms, and the ratio with it.
"""


def markdown(people):
    """The page of all people who have been fitted."""
    head = (
        "cohort",
        "people",
        "split",
        "score",
        "fast2026",
        "long search",
        "loss",
        "bound",
        "CPU s of a search",
        "ratio",
    )
    cohorts = dict.fromkeys(row["cohort"] for row in people)
    rows = [row for cohort in cohorts for row in cohort_rows([p for p in people if p["cohort"] == cohort])]
    return _TEXT.format(rows=table(head, rows), r=LIMITS["FC r"], ks=LIMITS["FCD KS"])


def cohort_rows(people):
    """Scores and prices of both fits in a cohort."""
    prices = {
        fit: np.median([sum(row["fits"][fit]["cpu"].values()) for row in people]) for fit in ("fast", "long")
    }
    spent = f"{prices['fast']:.0f} / {prices['long']:.0f}", f"{prices['long'] / prices['fast']:.0f}"
    for split in ("train", "test"):
        for name in dict.fromkeys(MEASURES.values()):
            fast, long = (values_of(people, fit, split, name) for fit in ("fast", "long"))
            loss = long - fast if name == "FC r" else fast - long
            cells = (f"{value.mean():.3f}" for value in (fast, long, loss))
            yield people[0]["cohort"], len(people), split, name, *cells, bound(loss), *spent


def values_of(people, fit, split, name):
    """A score of every person, mean over the seeds."""
    return np.array([row["fits"][fit]["scores"][split][name][0] for row in people])


def bound(loss):
    """One-sided 95 % bound of the mean of paired differences; none for fewer than six people."""
    if len(loss) < 6:
        return "pilot"
    return f"{loss.mean() + stats.t.ppf(0.95, len(loss) - 1) * stats.sem(loss):.3f}"


if __name__ == "__main__":
    main()
