"""The staircase: imports go only downwards, in no circle, and nothing heavy is loaded before it is used."""

import ast
import subprocess
import sys
from functools import cache

import pytest

UPSTAIRS = {"workflow_scripts", "snakemake", "pandas", "matplotlib", "jinja2", "yaml", "jsonschema"}
HEAVY = ("numba", "cupy", "pymoo", "scipy", "matplotlib", "pandas", "numpy")
# From the ground up: a room imports only from rooms that stand before it.
ROOMS = {
    "cubnm_core": (
        "errors",
        "noise",
        "equations",
        "measures",
        "connectomes",
        "statistics",
        "backends",
        "simulation",
        "linear",
        "fitting",
        "evidence",
        "interface",
        "datasets",
    ),
    "workflow_scripts": (
        "files",
        "readers",
        "atlases",
        "configuration",
        "cohort",
        "preparation",
        "fitting",
        "planning",
        "export",
        "evidence",
        "experiments",
        "statistics",
        "report",
        "index",
        "terminal",
    ),
}
# Files at the top of workflow_scripts: commands, which use all rooms and are used by none.
COMMANDS = {"command", "simulate_person", "make_nodes", "get_hcp_example", "get_kong2021_example"}


def modules(repository, package):
    """Map the dotted name of every module of a package to its file."""
    paths = (repository / package).rglob("*.py")
    names = {".".join(path.relative_to(repository).with_suffix("").parts): path for path in paths}
    return {name.removesuffix(".__init__"): path for name, path in names.items()}


@cache
def imported(path):
    """List the names of all modules that a file imports, at any depth."""
    return tuple(_imported(path))


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def graph(repository, package):
    """Map every module of a package to those of the same package that it imports."""
    known = modules(repository, package)
    found = {}
    for name, path in known.items():
        within = {other for other in imported(path) if other in known and other not in (name, package)}
        # `from room import module` imports the module; the empty room is none of the file's business.
        found[name] = {other for other in within if not any(o.startswith(f"{other}.") for o in within)}
    return found


def room_of(name):
    """Name the room of a module: its folder, or the file itself at the top."""
    return name.split(".")[1]


def test_the_core_knows_nothing_of_what_lives_upstairs(repository):
    for path in (repository / "cubnm_core").rglob("*.py"):
        # What a modeller calls gives tables and figures, where pandas and matplotlib are installed.
        known = {"pandas", "matplotlib"} if path.parent.name == "interface" else set()
        wrong = {name for name in imported(path) if name.split(".")[0] in UPSTAIRS - known}
        assert not wrong, f"{path}: {wrong}"


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_only_downwards(repository, package):
    floors = {room: floor for floor, room in enumerate(ROOMS[package])}
    for name, others in graph(repository, package).items():
        if name == package:
            continue
        own = room_of(name)
        assert own in floors or own in COMMANDS, f"{own} has no place in the list of rooms"
        for other in others:
            assert room_of(other) not in COMMANDS or own in (room_of(other), "command"), (
                f"{name} imports a command"
            )
            if own != room_of(other) and own not in COMMANDS:
                assert floors[room_of(other)] < floors[own], f"{name} imports {other}, which stands above it"


@pytest.mark.parametrize("package", ROOMS)
def test_no_files_import_each_other_in_a_circle(repository, package):
    left = graph(repository, package)
    while free := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in free}
    assert not left, f"in a circle, or above one: {sorted(left)}"


def test_a_script_of_a_rule_is_imported_by_nobody(repository):
    texts = [path.read_text(encoding="utf-8") for path in (repository / "workflow_scripts").rglob("*.py")]
    scripts = {
        name
        for name, path in modules(repository, "workflow_scripts").items()
        if "main(snakemake)" in path.read_text(encoding="utf-8")
    }
    assert scripts and texts
    for name, others in graph(repository, "workflow_scripts").items():
        assert not others & scripts, f"{name} imports {sorted(others & scripts)}"


def test_cupy_is_imported_in_the_backends_only(repository):
    for package in ROOMS:
        for path in (repository / package).rglob("*.py"):
            if "backends" not in path.parts:
                assert "cupy" not in {name.split(".")[0] for name in imported(path)}, path


def loaded_by(statement):
    """Run a statement in a new process and list the heavy modules it loads."""
    code = f"import sys; {statement}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_the_core_is_light():
    assert loaded_by("import cubnm_core") == []


def test_what_the_snakefile_imports_is_light():
    loaded = loaded_by(
        "from workflow_scripts.cohort import tables; "
        "from workflow_scripts.configuration import configuration; "
        "import cubnm_core.equations.files"
    )
    assert set(loaded) <= {"numpy"}
