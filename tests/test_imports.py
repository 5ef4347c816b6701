"""The staircase: imports go only downwards, and nothing heavy is loaded before it is used."""

import ast
import subprocess
import sys

UPSTAIRS = {"workflow_scripts", "snakemake", "pandas", "matplotlib", "jinja2", "yaml", "jsonschema"}
HEAVY = ("numba", "cupy", "pymoo", "scipy", "matplotlib", "pandas", "numpy")
# From the ground up: a module imports only what stands in an earlier group, or beside it in its own package.
STOREYS = (
    ("errors",),
    ("spins", "mixed"),
    ("statistics", "permutation", "paired"),
    ("rates", "heterogeneity", "distances", "connectome", "detrending"),
    ("rewiring", "comparison"),
    ("expressions",),
    (
        "equations",
        "model_checks",
        "simulation_checks",
        "lowering",
        "noise",
        "parameters",
        "hemodynamics",
        "connectivity",
        "identifiability",
        "reliability",
        "synthetic",
    ),
    ("backends",),
    ("inhibition", "schedule", "observation"),
    ("tuning",),
    ("simulation",),
    ("objective", "search_space"),
    ("group",),
    ("catalogue", "designs", "fronts"),
    ("searches",),
    ("optimisers",),
    ("packing", "fits"),
    ("course",),
    ("fitting",),
    ("candidates",),
    ("evaluation", "global_signal"),
    ("cross", "identification", "nulls", "twins"),
)


def imported(path):
    """List the names of all modules that a file imports, at any depth."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            if node.module == "cubnm_core":
                yield from (f"cubnm_core.{alias.name}" for alias in node.names)


def test_the_core_knows_nothing_of_what_lives_upstairs(repository):
    for path in (repository / "cubnm_core").rglob("*.py"):
        wrong = {name for name in imported(path) if name.split(".")[0] in UPSTAIRS}
        assert not wrong, f"{path}: {wrong}"


def test_imports_within_the_core_go_downwards(repository):
    floor = {name: number for number, names in enumerate(STOREYS) for name in names}
    for path in (repository / "cubnm_core").rglob("*.py"):
        inside = path.relative_to(repository / "cubnm_core")
        own = inside.parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert own in floor, f"{own} has no place in the list of storeys"
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "cubnm_core" and len(parts) > 1 and parts[1] in floor:
                assert floor[parts[1]] <= floor[own], f"{inside} imports {name}, which stands above it"


def test_cupy_is_imported_in_the_backends_only(repository):
    for folder in ("cubnm_core", "workflow_scripts"):
        for path in (repository / folder).rglob("*.py"):
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
    loaded = loaded_by("from workflow_scripts import settings, tables; import cubnm_core.equations")
    assert set(loaded) <= {"numpy"}
