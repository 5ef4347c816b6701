"""Stage export: the tables of the cohort and its results as a BIDS derivative."""
