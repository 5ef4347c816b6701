"""Rule forget_failed: remove the tables of fits with failures; the next run computes them again.

Tables derived from them are removed as well. Histories stay: completed fits are read from them, and
interrupted searches are resumed.
"""

import csv
from pathlib import Path

from workflow_scripts.files import job


def main(sm):
    """Remove the tables of fits with failures, and name the people."""
    logger = job.start(sm)
    for path, behind in sm.params.fits.items():
        failed = failed_people(path) if Path(path).exists() else {}
        for person, reason in failed.items():
            logger.info("%s: %s will be tried again (%s)", path, person, reason)
        for table in [path, *behind] if failed else []:
            Path(table).unlink(missing_ok=True)


def failed_people(path):
    """Reasons of all failed fits in a table of fits, by participant and session."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["status"] == "failed"]
    return {f"{row['participant_id']} {row['session_id']}": row["reason"] for row in rows}


if "snakemake" in globals():
    main(snakemake)
