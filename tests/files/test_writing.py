"""Files are written whole or not at all, flushed first; what killed jobs have left goes, and nothing else."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from workflow_scripts.files import job, writing
from workflow_scripts.files.writing import atomic_path, remove_left

HOST = socket.gethostname()
ENDED = 2**22 + 1  # no process has such a number


def left(folder, name, age=0.0):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("half of a fi")
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.mark.parametrize("write", [
    lambda path: job.write_tsv(path.with_suffix(".tsv"), [{"a": 1}]),
    lambda path: job.write_json(path.with_suffix(".json"), {"a": 1}),
    lambda path: job.write_npz(path.with_suffix(".npz"), a=[1]),
])  # fmt: skip
def test_content_is_on_the_disk_before_the_file_takes_its_place(write, tmp_path, monkeypatch):
    done = []
    flushed, replaced = os.fsync, os.replace

    def flush(descriptor):
        done.append(("flush", os.path.realpath(f"/proc/self/fd/{descriptor}")))
        flushed(descriptor)

    def replace(source, target):
        done.append(("replace", os.fspath(source)))
        replaced(source, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", replace)
    write(tmp_path / "results")
    (_, content), (_, source) = done
    assert [step for step, _ in done] == ["flush", "replace"] and content == source


def test_a_disk_that_cannot_be_flushed_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "table.tsv"
    job.write_tsv(path, [{"a": 1}])

    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        job.write_tsv(path, [{"a": 2}])
    assert path.read_text() == "a\n1\n" and os.listdir(tmp_path) == ["table.tsv"]


KILLED = """
import sys
from workflow_scripts.files.writing import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half of a fi")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_job_left_is_removed_and_what_a_running_one_writes_is_not(tmp_path):
    path = tmp_path / "fits" / "table.tsv"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        (temporary,) = path.parent.iterdir()
        assert remove_left(tmp_path) == [] and temporary.exists()
        process.send_signal(signal.SIGKILL)
    assert temporary.exists() and remove_left(tmp_path) == [temporary]
    assert list(path.parent.iterdir()) == []


def test_only_temporary_files_of_ended_processes_are_removed(tmp_path):
    gone = [
        left(tmp_path, f"a/.table.writing-{HOST}-{ENDED}.tsv"),
        left(tmp_path, f".batch-001.writing-{HOST}-{ENDED}"),
        left(tmp_path, f"b/c/.x.writing-elsewhere-1-{os.getpid()}.npz", age=2 * writing.A_DAY),
    ]
    stay = [
        left(tmp_path, f"a/.table.writing-{HOST}-{os.getpid()}.tsv"),
        left(tmp_path, "b/.x.writing-elsewhere-12.npz"),
        left(tmp_path, f"writing-{HOST}-{ENDED}.tsv"),
        left(tmp_path, f".table.{ENDED}.tsv"),
        left(tmp_path, f".notes.writing-{HOST}-x.tsv"),
        left(tmp_path, "table.tsv"),
    ]
    assert set(remove_left(tmp_path)) == set(gone)
    assert all(path.exists() for path in stay) and not any(path.exists() for path in gone)


def test_a_folder_that_is_not_there_has_nothing_left(tmp_path):
    assert remove_left(tmp_path / "results") == []


def test_an_error_in_the_block_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "x.npz") as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
