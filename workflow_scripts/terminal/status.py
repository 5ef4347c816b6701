"""How far a cohort is: who is prepared and fitted, searches that are on their way, who failed and why."""

from dataclasses import dataclass, field
from pathlib import Path

from cubnm_core.errors import InputError
from workflow_scripts.cohort import batches
from workflow_scripts.files import result_tables
from workflow_scripts.files.job import MISSING

_SHOWN = 8  # people whose failures are told; of more the number


@dataclass
class FitStatus:
    """One fit setting.

    Attributes
    ----------
    fitted, evaluated : int
        People.
    failed : dict of str to str
        Reasons by unit.
    searching : dict of str to (int, float)
        Generations that every search which has not ended has on disk, and its best cost, by its file's name.
    """

    fitted: int = 0
    evaluated: int = 0
    failed: dict = field(default_factory=dict)
    searching: dict = field(default_factory=dict)


def describe(results, histories=None):
    """Say how far a cohort is.

    Parameters
    ----------
    results : path
        Folder of results of a workflow, finished or not.
    histories : path, optional
        Folder of histories; that in the results by default.

    Returns
    -------
    list of str
        Lines.

    Raises
    ------
    InputError
        If nothing has been started there.
    """
    results = Path(results)
    table = results / Path(batches.TABLE).name
    if not table.is_file():
        raise InputError(
            f"{table} is not there: nothing has been started in this folder; cubnm_core run starts it"
        )
    units = read_rows(table)
    fits = read_fits(results, Path(histories) if histories else results / "histories")
    count = len({row["batch"] for row in units})
    lines = [f"{results}: {len(units)} people or sessions, {count} batches"]
    lines.append(f"prepared    {count_prepared(results, units)} of {len(units)}")
    for name, fit in sorted(fits.items()):
        lines += [f"fit {name}", *(f"  {line}" for line in fit_lines(fit, len(units)))]
    return lines + left_out_lines(results) + report_lines(results)


def read_rows(path):
    """Rows of a table as text."""
    return result_tables.read_texts(path).to_dict("records")


def count_prepared(results, units):
    """Number of units whose training targets have been made."""
    done = {path.name.split("_")[0] for path in (results / "targets").glob("batch-*_split-train_target.json")}
    return sum(f"batch-{row['batch']}" in done for row in units)


def read_fits(results, histories):
    """Read the state of every fit: dict of str to FitStatus."""
    found = {}
    for path in sorted((results / "fits").glob("*/batch-*_fits.tsv")):
        fit = found.setdefault(path.parent.name, FitStatus())
        rows = read_rows(path)
        people = {unit_of(row) for row in rows}
        failed = {unit_of(row): row["reason"] for row in rows if row["status"] != "ok"}
        good = {unit_of(row) for row in rows if row["status"] == "ok"}
        fit.fitted += len(people & good)
        fit.failed |= {unit: reason for unit, reason in failed.items() if unit not in good}
    for path in sorted((results / "evaluation").glob("*/batch-*_evaluation.tsv")):
        fit = found.setdefault(path.parent.name, FitStatus())
        fit.evaluated += len({unit_of(row) for row in read_rows(path)})
    for folder in sorted(
        path for path in histories.glob("*") if path.is_dir() and not path.name.startswith((".", "twins"))
    ):
        fit = found.setdefault(folder.name, FitStatus())
        fit.searching = read_searches(folder, {row for row in _finished(results, folder.name)})
    return found


def read_searches(folder, finished):
    """Generations and best cost of searches of people who have not been fitted yet, by the file's stem."""
    found = {}
    for path in sorted(folder.glob("sub-*_restart-*.tsv")):
        if path.stem.endswith("_retest") or path.stem.rpartition("_restart-")[0] in finished:
            continue
        lines = [
            line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"
        ]
        if len(lines) > 1:
            column = lines[0].index("cost")
            rows = [row for row in lines[1:] if len(row) == len(lines[0])]
            found[path.stem] = len({row[0] for row in rows}), min(float(row[column]) for row in rows)
    return found


def unit_of(row):
    """Name of the unit of a row."""
    session = row.get("session_id", MISSING)
    return f"sub-{row['participant_id']}" + ("" if session in ("", MISSING) else f"_ses-{session}")


def fit_lines(fit, people):
    """Lines about one fit."""
    lines = [f"fitted {fit.fitted} of {people}, evaluated {fit.evaluated}, failed {len(fit.failed)}"]
    if fit.searching:
        generations = [count for count, _ in fit.searching.values()]
        best = min(cost for _, cost in fit.searching.values())
        lines.append(
            f"searching: {len(fit.searching)} searches, generations {min(generations)} to "
            f"{max(generations)}, best cost {best:.3f}"
        )
    lines += [f"{unit} failed: {reason}" for unit, reason in list(fit.failed.items())[:_SHOWN]]
    if len(fit.failed) > _SHOWN:
        lines.append(f"and {len(fit.failed) - _SHOWN} more failed")
    if fit.failed:
        lines.append("mend what the reasons name, then: snakemake forget_failed, and run again")
    return lines


def left_out_lines(results):
    """Who is in no fit, and why."""
    path = results / "cohort" / "exclusions.tsv"
    if not path.is_file():
        return []
    reasons = {}
    for row in read_rows(path):
        reasons.setdefault(unit_of(row), row.get("reason", ""))
    shown = [f"  {unit}: {reason}" for unit, reason in list(reasons.items())[:_SHOWN]]
    more = [f"  and {len(reasons) - _SHOWN} more in {path}"] if len(reasons) > _SHOWN else []
    return [f"left out    {len(reasons)}", *shown, *more]


def report_lines(results):
    """Where the report is, or what makes it."""
    path = results / "report" / "index.html"
    return [
        f"report      {path}" if path.is_file() else "report      not made yet; cubnm_core run goes on to it"
    ]


def _finished(results, fit):
    for path in (results / "fits" / fit).glob("batch-*_fits.tsv"):
        yield from (unit_of(row) for row in read_rows(path))
