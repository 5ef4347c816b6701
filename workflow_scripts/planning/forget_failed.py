"""Rule forget_failed: remove the tables of fits in which somebody failed; the next run computes them again.

With a table go those made of it that would otherwise count as up to date. Histories stay:
whoever did not fail is read from them, and a search that was broken off goes on.
"""

import csv
from pathlib import Path

from workflow_scripts.files import job


def main(sm):
    """Remove the tables of fits in which somebody failed, and say whose."""
    logger = job.start(sm)
    for path, behind in sm.params.fits.items():
        failed = failed_people(path) if Path(path).exists() else {}
        for person, reason in failed.items():
            logger.info("%s: %s will be tried again (%s)", path, person, reason)
        for table in [path, *behind] if failed else []:
            Path(table).unlink(missing_ok=True)


def failed_people(path):
    """Give the reason of everybody with a failed fit in a table of fits, by participant and session."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["status"] == "failed"]
    return {f"{row['participant_id']} {row['session_id']}": row["reason"] for row in rows}


if "snakemake" in globals():
    main(snakemake)
