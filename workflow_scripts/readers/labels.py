"""Files that name the nodes of matrices that carry no names: lists, look-up tables, MATLAB cells."""

from dataclasses import dataclass

from cubnm_core.errors import InputError
from workflow_scripts.readers import background, delimited, matlab

NAMES = ("label", "name", "region", "parcel", "node")
NUMBERS = ("index", "id", "roi", "value", "key", "no.", "#no.")


@dataclass(frozen=True)
class NodeNames:
    """Names of nodes in the order of a matrix.

    Attributes
    ----------
    names : tuple of str
    start : int or None
        First number of the file, 0 or 1, the background 0 not counted; None where it numbers no name.
    """

    names: tuple
    start: int | None = None

    def of(self, length):
        """Give the names of an axis of a length; None where they do not fit.

        Where the file numbers none, a background counts only if the axis is as long as the whole list.
        """
        if self.start is not None:
            return self.names if len(self.names) == length else None
        return background.fitting(self.names, length)

    @property
    def sizes(self):
        """Lengths of an axis that the names may fit."""
        parcels = sum(map(background.is_node, self.names))
        return {len(self.names), len(self.names) if self.start is not None else parcels}

    @property
    def has_background(self):
        """Whether entries without a number stand for no parcel, so that rows cannot be counted."""
        return self.start is None and not all(map(background.is_node, self.names))


def read_labels(path):
    """Read the names of nodes as a list, as of :func:`read_names`."""
    return list(read_names(path).names)


def read_names(path):
    """Read the names of nodes in the order of a matrix.

    Parameters
    ----------
    path : str
        One name per line; a table with a column ``label`` or ``name`` (and ``index``, such as a
        ``_dseg.tsv``); a look-up table as FreeSurfer and MRtrix have it (number, name, colours), the
        background 0 left out; or a MATLAB file with one cell of text per node.

    Returns
    -------
    NodeNames

    Raises
    ------
    InputError
        If nothing in the file names nodes, or its numbers do not count up from 1 (or 0) without gaps.
    """
    if path.endswith(".mat"):
        return NodeNames(tuple(_matlab_labels(path)))
    lines, _ = delimited.cells(path)
    header = [cell.strip("'\"").lower() for cell in lines[0]]
    name = next((header.index(word) for word in NAMES if word in header), None)
    if name is not None:
        number = next((header.index(word) for word in NUMBERS if word in header), None)
        return _column(path, lines[1:], number, name)
    if all(len(line) == 1 for line in lines):
        return _column(path, lines, None, 0)
    if lines[0][0].isdigit() and len(lines[0]) > 1:
        texts = [place for place, cell in enumerate(lines[0]) if place and not cell.isdigit()]
        if texts:
            return _column(path, lines, 0, texts[-1])
    raise InputError(
        f"{path}: no column called label or name in {', '.join(lines[0][:5])}; give one name per line, or a "
        "table with the columns index and label"
    )


def _column(path, lines, number, name):
    """Take the names out of a table, in the order of its numbers, which must have no gap."""
    short = [place for place, line in enumerate(lines, start=1) if len(line) <= max(name, number or 0)]
    if short or not lines:
        raise InputError(f"{path}: row {short[0] if short else 1} holds no name; is the file whole?")
    labels = [line[name].strip("'\"") for line in lines]
    if number is None:
        return NodeNames(tuple(labels))
    ids = [line[number] for line in lines]
    if not all(cell.isdigit() for cell in ids):
        wrong = next(cell for cell in ids if not cell.isdigit())
        raise InputError(f"{path}: {wrong!r} is not the number of a node; correct it")
    found = sorted(zip(map(int, ids), labels, strict=True))
    start = 1
    if found[0][0] == 0 and len(found) > 1:  # the background of an image, or a count from 0
        start = 0 if background.is_node(found[0][1]) else 1
        found = found[1:] if start else [(place + 1, text) for place, text in found]
    if [place for place, _ in found] != list(range(1, len(found) + 1)):
        raise InputError(
            f"{path}: the numbers of the nodes do not count up without gaps ({found[0][0]} to "
            f"{found[-1][0]}, {len(found)} of them), so they are not the rows of a matrix; give the table "
            "that the image was converted to, not the one it was converted from"
        )
    return NodeNames(tuple(text for _, text in found), start)


def _matlab_labels(path):
    """Read the one array of cells of text."""
    arrays = [array for array in matlab.load(path).values() if array.dtype.kind in "OU"]
    if len(arrays) != 1:
        raise InputError(f"{path}: {len(arrays)} arrays of text; names of nodes need exactly one")
    return [matlab.text(item) for item in arrays[0].ravel()]
