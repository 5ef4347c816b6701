"""The node table of a manifest: from the atlas of the derivatives, or from the labels of a file."""

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.atlases import node_tables
from workflow_scripts.atlases.sources import Parcel, read_parcels

TRIED = 10  # files of each kind: one that is damaged costs nobody the table


def node_table(rows, atlases):
    """Derive the node table, cortex only.

    Parameters
    ----------
    rows : list of dict
        Of the manifest; paths as found.
    atlases : dict of str to str
        Tables with the parcels of an atlas, by its name.

    Returns
    -------
    nodes : list of dict
        Rows of the table; empty if it cannot be derived.
    remarks : list of str
        Where it comes from and what was dropped, or why there is none.
    """
    chosen = [[row for row in rows if row["kind"] == kind][:TRIED] for kind in ("bold", "sc")]
    files = [row for found in chosen for row in found]
    if not files:
        return [], []
    table, damaged = atlases.get(files[0]["atlas"]), []
    parcels, source = None, table
    for row in [None, *files] if table else files:
        try:
            parcels = read_parcels([table]) if row is None else _labels_of(row)
            source = table if row is None else row["path"]
            break
        except (InputError, OSError) as error:
            damaged.append(str(error))
    try:
        if parcels is None:
            raise InputError(damaged[0])
        nodes, dropped = node_tables.node_rows(parcels, source)
    except InputError as error:
        return [], [
            f"no node table could be derived ({error}); write one: python -m workflow_scripts.make_nodes "
            "nodes.tsv ATLAS_FILE"
        ]
    remarks = [f"nodes: {len(nodes)} cortical parcels from {source}"]
    remarks += [f"not read for the node table: {problem}" for problem in damaged]
    if dropped:
        listed = ", ".join(entry["label"] for entry in dropped[:5])
        more = f" and {len(dropped) - 5} more" if len(dropped) > 5 else ""
        remarks[0] += f"; {len(dropped)} others are not modelled: {listed}{more}"
    return nodes, remarks


def _labels_of(row):
    """Take the labels that a file carries."""
    matrix = readers.read(row)
    labels = matrix.column_labels or matrix.row_labels
    if labels is None:
        raise InputError(f"{row['path']} names no nodes")
    return [Parcel(label) for label in labels]
