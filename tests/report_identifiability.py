"""Tables of reliability and identifiability of a synthetic cohort, for the tests of the report."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.evidence import identifiability, profiles, reliability
from workflow_scripts.files import job, result_tables
from workflow_scripts.report.cohort import read_cohort

IDS = ["participant_id", "session_id"]
CURVATURE = {"G": 4.0, "w_p": 0.05, "J_N": 1.0}
PLACES = (0.0, 0.4, 0.48, 0.5, 0.52, 0.6, 1.0)


def write(made):
    """Write the tables, from those of the fits; give their paths by name."""
    folder = made.folder / "results/cohort"
    fits = result_tables.read_texts(folder / "fits.tsv")
    searches, points = pd.DataFrame(columns=profiles.SEARCHES), profile_table(made)
    rows, pairs = [], []
    for fit in made.fits:
        mine = fits[(fits["fit"] == fit) & (fits["status"] == "ok")]
        if len(mine):
            free = made.settings(fit)["free"]
            found = identifiability.parameter_rows(mine, free, searches, points[points["fit"] == fit], False)
            rows += [{"fit": fit, **row} for row in found]
            pairs += [{"fit": fit, **row} for row in identifiability.pair_rows(mine, list(free), searches)]
    tables = {
        "identifiability": (rows, identifiability.COLUMNS),
        "parameter_correlations": (pairs, identifiability.CORRELATIONS),
        "profiles": (points, identifiability.PROFILES),
        "reliability": ([], reliability.COLUMNS),
    }
    for name, (found, columns) in tables.items():
        job.write_tsv(folder / f"{name}.tsv", found, columns)
    return {name: str(folder / f"{name}.tsv") for name in tables}


def profile_table(made):
    """Parabolas around the best values of six people; along w_p the cost hardly rises."""
    rows = [
        {
            **made.keys(entry),
            "session_id": job.MISSING,
            "fit": fit,
            "parameter": name,
            "value": low + (high - low) * place,
            "position": place,
            "is_best": place == 0.5,
            "cost": CURVATURE.get(name, 1.0) * (place - 0.5) ** 2 - 0.2,
        }
        for fit in made.fits
        for _, entry in made.well()[:6]
        for name, (low, high) in made.settings(fit)["free"].items()
        for place in PLACES
    ]
    noise = {(entry["participant_id"], job.MISSING): 0.02 for entry in made.ids}
    table = pd.DataFrame(rows, columns=identifiability.PROFILES[: len(profiles.PROFILES)])
    return identifiability.with_intervals(table, noise)


def undrawn(sm):
    """Stand in for rule person_figures, whose drawing takes most of the time."""
    Path(sm.output[0]).parent.mkdir(parents=True, exist_ok=True)
    zipfile.ZipFile(sm.output[0], "w").close()


def read(sm):
    """Read what the report reads."""
    return read_cohort(sm, Path(sm.output.page).parent)


def write_sessions(folder, fits=("homogeneous",), people=12, edges=120):
    """Write reliability of synthetic sessions, edges included; give what the report reads as a table."""
    generator = np.random.default_rng(4)

    def drawn(size, error):
        person = generator.normal(size=(people, 1, size))
        return person + error * generator.normal(size=(people, 2, size))

    panel = reliability.Panel(np.full((people, 2), "unit"), ["a", "b"], 3)
    rows, arrays = [], {}
    for fit in fits:
        found = reliability.agreement_rows(
            drawn(2, 0.5), [{"quantity": "parameter", "variable": name} for name in ("G", "w_p")]
        )
        labels = [{"quantity": "state", "variable": "S_E", "label": f"region_{k}"} for k in range(16)]
        found += reliability.agreement_rows(drawn(16, 0.8), labels)
        fc = {"simulated": drawn(edges, 1.5), "empirical": drawn(edges, 0.7)}
        agreed = {source: reliability.reliability.agreement(values) for source, values in fc.items()}
        found += reliability.edge_rows(fc, agreed)
        stated = {"n_people": people, "n_sessions": 2, "n_left_out": panel.left_out, "sessions": "a, b"}
        rows += [{"fit": fit, **row, **stated} for row in found]
        arrays |= {f"{fit}/{source}/icc": values.single for source, values in agreed.items()}
    job.write_tsv(folder / "reliability.tsv", rows, reliability.COLUMNS)
    job.write_npz(folder / "reliability_edges.npz", **arrays)
