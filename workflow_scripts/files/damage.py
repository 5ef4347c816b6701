"""Results that are not what was written: told with the path and what to do, whatever a library says."""

import errno
import struct
import zipfile
import zlib
from contextlib import contextmanager

from cubnm_core.errors import InputError

REMOVE = "remove it and start again: it is made anew"
#: What libraries raise for files that were cut, overwritten or changed by single bits.
UNREADABLE = (
    ValueError,  # those of JSON, UTF-8, pandas and NumPy's headers are such
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    SyntaxError,
    TypeError,
    AttributeError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


def raise_other(error):
    """Raise errors of the system again that do not come from what a file holds."""
    if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of a place before the file's beginning
        raise error


class Damaged(InputError):
    """A file of results that is not what the workflow wrote.

    Parameters
    ----------
    path : path
    what : str
        What is wrong with it.
    remedy : str, optional
    """

    def __init__(self, path, what, remedy=REMOVE):
        super().__init__(f"{path}: {what}; the file is damaged or was changed after it was written: {remedy}")
        self.path = path


class DamagedArray(Damaged):
    """An array of a file whose others may be whole.

    Attributes
    ----------
    unit : str
        Whose it is, as the part of its name before the last slash says.
    """

    def __init__(self, path, name, why):
        super().__init__(path, f"the array {name} cannot be read ({why})")
        self.unit = name.rpartition("/")[0]


@contextmanager
def told_as_damage(path, what="it cannot be read", remedy=REMOVE):
    """Turn whatever a library raises for a damaged file into one sentence; what is told already stays.

    Raises
    ------
    Damaged
    """
    try:
        yield
    except InputError:
        raise
    except (*UNREADABLE, OSError) as error:
        raise_other(error)
        raise Damaged(path, f"{what} ({error or type(error).__name__})", remedy) from error
