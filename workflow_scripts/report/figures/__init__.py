"""Figures of the cohort report: a function for each, which returns a Matplotlib figure and reads no file."""
