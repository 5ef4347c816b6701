"""Arrays of npz files, read one by one; damage is told with the path and the name of the array.

NumPy reads as many numbers as the header of an array says and then stops, so that an array with too few of
them passes: the checksum of a member holds only if all its bytes are read.
"""

import io
import struct
import zipfile

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.files.damage import UNREADABLE, DamagedArray, raise_other, told_as_damage
from workflow_scripts.files.unpacking import check_members

LOCAL_HEADER = struct.Struct("<4s22xHH")  # of a member: signature, lengths of its name and of what follows


class ArrayFile:
    """An npz file that is open for reading.

    Parameters
    ----------
    path : path

    Raises
    ------
    Damaged
        If it is no npz file any more.
    """

    def __init__(self, path):
        self.path = path
        with told_as_damage(path, "it is not a whole npz file"):
            self._file = zipfile.ZipFile(path)
        self.names = [name.removesuffix(".npy") for name in self._file.namelist()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def read(self, name):
        """Read an array.

        Raises
        ------
        DamagedArray
            If there is none of this name, or its bytes are not those that were written.
        """
        try:
            member = self._file.getinfo(f"{name}.npy")
            check_members(self.path, [member])
            content = io.BytesIO(self._file.read(member))
            array = np.lib.format.read_array(content, allow_pickle=False)
            if content.read(1):
                raise ValueError("it holds more than its header says")
            return array
        except InputError:  # larger than is unpacked
            raise
        except (*UNREADABLE, OSError) as error:
            raise_other(error)
            raise DamagedArray(self.path, name, error or type(error).__name__) from error

    def check_names(self):
        """Refuse a file whose list of arrays names one as nobody has written it.

        Raises
        ------
        Damaged
        """
        with told_as_damage(self.path, "its list of arrays cannot be read"):
            if len(set(self.names)) < len(self.names):
                raise ValueError("a name stands there twice")
            for member in self._file.infolist():
                self._file.fp.seek(member.header_offset)
                signature, length, _ = LOCAL_HEADER.unpack(self._file.fp.read(LOCAL_HEADER.size))
                if signature != b"PK\x03\x04" or self._file.fp.read(length) != member.orig_filename.encode():
                    raise ValueError(f"{member.filename} has another name where it begins")


def read_all(path):
    """Read all arrays of an npz file.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    Damaged
    """
    with ArrayFile(path) as file:
        file.check_names()
        return {name: file.read(name) for name in file.names}
