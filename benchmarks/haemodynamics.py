"""Do haemodynamic constants matter? Spectra of scans and simulations, and fits under two sets of constants.

``python -m workflow_scripts.get_hcp_example`` first; then ``python benchmarks/haemodynamics.py``. With
``--kong`` (a copy of the data of Kong et al. 2021) two of their people are fitted, too. See README.md.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from functools import partial
from pathlib import Path

import machine
import numpy as np
import yaml
from spectra import FAST, FLOOR, REPETITION_TIME, SEGMENT, SLOPES, spectral_row

from cubnm_core import NUMERICS_VERSION
from cubnm_core.equations.hemodynamics import CONSTANTS, hemodynamic_constants, signal_coefficients
from workflow_scripts import get_kong2021_example

HERE = Path(__file__).resolve().parent
SETS = ("cubnm-3T", "friston-3T")
SEARCH = {"name": "cmaes", "population": 16, "generations": 8, "restarts": 1, "sigma": 0.5, "tolerance": 0.0}
SIMULATION = {"duration": 894.0, "burn_in": 30.0, "dt": 1.0e-3, "hemodynamic_dt": 5.0e-3}
#: Scores alone; the rest of the evidence is left out.
EVALUATION = {
    "seeds": 10,
    "first_seed": 1000,
    "others": 0,
    "folds": 0,
    "profile": {"people": 0},
    "nulls": {"count": 0},
}
QUICK = {"search": {"population": 4, "generations": 2}, "evaluation": {"seeds": 2}}
KONG_PEOPLE = ("1", "2")
BATCH = "batch-001"  # in which all people of a run are
MEASURES = {"fc_corr": "FC r", "fcd_ks": "FCD KS", "fcd_ks_binned": "FCD KS", "cost": "cost"}
ECHO_TIME = 0.0331  # s, of all scans here


def main():
    """Run the fits, and write the page."""
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(options.folder or temporary).resolve()
        search, evaluation = SEARCH, EVALUATION
        if options.quick:
            search, evaluation = search | QUICK["search"], evaluation | QUICK["evaluation"]
        folders = [work / "hcp", *([work / "kong2021"] if options.kong else [])]
        if not options.only_page:
            run = partial(run_workflow, search=search, evaluation=evaluation, cores=options.cores)
            run(folders[0], options.hcp.resolve())
            if options.kong:
                run(folders[1], kong_tables(folders[1] / "tables", options.kong.resolve()))
        result = {
            "date": date.today().isoformat(),
            "machine": machine.describe(),
            "numerics": NUMERICS_VERSION,
            "search": search,
            "seeds": evaluation["seeds"],
            "scans": scan_spectra(options.hcp),
            "fits": [row for folder in folders for row in fit_rows(folder)],
            "missing": [f"{folder.name}: {fit}" for folder in folders for fit in unfinished(folder)],
            "costs": [row for folder in folders for row in cost_rows(folder)],
        }
    path = options.output / "haemodynamics.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    print(f"{markdown(result)}\nwritten to {path} and .md")


def _options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", help="keep the runs here, and go on with them (default: a temporary one)")
    parser.add_argument(
        "--hcp", type=Path, default=HERE.parent / "resources" / "hcp", help="folder of the HCP example"
    )
    parser.add_argument("--kong", type=Path, help="folder with a copy of the data of Kong et al. 2021")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only-page", action="store_true", help="of what is finished in --folder")
    parser.add_argument("--quick", action="store_true", help="eight candidates and two seeds, to try it out")
    parser.add_argument("--output", type=Path, default=HERE / "results", help="folder of the page")
    return parser.parse_args()


def kong_tables(tables, copy):
    """Write the tables of two people of Kong et al., whose FC and FCD were computed elsewhere."""
    get_kong2021_example.write_example(copy, tables)
    for name in ("manifest", "participants"):
        keep_people(tables / f"{name}.tsv", ("group", *KONG_PEOPLE))
    return tables


def keep_people(path, people):
    """Leave others out of a table."""
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    column = head.split("\t").index("participant_id")
    kept = [row for row in rows if row.split("\t")[column] in people]
    path.write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")


def run_workflow(folder, tables, search, evaluation, cores):
    """Run the workflow up to the scores of all fits of the example that the folder is called after."""
    folder.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((HERE.parent / f"config/examples/{folder.name}.yaml").read_text(encoding="utf-8"))
    (fit,) = config["fits"].values()
    config |= {name: str(tables / f"{name}.tsv") for name in ("manifest", "participants", "nodes")}
    config |= {"simulation": SIMULATION, "evaluation": evaluation, "fits": fits(fit, search)}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(HERE.parent / "Snakefile")]
    command += ["--cores", str(cores), "--directory", str(folder), "--rerun-incomplete"]
    command += [f"results/evaluation/{name}/{BATCH}_evaluation.tsv" for name in config["fits"]]
    command += ["--configfile", str(path)]
    subprocess.run(command, check=True)
    return folder


def fits(fit, search):
    """Give the fits: a search under every set, and what it found under the other set, without a search."""
    shared = {key: value for key, value in fit.items() if key != "protocol"} | {"fic": "analytical"}
    found = {name: {**shared, "hemodynamics": name, "optimizer": search} for name in SETS}
    once = {**search, "generations": 1, "restarts": 1}
    for own, other in (SETS, SETS[::-1]):
        found[carried(own, other)] = {
            **shared,
            "hemodynamics": other,
            "optimizer": once,
            "start": {"from": own},
        }
    return found


def carried(own, other):
    """Name of the fit that has the parameters of one set and the constants of another."""
    return own if own == other else f"{own}-under-{other}"


def sets_of(fit):
    """Constants of the search and of the simulation of a fit."""
    own, _, other = fit.partition("-under-")
    return own, other or own


def scan_spectra(tables):
    """Spectra of the scans of the HCP example, as they were downloaded."""
    rows = [row for row in read_table(tables / "manifest.tsv") if row["kind"] == "bold"]
    found = []
    for row in rows:
        with np.load(tables / row["path"]) as arrays:
            (bold,) = arrays.values()
        found.append({"person": row["participant_id"], "of": f"scan, {row['role']}", **spectral_row(bold.T)})
    return found


def fit_rows(folder):
    """Parameters, scores and spectra of every person and finished fit of a run."""
    finished = [fit for fit in fits({}, SEARCH) if fit not in unfinished(folder)]
    return [row for fit in finished for row in _rows_of(folder / "results", fit, folder.name)]


def unfinished(folder):
    """Fits of a run that have not been scored yet."""
    scores = folder / "results" / "evaluation"
    return [fit for fit in fits({}, SEARCH) if not (scores / fit / f"{BATCH}_evaluation.tsv").exists()]


def _rows_of(results, fit, cohort):
    searches = read_table(results / "fits" / fit / f"{BATCH}_fits.tsv")
    scores = read_table(results / "evaluation" / fit / f"{BATCH}_evaluation.tsv")
    own, other = sets_of(fit)
    with np.load(results / "evaluation" / fit / f"{BATCH}_simulations.npz") as simulations:
        for best in (row for row in searches if row["selected"] == "True"):
            person = best["participant_id"]
            yield {
                "cohort": cohort,
                "person": person,
                "searched": own,
                "simulated": other,
                "parameters": {name: float(best[f"param_{name}"]) for name in ("G", "w_p", "J_N")},
                "at_bounds": best["at_bounds"],
                "cost": float(best["cost"]),
                "scores": scores_of(scores, person),
                "spectrum": spectral_row(simulations[f"sub-{person}/bold"]),
            }


def scores_of(rows, person):
    """Mean and SD by split and measure."""
    found = {}
    for row in rows:
        if row["participant_id"] == person and row["measure"] in MEASURES:
            values = [float(row["mean"]), float(row["sd"])]
            found.setdefault(row["split"], {})[MEASURES[row["measure"]]] = values
    return found


def cost_rows(folder):
    """CPU seconds of every job that simulated; of one that was interrupted, those since it went on."""
    rows = []
    for path in sorted((folder / "results" / "benchmarks").glob(f"*/*_{BATCH}.tsv")):
        if path.parent.name in ("fit", "evaluate"):
            (row,) = read_table(path)
            fit = path.stem.removesuffix(f"_{BATCH}")
            seconds = {"cpu": float(row["cpu_time"]), "wall": float(row["s"])}
            rows.append({"cohort": folder.name, "job": path.parent.name, "fit": fit, **seconds})
    return rows


def read_table(path):
    """Rows of a TSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


_TEXT = """\
# Haemodynamic constants: spectra, and fits under two sets

{date}, `python benchmarks/haemodynamics.py`{options}; {machine}. `friston-3T` has the published rates,
`cubnm-3T` their reciprocals ([haemodynamic model](../../docs/models/README.md#haemodynamic-model)).
**The scores show how much hangs on the set. They are no ground for choosing one**, because fitted
parameters make up for constants: choose by what is published.

## Spectra

Of BOLD at a repetition time of {time} s: Welch, segments of {segment} volumes without their linear trend,
mean over regions of the shares of power; {first:.4f} to {last:.3f} Hz. Fast: share of the power above
{fast} Hz, of all power and of what lies above the floor. The floor is the mean power from {floor} Hz on,
where scans have noise of the scanner and of the body, and simulations next to nothing. Peak: frequency with
the most power. Slope: of log power over log frequency, without the floor. Scans as they were downloaded,
unfiltered. The people of Kong et al. come without scans (their FC and FCD were computed elsewhere).
Simulations: the one with the median cost.

{spectra}

## Fits

Reduced Wong–Wang model, analytical inhibition; G, w_p and J_N fitted to the training scan under each set:
CMA-ES, {population} candidates, {generations} generations, {restarts} restart, one noise seed, so
{simulations} simulations a person and set; 894 s with a burn-in of 30 s, steps of {dt:g} ms (haemodynamics
{slow:g} ms). **This is a reduced search**: the protocol `cubnm2025` has 128 candidates, 120 generations, two
restarts and steps of 0.1 ms. Where constants of search and simulation differ, what was found under one
set was simulated under the other, without a search. Best: lowest cost of the search. Scores: mean ± SD over
{seeds} fresh noise seeds. Cost: KS − r + 0.5 × rate penalty. An asterisk marks a bound of the search.

{scores}
{missing}
## Constants

Everybody has the same under a set. Both are for an echo time of 30 ms, so that they differ in the rates
only; these scans have {echo_time:g} ms, for which the formula gives k1 {echo[k1]:.3f}, k2 {echo[k2]:.3f} and
k3 {echo[k3]:.2f}.

{constants}

## Price

{prices}

Together {minutes:.0f} CPU minutes (an interrupted job counts from where it went on).
"""


def markdown(result):
    """A result for people."""
    search = result["search"]
    frequencies = np.fft.rfftfreq(SEGMENT, REPETITION_TIME)
    with_kong = any(row["cohort"] == "kong2021" for row in result["fits"])
    return _TEXT.format(
        date=result["date"],
        options=" with `--kong`" if with_kong else "",
        machine=result["machine"]["processor"],
        time=REPETITION_TIME,
        segment=SEGMENT,
        first=frequencies[1],
        last=frequencies[-1],
        fast=FAST,
        floor=FLOOR,
        **{name: search[name] for name in ("population", "generations", "restarts")},
        simulations=search["population"] * search["generations"] * search["restarts"],
        seeds=result["seeds"],
        dt=1000 * SIMULATION["dt"],
        slow=1000 * SIMULATION["hemodynamic_dt"],
        echo_time=1000 * ECHO_TIME,
        echo=signal_coefficients(3.0, ECHO_TIME),
        spectra=spectral_table(result),
        scores=score_table(result["fits"]),
        missing=missing_text(result["missing"]),
        constants=constant_table(result["fits"]),
        prices=price_table(result["costs"]),
        minutes=sum(row["cpu"] for row in result["costs"]) / 60,
    )


def spectral_table(result):
    """Scans, then simulations, person by person."""
    slopes = [f"slope {low:g}–{high:g} Hz" for low, high in SLOPES]
    head = ("person", "of", "fast", "fast without floor", "peak (Hz)", *slopes)
    rows = [(row["person"], row["of"], row) for row in result["scans"]]
    for row in result["fits"]:
        own, other = row["searched"], row["simulated"]
        text = f"simulation, {other}" + ("" if own == other else f" (parameters of {own})")
        rows.append((_person(row), text, row["spectrum"]))
    people = list(dict.fromkeys(person for person, *_ in rows))
    rows.sort(key=lambda row: people.index(row[0]))  # stable: scans of a person come first
    return table(head, [(person, text, *_spectral_cells(values)) for person, text, values in rows])


def _spectral_cells(row):
    slopes = (_signed(slope) for slope in row["slopes"])
    return f"{row['fast']:.2f}", f"{row['fast above the floor']:.2f}", f"{row['peak']:.3f}", *slopes


def missing_text(fits):
    """Say which fits were not finished."""
    return f"\n**Not finished, and so not on this page:** {'; '.join(fits)}.\n" if fits else ""


def score_table(fits):
    """Parameters and scores of every fit."""
    head = ["person", "constants of the search", "of the simulation", "G", "w_p", "J_N", "best"]
    head += [f"{split}: {name}" for split in ("train", "test") for name in ("FC r", "FCD KS", "cost")]
    rows = []
    for row in sorted(fits, key=lambda row: (row["cohort"], row["person"], row["searched"])):
        cells = [_person(row), row["searched"], row["simulated"]]
        cells += [
            f"{value:.3f}{'*' if name in row['at_bounds'] else ''}"
            for name, value in row["parameters"].items()
        ]
        cells.append(_signed(row["cost"], 3))
        for split in ("train", "test"):
            for name in ("FC r", "FCD KS", "cost"):
                mean, sd = row["scores"].get(split, {}).get(name, (np.nan, np.nan))
                cells.append("n/a" if np.isnan(mean) else f"{_signed(mean, 3)} ± {sd:.3f}")
        rows.append(cells)
    return table(head, rows)


def constant_table(fits):
    """Constants that every person was simulated with."""
    people = {name: dict.fromkeys(_person(row) for row in fits if row["simulated"] == name) for name in SETS}
    rows = [
        (", ".join(people[name]), name, *(f"{hemodynamic_constants(name)[each]:.5g}" for each in CONSTANTS))
        for name in SETS
    ]
    return table(("people", "set", *CONSTANTS), rows)


def price_table(costs):
    """CPU and wall seconds of every job."""
    rows = [
        (row["cohort"], row["job"], row["fit"], f"{row['cpu']:.0f}", f"{row['wall']:.0f}") for row in costs
    ]
    return table(("cohort", "job (two people)", "fit", "CPU s", "wall s"), rows)


def _person(row):
    return f"kong2021 sub{row['person']}" if row["cohort"] == "kong2021" else row["person"]


def _signed(value, digits=2):
    return f"{value:.{digits}f}".replace("-", "−")


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    main()
