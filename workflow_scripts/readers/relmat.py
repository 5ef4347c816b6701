"""Relationship matrices: those with names along both sides, and the dense ones of the BIDS draft BEP017."""

import dataclasses
import os
import re

from cubnm_core.errors import InputError
from workflow_scripts.readers import delimited, labels

BIDS_FOLDER = re.compile(r"(sub|ses)-.+|anat|dwi|func")


def read_named(row):
    """Read a matrix with a line and a column of names, as XCP-D and giga_connectome write ``_relmat.tsv``."""
    matrix = delimited.read(row)
    if matrix.row_labels is None or matrix.column_labels is None:
        raise InputError(
            f"{row['path']}: a relmat_tsv has a line and a column of names; for the dense files of the BIDS "
            "draft write format dense_tsv, for others tsv"
        )
    return matrix


def read_dense(row):
    """Read a matrix of the BIDS draft BEP017: numbers only, names in ``_nodeindices.tsv`` beside it."""
    matrix = delimited.read(row)
    if matrix.row_labels is not None or matrix.column_labels is not None:
        raise InputError(
            f"{row['path']}: a dense_tsv has numbers only, this one has names; write relmat_tsv or tsv"
        )
    table = node_table(row["path"])
    if table is None:
        return matrix
    known, (height, width) = labels.read_names(table), matrix.values.shape
    names = known.of(height)
    if names is None or height != width:
        raise InputError(
            f"{row['path']}: {height} x {width} numbers, but {table} names {len(known.names)} nodes; give "
            "the files of one parcellation"
        )
    return dataclasses.replace(matrix, row_labels=names, column_labels=names)


def node_table(path):
    """Find the table that names the nodes of a dense matrix, or None.

    It lies beside the matrix, or, as one for all files of an atlas, in a folder above, up to the dataset's.
    """
    folder, name = os.path.split(path)
    stem = re.sub(r"_relmat(\.dense)?\.tsv$", "", name)
    atlas = re.search(r"_(?:atlas|seg)-[A-Za-z0-9+]+", name)
    known = [f"{stem}_nodeindices.tsv", f"{stem}_nodes.tsv"]
    known += [f"{atlas.group()[1:]}_nodeindices.tsv", f"{atlas.group()[1:]}_nodes.tsv"] if atlas else []
    found = (os.path.join(place, candidate) for place in _folders(folder) for candidate in known)
    return next((candidate for candidate in found if os.path.isfile(candidate)), None)


def _folders(folder):
    """Give a folder and, within a dataset of BIDS, those above it: files further up hold for all below."""
    above = [folder]
    while BIDS_FOLDER.fullmatch(os.path.basename(above[-1])):
        above.append(os.path.dirname(above[-1]))
    return above
