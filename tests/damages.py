"""Random damages to files, as disks, power cuts and broken copies make them."""

import os

BLOCK = 64  # bytes of a block, at most


def cut(content, draw):
    """The end is missing."""
    return content[: draw.integers(len(content))]


def flip(content, draw):
    """One bit is another one."""
    place, damaged = int(draw.integers(len(content))), bytearray(content)
    damaged[place] ^= 1 << int(draw.integers(8))
    return bytes(damaged)


def zero(content, draw):
    """A block holds zeros."""
    first, stop = _block(content, draw)
    return content[:first] + bytes(stop - first) + content[stop:]


def swap(content, draw):
    """Two blocks of one size have changed places."""
    size = int(draw.integers(1, max(2, min(BLOCK, len(content) // 2))))
    first, second = sorted(int(place) for place in draw.integers(len(content) - size + 1, size=2))
    if second - first < size:
        return content
    one, other = content[first : first + size], content[second : second + size]
    return content[:first] + other + content[first + size : second] + one + content[second + size :]


def lose_line(content, draw):
    """A line is missing; in files without lines, a block."""
    lines = content.splitlines(keepends=True)
    place = int(draw.integers(len(lines)))
    return b"".join([*lines[:place], *lines[place + 1 :]])


def repeat_line(content, draw):
    """A line stands twice."""
    lines = content.splitlines(keepends=True)
    place = int(draw.integers(len(lines)))
    return b"".join([*lines[: place + 1], *lines[place:]])


def zero_end(content, draw):
    """Zeros lie in place of the end, as after a power cut."""
    first = int(draw.integers(len(content)))
    return content[:first] + bytes(len(content) - first)


DAMAGES = (cut, flip, zero, swap, lose_line, repeat_line, zero_end)


def _block(content, draw):
    first = int(draw.integers(len(content)))
    return first, min(len(content), first + int(draw.integers(1, BLOCK)))


def damaged(content, draw):
    """Draw a damage that changes a content.

    Parameters
    ----------
    content : bytes
    draw : numpy.random.Generator

    Returns
    -------
    name : str
    bytes
    """
    while True:
        damage = DAMAGES[draw.integers(len(DAMAGES))]
        found = damage(content, draw)
        if found != content:
            return damage.__name__, found


def overwrite(path, content):
    """Damage a file and leave its times as they were, as a disk does."""
    times = os.stat(path)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
