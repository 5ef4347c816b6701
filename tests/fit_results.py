"""Reading what fits of a workflow have left."""

from cohorts import read_tsv


def first_candidates(results, fit):
    """Read the first candidate of every person's history, by person."""
    found = {}
    for path in (results / "histories" / fit).glob("sub-*_restart-0.tsv"):
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        found[path.name[4:6]] = dict(zip(lines[0].split("\t"), lines[1].split("\t"), strict=True))
    return found


def selected(results, pattern):
    """Read the selected rows of tables of fits."""
    rows = [row for path in results.glob(pattern) for row in read_tsv(path)]
    return {row["participant_id"]: row for row in rows if row["selected"] == "True"}
