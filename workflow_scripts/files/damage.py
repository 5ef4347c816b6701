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
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


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
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that of a place before the file
            raise
        raise Damaged(path, f"{what} ({error or type(error).__name__})", remedy) from error
