"""Columns of tables of scores that are written by one rule and read by another."""

from workflow_scripts.fitting.scoring import ANALYSIS, EVALUATION, KEYS

CONDITIONS = ("parameters", "connectome", "data", "inhibition", "split", "measure")
CROSS = (*KEYS, *CONDITIONS, "mean", "sd", "n_pairs", "n_seeds", "n_failed", *ANALYSIS, "seeds", "note")
HELD_OUT_PEOPLE = (*KEYS, "fold", *EVALUATION[len(KEYS) :])
POINTS = ("parameter", "value", "position", "is_best", "cost", "sd", "n_failed")
PLANES = ("parameter", "other", "value", "other_value", "is_best", "cost", "flags")
LANDSCAPES = (*KEYS, *PLANES, "seed_sd", "left_out", "note")
PROFILES = (*KEYS, *POINTS, "n_seeds", *ANALYSIS, "seeds", "note")
