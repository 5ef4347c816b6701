"""The node table of a manifest: from the atlas of the derivatives, or from the labels of a file."""

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.atlases import node_tables
from workflow_scripts.atlases.sources import Parcel


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
    first = next((row for kind in ("bold", "sc") for row in rows if row["kind"] == kind), None)
    if first is None:
        return [], []
    table = atlases.get(first["atlas"])
    source = table or first["path"]
    try:
        nodes, dropped = node_tables.make_nodes([table]) if table else _from_labels(first)
    except (InputError, OSError) as error:
        return [], [
            f"no node table could be derived ({error}); write one: python -m workflow_scripts.make_nodes "
            "nodes.tsv ATLAS_FILE"
        ]
    remarks = [f"nodes: {len(nodes)} cortical parcels from {source}"]
    if dropped:
        listed = ", ".join(entry["label"] for entry in dropped[:5])
        more = f" and {len(dropped) - 5} more" if len(dropped) > 5 else ""
        remarks[0] += f"; {len(dropped)} others are not modelled: {listed}{more}"
    return nodes, remarks


def _from_labels(row):
    """Take the labels that a file carries."""
    matrix = readers.read(row)
    labels = matrix.column_labels or matrix.row_labels
    if labels is None:
        raise InputError(f"{row['path']} names no nodes")
    return node_tables.node_rows([Parcel(label) for label in labels], row["path"])
