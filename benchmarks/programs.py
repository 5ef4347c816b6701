"""Programs to be measured: their environments, and talking to them."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE / ".environments"


@dataclass(frozen=True)
class Program:
    """A program of `peers/` and what it can be asked.

    Attributes
    ----------
    name : str
        As in the tables.
    script : str
        File in `peers/`.
    python : str
        Interpreter.
    durations : tuple of int
        Simulated seconds to choose from, longest first.
    work : float
        The longest duration is taken for which nodes² x batch x duration stays below this.
    precisions : tuple of str
        Those it has; one that has only double is compared in double precision with everything.
    batches : tuple of int
        The batch sizes to run; for another the largest below it stands. One is enough for a program whose
        time is proportional to the batch.
    variables : dict
        Environment variables.
    """

    name: str
    script: str
    python: str
    durations: tuple
    work: float
    precisions: tuple = ("single", "double")
    batches: tuple = (1, 8, 16, 64)
    variables: dict = field(default_factory=dict, hash=False)


class ProgramFailed(RuntimeError):
    """A program could not be installed, ended early, or answered with an error."""


class Conversation:
    """A running program; use it as a context."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        ENVIRONMENTS.mkdir(exist_ok=True)
        self.log = tempfile.TemporaryFile("w+", dir=ENVIRONMENTS)
        self.folder = tempfile.TemporaryDirectory(prefix="kernels_", dir=ENVIRONMENTS)
        environment = {**os.environ, **self.program.variables, "CUBNM_CACHE_DIR": self.folder.name}
        if self.program.python == sys.executable:
            environment["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [self.program.python, HERE / "peers" / self.program.script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
            text=True,
        )
        return self

    def __exit__(self, *_):
        with suppress(BrokenPipeError):  # of a program that has ended already
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def ask(self, request, case=None):
        """Send a request and wait for the answer."""
        try:
            print(json.dumps({"request": request, "case": case}), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self.log.seek(0)
            raise ProgramFailed(f"{self.program.name} ended: {_last_line(self.log.read())}") from None
        if "error" in answer:
            raise ProgramFailed(f"{self.program.name}: {_last_line(answer['error'])}")
        return answer


def _last_line(text):
    return (text.strip().splitlines() or ["no message"])[-1]


def interpreter(name, requirement, given):
    """Python of an environment that has a peer: the one given, else one of our own, made on first use.

    Raises
    ------
    ProgramFailed
        If the installation fails.
    """
    if given and not Path(given).exists():
        sys.exit(f"--{name}-python: {given} does not exist")
    if given:
        return given
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing {requirement} into {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise ProgramFailed(f"{name} could not be installed: {_last_line(result.stderr)}")
        (folder / "complete").touch()
    return str(python)
