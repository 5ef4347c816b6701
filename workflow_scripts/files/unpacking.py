"""Limits of what packed files may unpack to: a small file can hold more than any memory."""

import zlib

from cubnm_core.errors import InputError

LARGEST = 2**31  # bytes of what is unpacked at once
MOST_MEMBERS = 100_000


def check_members(path, members):
    """Refuse to unpack more from a zip file, such as an npz, than a computer should hold.

    Parameters
    ----------
    path : str or Path
    members : list of zipfile.ZipInfo
        That are going to be unpacked.

    Raises
    ------
    InputError
        Naming the file, what was found and what is allowed.
    """
    if len(members) > MOST_MEMBERS:
        raise InputError(
            f"{path}: {len(members):,} files in one, more than {MOST_MEMBERS:,}; put those of every person "
            "into a file of its own"
        )
    size = sum(member.file_size for member in members)
    if size > LARGEST:
        largest = max(members, key=lambda member: member.file_size).filename
        raise InputError(
            f"{path}: unpacks to {size:,} bytes ({largest} is the largest), more than {LARGEST:,}; write "
            "only what is needed of it into a new file"
        )


def decompress(data, path, room):
    """Decompress a stream of zlib, no further than there is room.

    Parameters
    ----------
    data : bytes
    path : str
        For the message.
    room : int
        Bytes.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        If there is more.
    zlib.error
        If the stream is damaged.
    """
    stream = zlib.decompressobj()
    found = stream.decompress(data, max(room, 1))  # 0 would mean no limit
    if stream.unconsumed_tail and stream.decompress(stream.unconsumed_tail, 1):
        raise InputError(
            f"{path}: unpacks to more than {LARGEST:,} bytes; write only what is needed of it into a new file"
        )
    if not stream.eof:
        raise zlib.error("incomplete or truncated stream")
    return found
