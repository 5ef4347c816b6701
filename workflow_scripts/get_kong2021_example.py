"""Write the tables of an example without scans: eight people of Kong et al. 2021, their FC and FCD.

    python -m workflow_scripts.get_kong2021_example <your copy> [folder]

Your copy is a clone of https://github.com/ThomasYeoLab/Standalone_Kong2021_pMFM (MIT), or any folder that
holds its ``Desikan_input`` and ``sub1`` to ``sub8``; nothing in it is changed or copied. The folder
(resources/kong2021) then holds the tables that config/examples/kong2021.yaml names. Paper:
doi:10.1038/s41467-021-26704-y.
"""

import argparse
import os
import sys
from pathlib import Path

from cubnm_core.errors import InputError
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files.job import write_tsv
from workflow_scripts.readers.labels import read_labels

GROUP_CONNECTOME = "Desikan_input/sc_train.csv"
REGIONS = "Desikan_input/Desikan_68_region_description.mat"
PERSON = "sub*/FC_train.csv"
HEMISPHERES = {"ctx-lh-": "L", "ctx-rh-": "R"}
# Of a scan of the Human Connectome Project; 1,118 windows, as the counts of the distribution functions say.
SCAN = {"repetition_time": 0.72, "volumes": 1200, "band_pass": "none", "pairs": "all"}
WINDOWS = {"window_volumes": 83, "step_volumes": 1}


def main():
    """Write the tables for a copy of the data."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("copy", help="folder with your copy of the data")
    parser.add_argument(
        "folder",
        nargs="?",
        default="resources/kong2021",
        help="where the tables go (default: resources/kong2021)",
    )
    arguments = parser.parse_args()
    write_example(Path(arguments.copy), Path(arguments.folder))
    print(
        f"The tables are in {arguments.folder}. Next: "
        "snakemake --cores all --configfile config/examples/kong2021.yaml"
    )


def write_example(copy, folder):
    """Find the data and write manifest, participants and nodes.

    Parameters
    ----------
    copy : Path
        Folder with the data, at any depth.
    folder : Path
        Where the tables go.

    Raises
    ------
    InputError
        If something of the data is not there.
    """
    regions = _first(copy, REGIONS)
    labels = read_labels(str(regions))
    people = [path.parent for path in sorted(copy.rglob(PERSON))]
    people = list({person.name: person for person in people}.values())
    if not people:
        raise InputError(f"{copy}: nothing called {PERSON} below it; give the folder with the data")
    shared = {"format": "csv", "atlas": "Desikan68", "labels_file": _relative(regions, folder)}
    group = _relative(_first(copy, GROUP_CONNECTOME), folder)
    rows = [{**shared, "participant_id": "group", "kind": "sc", "path": group}]
    rows += [row for person in people for row in _rows(person, shared, folder)]
    write_tsv(folder / "manifest.tsv", rows, columns=schema("manifest")["properties"])
    write_tsv(folder / "participants.tsv", [{"participant_id": _id(person)} for person in people])
    write_tsv(folder / "nodes.tsv", nodes(labels))


def nodes(labels):
    """Give the node table of regions called ``ctx-lh-bankssts`` and so on."""
    return [
        {
            "index": index,
            "label": label,
            "hemisphere": next(side for prefix, side in HEMISPHERES.items() if label.startswith(prefix)),
            "structure": "cortex",
        }
        for index, label in enumerate(labels)
    ]


def _rows(person, shared, folder):
    """Give the rows of the manifest of a person: FC and FCD of one scan to fit, of another to hold out."""
    for role in ("train", "test"):
        stated = {"participant_id": _id(person), "run_id": role, "role": role, **SCAN}
        fc, fcd = (_relative(person / name, folder) for name in (f"FC_{role}.csv", f"FCD_{role}.mat"))
        yield {**shared, **stated, "kind": "fc", "path": fc}
        unnamed = {**shared, "format": "cbig_fcd", "labels_file": None}
        yield {**unnamed, **stated, **WINDOWS, "kind": "fcd", "path": fcd}


def _id(person):
    """Name a person as BIDS does: the folder sub1 holds participant 1."""
    return person.name.removeprefix("sub")


def _first(copy, name):
    """Find a file at any depth."""
    found = sorted(copy.rglob(name))
    if not found:
        raise InputError(f"{copy}: no {name} in it or below it; give the folder with the data")
    return found[0]


def _relative(path, folder):
    """Write a path relative to the folder of the manifest."""
    return Path(os.path.relpath(path, folder)).as_posix()


if __name__ == "__main__":
    try:
        main()
    except (InputError, OSError) as error:
        sys.exit(str(error))
