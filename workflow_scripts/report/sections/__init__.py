"""Sections of the report, one module each: what it says of the cohort."""
