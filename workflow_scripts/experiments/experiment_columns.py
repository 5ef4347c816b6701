"""Columns of the tables of experiments."""

from workflow_scripts.fitting.scoring import KEYS

NUMBERS = ("mean", "low", "high", "sd_candidates", "sd_seeds")
COUNTS = ("n_candidates", "n_seeds", "n_failed")
NULLS = ("strength", "deleted")
COLUMNS = (
    *KEYS, "experiment", "kind", "inhibition", "region", "measure", "place", *NUMBERS, *COUNTS, *NULLS,
    "seeds", "note",
)  # fmt: skip
