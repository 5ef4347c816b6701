"""Command: write the tables of a cohort, and a configuration, from folders of derivatives, to read and edit.

python -m workflow_scripts.index --derivatives derivatives/xcp_d derivatives/qsirecon --out config
"""

import argparse
import os
import sys
import time

from cubnm_core.errors import InputError
from workflow_scripts.cohort import identities, tabular
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files import job
from workflow_scripts.files.cells import is_missing
from workflow_scripts.index import settings
from workflow_scripts.index.choices import KINDS, choose
from workflow_scripts.index.pairing import pair
from workflow_scripts.index.parcels import node_table
from workflow_scripts.index.people import participants, without_files
from workflow_scripts.index.summary import describe
from workflow_scripts.index.walk import search
from workflow_scripts.index.writing import MANIFEST_KEY, write_tables

ALWAYS = ("participant_id", "session_id", "run_id", "kind", "path", "format")
LEFT_OUT = ("participant_id", "session_id", "run_id", "kind", "path", "reason")
NODES = ("index", "label", "hemisphere", "structure", "network", "x", "y", "z")


def main(arguments=None):
    """Search, choose, pair, write and report."""
    started, asked = time.monotonic(), _parser().parse_args(arguments)
    try:
        lines = index(asked)
    except (InputError, OSError) as error:
        sys.exit(str(error))
    print("\n".join([*lines, f"({time.monotonic() - started:.1f} s)"]))


def index(asked):
    """Write the tables of a cohort.

    Parameters
    ----------
    asked : argparse.Namespace
        Options of the command.

    Returns
    -------
    list of str
        What was found and written, in words.

    Raises
    ------
    InputError
        If an option is wrong, or several files are candidates for the same thing.
    """
    selections = [_named(text, "--select") for text in asked.select]
    statements = [_statement(*_named(text, "--set")) for text in asked.set]
    tree = search(asked.derivatives, [_own_pattern(text) for text in asked.files])
    chosen, remarks = choose(tree.variants, selections)
    cohort = pair(chosen, tree, statements, asked.roles, asked.unpaired)
    if not cohort.rows:
        raise InputError("\n".join([*describe(tree, cohort, remarks), "Nothing is left for a manifest."]))
    people, more = participants(cohort.rows, asked.participants)
    for participant in without_files(cohort.rows, asked.participants, cohort.left_out):
        cohort.leave_out(f"in {os.path.basename(asked.participants)}, but without any file", participant)
    nodes, parcels = node_table(cohort.rows, tree.atlases)
    summary = describe(tree, cohort, [*remarks, *more, *parcels])
    tables = {
        "manifest": (_readable(_relative(cohort.rows, asked.out)), _columns(cohort.rows), MANIFEST_KEY),
        "participants": (_readable(people), list(people[0]), ("participant_id", "session_id")),
    }
    if nodes:
        tables["nodes"] = (nodes, NODES, ("label",))
    texts = {settings.NAME: settings.starting_configuration(cohort, nodes, tree, asked.out)}
    written = write_tables(asked.out, tables, {"options": vars(asked), "summary": summary}, texts)
    job.write_tsv(os.path.join(asked.out, "left_out.tsv"), cohort.left_out, columns=LEFT_OUT)
    path = os.path.join(asked.out, settings.NAME)
    problems = settings.check(path)
    lines = [*summary, "Written:", *(f"  - {line}" for line in written)]
    if problems:
        return [*lines, f"To be settled before {path} can run:", *problems]
    return [*lines, f"Next: read {path}, then  snakemake --cores all --configfile {path} --dry-run"]


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m workflow_scripts.index", description=__doc__.splitlines()[0].removeprefix("Command: ")
    )
    add = parser.add_argument
    add("--derivatives", nargs="+", required=True, metavar="FOLDER", help="folders to search, with all below")
    add("--out", default="config", metavar="FOLDER", help="where the tables go (default: config)")
    add("--participants", metavar="TSV", help="participants.tsv of the BIDS dataset: age, sex, group, ...")
    add(
        "--select",
        action="append",
        default=[],
        metavar="[KIND.]FACT=VALUE",
        help="which candidates to use: atlas=4S456Parcels, bold.space=fsLR, session=01; repeatable",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="[KIND.]COLUMN=VALUE",
        help="what you know about the files: a manifest column, such as bold.censoring=none; repeatable",
    )
    add(
        "--files",
        action="append",
        default=[],
        metavar="KIND:FORMAT:PATTERN",
        help="files with names of your own, such as 'sc:csv:*_connectome.csv'; repeatable",
    )
    add(
        "--roles",
        choices=("auto", "runs", "none"),
        default="auto",
        help="runs: train on the first half of the runs of a session and hold out the others (default: auto)",
    )
    add(
        "--unpaired",
        choices=("drop", "keep"),
        default="drop",
        help="people without a connectome or scan (keep them for a group connectome)",
    )
    return parser


def _named(text, option):
    """Split [kind.]name=value."""
    name, mark, value = text.partition("=")
    kind, dot, rest = name.partition(".")
    if not mark or not value or (dot and kind not in KINDS):
        raise InputError(
            f"{option} {text}: write [KIND.]NAME=VALUE with a kind of {', '.join(KINDS)}, such as "
            "bold.space=fsLR"
        )
    return (kind, rest, value) if dot else (None, name, value)


def _statement(kind, column, value):
    """Refuse statements that are no column of the manifest."""
    columns = schema("manifest")["properties"]
    if column not in columns or column in ALWAYS:
        allowed = ", ".join(name for name in columns if name not in ALWAYS)
        raise InputError(f"--set {column}: not a column of the manifest that can be set; allowed: {allowed}")
    problems = tabular.cell_problems(value, column, "manifest")
    if problems:
        raise InputError(f"--set {column}={value}: {'; '.join(problems)}")
    return kind, column, value


def _own_pattern(text):
    """Split kind:format:pattern."""
    parts = text.split(":", 2)
    if len(parts) != 3 or not all(parts):
        raise InputError(
            f"--files {text}: write KIND:FORMAT:PATTERN, such as 'sc:mrtrix_csv:*_connectome.csv'"
        )
    return tuple(parts)


def _relative(rows, out):
    """Give the rows with paths relative to the folder of the manifest."""
    folder = os.path.abspath(out)
    return [{**row, "path": os.path.relpath(os.path.abspath(row["path"]), folder)} for row in rows]


def _readable(rows):
    """Write ids that tables would take for a missing value, such as NA, with their prefix."""
    prefixes = identities.PREFIXES.items()
    return [
        row | {key: prefix + row[key] for key, prefix in prefixes if row.get(key) and is_missing(row[key])}
        for row in rows
    ]


def _columns(rows):
    """Name the columns that any row needs, in the order of the schema."""
    used = {column for row in rows for column, value in row.items() if value not in (None, "")}
    return [column for column in schema("manifest")["properties"] if column in used or column in ALWAYS]


if __name__ == "__main__":
    main()
