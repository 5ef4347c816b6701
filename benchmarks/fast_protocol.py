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
from haemodynamics import kong_tables, read_table, table
from scipy import stats

from cubnm_core import NUMERICS_VERSION

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "fast_protocol"
FREE = {"G": [0.001, 10.0], "w_p": [0.0, 2.0], "J_N": [0.001, 0.5]}
LONG = {"name": "cmaes", "population": 32, "generations": 60, "restarts": 2, "sigma": 0.5, "tolerance": 0.0}
#: Scores alone; the rest of the evidence is left out.
EVALUATION = {
    "seeds": 10,
    "first_seed": 1000,
    "others": 0,
    "folds": 0,
    "profile": {"people": 0},
    "nulls": {"count": 0},
}
MADE = {name: f"results/synthetic/{name}.tsv" for name in ("manifest", "participants", "nodes", "truth")}
#: Settings of a cohort. Synthetic people are cheap: 20 nodes, two runs of 300 s, two parameters, steps of 0.5 ms in the long search
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
