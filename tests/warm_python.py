"""A Python whose processes begin with the libraries imported: forked from one that has imported them.

A workflow starts a process for every job, and most of what a small job takes is the import of libraries.
`executable` gives a program that may stand for ``sys.executable``: what is run with it sees the working
directory, environment, arguments and open files of the caller, and is killed when the caller is. Only
libraries are imported beforehand, nothing of the project.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

LIBRARIES = (
    "snakemake.cli",
    "snakemake.script",
    "numpy",
    "scipy.optimize",
    "scipy.signal",
    "scipy.stats",
    "pandas",
    "numba",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "jinja2",
    "jsonschema",
    "yaml",
    "formulaic",
    "nibabel",
    "pymoo.core.algorithm",
    "threadpoolctl",
)

# Asks the server for a process, waits, and ends as it ends. Kept small, because it is started for every job.
CLIENT = """
import json, os, socket, sys
server, python = sys.argv[1:3]
words = sys.argv[3:]
if not words or not (words[0] in ("-m", "-c") or words[0].endswith(".py")):
    os.execv(python, [python, *words])
asked = json.dumps({"words": words, "folder": os.getcwd(), "variables": dict(os.environ)}).encode()
with socket.socket(socket.AF_UNIX) as line:
    line.connect(server)
    socket.send_fds(line, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    line.sendall(asked)
    status = line.recv(1)
sys.exit(status[0] if status else 70)
"""


@contextlib.contextmanager
def executable(folder):
    """Path of the program, which works as long as this is entered, with a program `snakemake` beside it.

    Parameters
    ----------
    folder : Path
        For these alone.
    """
    program, server = folder / "python", folder / "server"
    (folder / "client.py").write_text(CLIENT)
    client = f'"{sys.executable}" -IS "{folder / "client.py"}" "{server}" "{sys.executable}" "$@"'
    program.write_text(f"#!/bin/sh\nexec {client}\n")
    (folder / "snakemake").write_text(f'#!/bin/sh\nexec "{program}" -m snakemake "$@"\n')
    for path in (program, folder / "snakemake"):
        path.chmod(0o755)
    command = [sys.executable, __file__, str(server), str(program)]
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=without, **pipes) as process:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the Python with imported libraries does not start")
        yield str(program)


# --- the server ---------------------------------------------------------------------------------------------


def serve(path, program):
    """Fork a process for everyone who asks, until the input closes: with the process that began this."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # What is imported later, the project's modules above all, is compiled once for all processes.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(Path(program).parent / "bytecode")
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    print("ready", flush=True)
    running = {}  # by the connection and by the process: both
    while sys.stdin not in (ready := select.select([listener, sys.stdin, *running], [], [])[0]):
        for file in ready:
            if file is listener:
                job = _Job(listener.accept()[0], program)
                running |= {job.line: job, job.ended: job}
            elif file in running:
                job = running[file]
                del running[job.line], running[job.ended]
                job.end()


class _Job:
    """A process, and the connection of who waits for it."""

    def __init__(self, line, program):
        self.line = line
        size, files, _, _ = socket.recv_fds(line, 4, 3)
        size, asked = int.from_bytes(size, "big"), b""
        while len(asked) < size:
            asked += line.recv(size - len(asked))
        self.process = os.fork()
        if self.process == 0:
            os.setpgrp()
            _become(**json.loads(asked), files=files, program=program)
        for file in files:
            os.close(file)
        self.ended = os.pidfd_open(self.process)

    def end(self):
        """Tell how the process ended; kill it, and what it started, when nobody waits any more."""
        if not select.select([self.ended], [], [], 0)[0]:
            os.killpg(self.process, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        with contextlib.suppress(OSError):
            self.line.sendall(bytes([status if status >= 0 else 128 - status]))
        self.line.close()
        os.close(self.ended)


def _become(words, folder, variables, files, program):
    """Run what was asked for, and end."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 256)  # the connections of others, who wait for their end
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    sys.executable, tempfile.tempdir = program, None
    own = variables.get("PYTHONPATH", "").split(os.pathsep)
    option = words[0] if words[0] in ("-m", "-c") else None
    first = folder if option else str(Path(words[0]).resolve().parent)
    sys.path[:] = [first, *filter(None, own), *sys.path[1:]]
    sys.argv = {"-m": words[1:], "-c": ["-c", *words[2:]]}.get(option, words)
    status = 1
    try:
        if option == "-m":
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        elif option == "-c":
            exec(compile(words[1], "<string>", "exec"), sys.modules["__main__"].__dict__)
        else:
            runpy.run_path(words[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(BaseException):
            threading._shutdown()
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status & 0xFF)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
