"""The cache of compiled kernels: where it lies, what is trusted, and what a torn file or a full disk does."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

from cubnm_core.backends import caches
from cubnm_core.backends.cpu import kernels

SIMULATE = """
import numpy as np
from cubnm_core import simulate
run = simulate("Hopf", np.ones((4, 4)) - np.eye(4), {"G": [1.0]}, duration=8.0, repetition_time=1.0,
               burn_in=2.0, dt=1e-3, window=3.0, window_step=1.0, backend="cpu", record=("bold",))
print(float(run.bold.sum()))
"""


@pytest.fixture(scope="module")
def simulate_in_process(warm_python):
    """Simulate in a process of its own; give what it printed and what it complained of."""

    def simulate(folder=None, **environment):
        variables = {**os.environ, **environment} | ({"CUBNM_CACHE_DIR": str(folder)} if folder else {})
        done = subprocess.run([warm_python, "-c", SIMULATE], capture_output=True, text=True, env=variables)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return simulate


@pytest.fixture(scope="module")
def filled(simulate_in_process, tmp_path_factory):
    """A cache with one compiled kernel, and the number that it gives."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, simulate_in_process(folder)[0]


@pytest.fixture
def cache(filled, tmp_path):
    """A copy of that cache, times of files included."""
    shutil.copytree(filled[0], tmp_path / "cache")
    return tmp_path / "cache"


def files(cache, ending):
    return sorted((cache / "kernels").rglob(f"*{ending}"))


def keep_time(path, damage):
    """Damage a file and leave its times as they were."""
    times = os.stat(path)
    damage(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "one byte": lambda path: path.write_bytes(path.read_bytes()[:-40] + b"?" + path.read_bytes()[-39:]),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("ending", [".py", ".nbi", ".nbc", ".sha256"])
def test_a_damaged_file_is_made_again(simulate_in_process, filled, cache, ending, damage):
    (path,) = files(cache, ending)
    if damage == "gone":
        path.unlink()
    else:
        keep_time(path, DAMAGES[damage])
    assert simulate_in_process(cache)[0] == filled[1]
    assert {path.suffix for path in files(cache, "")} >= {".py", ".nbi", ".nbc", ".sha256"}
    # What was made again is whole: the next process changes nothing.
    before = {path: path.stat().st_mtime_ns for path in files(cache, "")}
    assert simulate_in_process(cache)[0] == filled[1]
    assert before == {path: path.stat().st_mtime_ns for path in files(cache, "")}


def test_a_file_that_lies_in_the_place_of_a_kernel_is_not_run(simulate_in_process, filled, cache, tmp_path):
    (path,) = files(cache, ".py")
    path.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n", encoding="utf-8")
    assert simulate_in_process(cache)[0] == filled[1]
    assert not (tmp_path / "executed").exists()


def test_kernels_are_named_by_their_digest_alone(cache):
    assert [path.stem.partition("_")[0] for path in files(cache, ".py")] == ["kernel"]


def test_kernels_are_kept_where_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("CUBNM_CACHE_DIR", str(tmp_path / "cache"))
    assert caches.find_cache_folder.__wrapped__("kernels") == tmp_path / "cache" / "kernels"


@pytest.mark.parametrize("variable", ["CUBNM_CACHE_DIR", "XDG_CACHE_HOME", "HOME"])
def test_a_folder_that_cannot_be_written_to_gives_way_to_a_temporary_one(
    simulate_in_process, filled, tmp_path, variable
):
    """A file in place of the folder refuses writing to everybody, root included."""
    (tmp_path / "read_only").write_text("")
    others = {"CUBNM_CACHE_DIR": "", "XDG_CACHE_HOME": "", "TMPDIR": str(tmp_path)}
    where = tmp_path / "read_only"
    out, told = simulate_in_process(**others | {variable: str(where)})
    assert out == filled[1]
    assert told.count("\n") == 1 and "kernels are kept in" in told and "CUBNM_CACHE_DIR" in told
    assert list(tmp_path.glob("cubnm_core-*/kernels/*.py"))


@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0, reason="needs root and setpriv")
@pytest.mark.parametrize("case", ["empty", "compiled before", "of a colleague", "no home"])
def test_another_user_simulates_with_a_read_only_cache(case, filled, cache, tmp_path):
    if subprocess.run(["setpriv", "--reuid=65534", sys.executable, "-c", ""], capture_output=True).returncode:
        pytest.skip("another user cannot run this Python")
    home = tmp_path / "home"
    kept = home / ".cache" / "cubnm_core"
    kept.parent.mkdir(parents=True)
    shutil.copytree(cache, kept)
    if case == "empty":
        shutil.rmtree(kept / "kernels")
        (kept / "kernels").mkdir()
    for folder in (*list(tmp_path.parents)[:2], tmp_path, home, kept.parent, kept):
        folder.chmod(0o755)
    variables = {key: value for key, value in os.environ.items() if key not in ("HOME", "CUBNM_CACHE_DIR")}
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    temporary.chmod(0o777)
    variables |= {"TMPDIR": str(temporary), "NUMBA_CACHE_DIR": ""}
    if case == "of a colleague":
        variables["CUBNM_CACHE_DIR"] = str(kept)
    elif case != "no home":
        variables["HOME"] = str(home)
    command = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", SIMULATE]
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    if "cubnm_core" in done.stderr and "ModuleNotFoundError" in done.stderr:
        pytest.skip("another user cannot read this checkout")
    assert done.returncode == 0, done.stderr
    assert done.stdout == filled[1]


def test_a_full_disk_is_named_with_the_variable(monkeypatch, tmp_path, caplog):
    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kernels, "_write", full)
    with pytest.raises(OSError, match="No space"):
        kernels.Kernel("def advance():\n    pass\n", tmp_path)
    monkeypatch.setattr(kernels, "find_cache_folder", lambda name: tmp_path)
    monkeypatch.setattr(kernels.printer, "module", lambda *arguments: "def advance():\n    pass\n")
    with pytest.raises(OSError, match="No space"):
        kernels.load.__wrapped__(None, None, None, None)
    assert str(tmp_path) in caplog.text and "CUBNM_CACHE_DIR" in caplog.text
