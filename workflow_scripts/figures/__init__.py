"""Figures of the cohort report: one function per figure, which draws and returns a Matplotlib figure and reads no file."""
