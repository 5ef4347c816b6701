"""Do haemodynamic constants matter? People of HCP fitted anew under two sets, and spectra of their BOLD.

``python -m workflow_scripts.get_hcp_example`` first; then ``python benchmarks/haemodynamics.py``. The choice
between the sets is made by what is published, not by these scores: see the page on models.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import machine
import numpy as np
import yaml

HERE = Path(__file__).resolve().parent
SETS = {"reciprocal": "cubnm-3T", "published": "friston-3T"}
BUDGET = {"name": "cmaes", "population": 16, "generations": 8, "restarts": 2, "sigma": 0.5, "tolerance": 0.0}
SIMULATION = {
    "duration": 894.0,
    "burn_in": 30.0,
    "scheme": "heun",
    "dt": 1.0e-3,
    "hemodynamic_dt": 1.0e-3,
}
SHOWN = {"fc_corr": "FC r", "fcd_ks": "FCD KS", "cost": "cost"}
FAST = 0.1  # Hz: BOLD of the brain has most of its power below
REPETITION_TIME, SEGMENT = 0.72, 128  # s, volumes

_TEXT = """\
# Haemodynamic constants: fits and spectra of two people of HCP

{date}, `python benchmarks/haemodynamics.py`; {machine}. Reduced Wong–Wang model, analytical inhibition,
G, w_p and J_N fitted anew under each set ({simulations} simulations a person, Heun, steps of 1 ms); means
± SD over ten fresh seeds on the training and the held-out scan. These scores show how much hangs on the
set. They are no ground for choosing one: parameters make up for constants.

{scores}

Share of the power of BOLD between {first:.3f} Hz and the Nyquist frequency that lies above {fast} Hz (Welch,
segments of {segment} volumes, mean over regions), of the person's scans as they were downloaded and of the
simulation of the median seed:

{spectra}
"""


def main():
    """Run the fits, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", help="keep the run here, and go on with it (default: a temporary one)")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(folder or temporary)
        run(work)
        scores, spectra = score_rows(work), list(spectrum_rows(work))
    here = machine.describe()
    text = _TEXT.format(
        date=date.today().isoformat(),
        machine=here["processor"] if "processor" in here else machine.slug(here),
        simulations=BUDGET["population"] * BUDGET["generations"] * BUDGET["restarts"],
        scores=table(("person", "constants", "split", *SHOWN.values()), scores),
        spectra=table(("person", "of", "power above 0.1 Hz"), spectra),
        first=1 / (SEGMENT * REPETITION_TIME),
        fast=FAST,
        segment=SEGMENT,
    )
    path = HERE / "results" / "haemodynamics.md"
    path.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {path}")


def run(work):
    """Run the workflow up to the scores of both fits."""
    work.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((HERE.parent / "config/examples/hcp.yaml").read_text(encoding="utf-8"))
    for key in ("manifest", "participants", "nodes"):
        config[key] = str(HERE.parent / config[key])
    fit = {key: value for key, value in config["fits"]["homogeneous"].items() if key != "protocol"}
    config["fits"] = {
        name: {**fit, "hemodynamics": constants, "optimizer": BUDGET} for name, constants in SETS.items()
    }
    config |= {"simulation": SIMULATION}
    path = work / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(HERE.parent / "Snakefile")]
    command += ["--cores", "all", "--directory", str(work), "results/cohort/evaluation.tsv"]
    subprocess.run([*command, "--configfile", str(path)], check=True)


def score_rows(work):
    """Scores of every person, set and split."""
    with open(work / "results/cohort/evaluation.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = {}
    for row in rows:
        if row["measure"] in SHOWN and row["mean"] != "n/a":
            key = row["participant_id"], SETS[row["fit"]], row["split"]
            text = f"{float(row['mean']):.3f} ± {float(row['sd']):.3f}"
            found.setdefault(key, {})[SHOWN[row["measure"]]] = text
    return [
        (*key, *(values.get(name, "n/a") for name in SHOWN.values())) for key, values in sorted(found.items())
    ]


def spectrum_rows(work):
    """Share of fast power in the scans of every person, and in the simulations fitted to them."""
    manifest = yaml.safe_load((work / "config.yaml").read_text(encoding="utf-8"))["manifest"]
    with open(manifest, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["kind"] == "bold"]
    for row in rows:
        with np.load(Path(manifest).parent / row["path"]) as arrays:
            bold = arrays["arr_0"].T
        yield row["participant_id"], f"scan, {row['role']}", f"{fast_share(bold):.2f}"
    for name, constants in SETS.items():
        for path in sorted((work / "results/evaluation" / name).glob("*.npz")):
            with np.load(path) as arrays:
                for key in sorted(each for each in arrays if each.endswith("/bold")):
                    share = fast_share(arrays[key])
                    yield key.partition("/")[0], f"simulation, {constants}", f"{share:.2f}"


def fast_share(bold):
    """Share of the power above `FAST` in BOLD (T, N)."""
    from scipy.signal import welch

    frequencies, power = welch(bold, 1 / REPETITION_TIME, nperseg=SEGMENT, axis=0)
    power = power[1:].sum(axis=1)
    return power[frequencies[1:] > FAST].sum() / power.sum()


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    main()
