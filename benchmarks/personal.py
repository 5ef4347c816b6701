"""Is anything personal, where the truth is known? Two synthetic cohorts through the whole workflow.

``python benchmarks/personal.py`` makes a cohort in which everybody's scans come from a connectome of their
own, and one in which all scans come from the same connectome and people's files differ by error alone. In the
first, own connectomes should beat others'; in the second they should be called not distinguishable.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import machine
import yaml

from cubnm_core import NUMERICS_VERSION

HERE = Path(__file__).resolve().parent
TABLES = {name: f"results/synthetic/{name}.tsv" for name in ("manifest", "participants", "nodes", "truth")}
COHORTS = {
    "own connectomes": {"connectome_spread": 0.6, "connectome_error": 0.1},
    "one connectome, files with errors": {"connectome_spread": 0.0, "connectome_error": 0.4},
}
EXPECTED = {"own connectomes": "better", "one connectome, files with errors": "not distinguishable"}
JUDGED = {"contrast": "connectome_others", "inhibition": "tuned", "split": "test", "measure": "fc_corr"}
SYNTHETIC = {
    "participants": 10,
    "nodes": 40,
    "scan_duration": 600.0,
    "dt": 5.0e-4,
    "parameters": {"G": {"mean": 1.55, "sd": 0.05}},
}
SETTINGS = {
    **TABLES,
    "bold": {"hemodynamics": "cubnm-1.5T"},
    "holdout": "run",
    "simulation": {"duration": 330.0, "burn_in": 30.0, "dt": 1.0e-3, "hemodynamic_dt": 5.0e-3},
    "batch_size": 10,
    "fits": {
        "coupling": {
            "fic": "analytical",
            "free": {"G": [0.5, 2.5]},
            "optimizer": {"name": "grid", "shape": {"G": 17}},
        }
    },
    "evaluation": {"seeds": 3, "others": 4, "cross_seeds": 3, "folds": 0},
}


def main():
    """Run both cohorts, print what was found, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", help="keep the runs here, and go on with them (default: a temporary one)")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        rows = [row for name in COHORTS for row in run(name, Path(folder or temporary))]
    here = machine.describe()
    about = {"date": date.today().isoformat(), "numerics": NUMERICS_VERSION, "machine": here}
    passed = all(verdict(rows, name) == expected for name, expected in EXPECTED.items())
    result = {**about, "settings": SETTINGS, "synthetic": SYNTHETIC, "cohorts": COHORTS}
    text = markdown(rows, passed)
    (HERE / "results" / "personal.json").write_text(
        json.dumps({**result, "passed": passed, "contrasts": rows}, indent=1) + "\n", encoding="utf-8"
    )
    (HERE / "results" / "personal.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if passed else 1


def run(name, folder):
    """Run the workflow up to the contrasts of a cohort; give those of FC correlations of held-out scans."""
    work = folder / name.split()[0]
    work.mkdir(parents=True, exist_ok=True)
    config = work / "config.yaml"
    config.write_text(yaml.safe_dump({**SETTINGS, "synthetic": {**SYNTHETIC, **COHORTS[name]}}))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(HERE.parent / "Snakefile"),
        "--cores",
        "all",
    ]
    command += ["--directory", str(work), "results/cohort/contrasts.tsv", "--configfile", str(config)]
    subprocess.run(command, check=True)
    with open(work / "results/cohort/contrasts.tsv", encoding="utf-8", newline="") as file:
        rows = [{"cohort": name, **row} for row in csv.DictReader(file, delimiter="\t")]
    return [row for row in rows if (row["split"], row["measure"]) == ("test", "fc_corr")]


def verdict(rows, name):
    """What the workflow says of own connectomes in a cohort."""
    wanted = {"cohort": name, **JUDGED}
    (found,) = [row["verdict"] for row in rows if all(row[key] == value for key, value in wanted.items())]
    return found


def markdown(rows, passed):
    """The contrasts of both cohorts as a table."""
    size = f"{SYNTHETIC['participants']} people, {SYNTHETIC['nodes']} nodes"
    expected = "; ".join(f"{name}: {verdict}" for name, verdict in EXPECTED.items())
    lines = [
        "# Is anything personal? Synthetic cohorts whose truth is known",
        "",
        f"`python benchmarks/personal.py`: {size}, a grid over G. FC r on held-out scans, own less other, "
        f"95 % interval over people. Expected of `connectome_others` with tuned wIE: {expected}. "
        f"{'It is so.' if passed else 'It is NOT so.'}",
        "",
        "| cohort | contrast | wIE | difference | better in | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        difference, low, high = (f"{float(row[key]):+.3f}" for key in ("difference", "low", "high"))
        cells = [row["cohort"], row["contrast"], row["inhibition"], f"{difference} [{low}, {high}]"]
        cells += [f"{row['n_better']} of {row['n_people']}", row["verdict"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
