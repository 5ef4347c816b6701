"""The repository itself: described settings, no trace of a machine, files that fit in one head."""

import re
import shutil
import subprocess
import sys
import textwrap
import tomllib

import pytest
import yaml

from workflow_scripts.configuration import schemas

SCHEMAS = ("config", "manifest", "participants", "nodes")


@pytest.fixture(scope="module")
def tracked(repository):
    """Text of every tracked file."""
    if shutil.which("git") is None or not (repository / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=repository, check=True)
    paths = [repository / name for name in names.stdout.splitlines()]
    return {
        str(path.relative_to(repository)): path.read_text(encoding="utf-8")
        for path in paths
        if path.is_file() and path.suffix != ".png"
    }


def leaves(rules, place):
    """Walk through a schema and yield every entry that a user may write."""
    for key, entry in rules.get("properties", {}).items():
        yield f"{place}.{key}", entry
        yield from leaves(entry, f"{place}.{key}")
    additional = rules.get("additionalProperties")
    if isinstance(additional, dict):
        yield f"{place}.*", additional
        yield from leaves(additional, f"{place}.*")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_entry_of_a_schema_is_described(name):
    found = list(leaves(schemas.schema(name), name))
    assert found
    for place, entry in found:
        assert len(entry.get("description", "")) > 5, place


def test_every_level_of_the_configuration_refuses_unknown_keys():
    rules = schemas.schema("config")
    levels = [("config", rules), *leaves(rules, "config")]
    for place, entry in levels:
        if "properties" in entry:
            assert entry.get("additionalProperties") is False, place


def test_no_trace_of_a_machine(tracked):
    paths = re.compile(r"(?<![\w.])/(work|tmp|root|home|farm)/[\w.]")
    for name, text in tracked.items():
        assert not paths.search(text), name
        if name.startswith(("envs/", ".ci/")) or name in ("constraints.txt", "Makefile", "pyproject.toml"):
            assert not re.search(r"https?://|index-url|find-links", text), name


def test_files_fit_in_one_head(tracked):
    for name, text in tracked.items():
        if name.endswith((".py", ".smk")):
            assert text.count("\n") <= 400, name
    assert tracked["Snakefile"].count("\n") < 100


def test_every_import_is_declared(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    engine, workflow = (
        {re.match(r"[\w-]+", entry).group() for entry in entries}
        for entries in (project["dependencies"], extras["workflow"])
    )
    called_otherwise = {"yaml": "pyyaml", "PIL": "pillow"}
    assert set(called_otherwise.values()) <= workflow
    ours = {"cubnm_core", "workflow_scripts", "cupy"} | sys.stdlib_module_names
    known = engine | workflow | ours | set(called_otherwise)
    for folder in ("cubnm_core", "workflow_scripts"):
        for path in (repository / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found = set(re.findall(r"^\s*(?:from|import) (\w+)", text, flags=re.MULTILINE))
            assert found <= known, f"{path}: {found - known}"
            always = set(re.findall(r"^(?:from|import) (\w+)", text, flags=re.MULTILINE))
            assert folder != "cubnm_core" or always <= engine | ours, f"{path}: {always - engine - ours}"


def test_constraints_pin_every_dependency(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["workflow"], *extras["dev"]]
    wanted.remove("cubnm_core[workflow]")
    pinned = set(
        re.findall(r"^([\w.-]+)==", (repository / "constraints.txt").read_text(), flags=re.MULTILINE)
    )
    assert {re.match(r"[\w-]+", name).group() for name in wanted} <= pinned


def test_conda_environment_lists_what_the_scripts_need(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = yaml.safe_load((repository / "envs" / "workflow.yaml").read_text(encoding="utf-8"))
    *entries, by_pip = environment["dependencies"]
    entries.remove("pip")
    listed = {
        entry.split()[0].removesuffix("-base"): entry.split()[1] for entry in [*entries, *by_pip["pip"]]
    }
    for entry in [*project["dependencies"], *project["optional-dependencies"]["workflow"]]:
        name, bound = re.match(r"([\w-]+)(.*)", entry).groups()
        if name != "snakemake":
            assert listed.get(name) == bound, name


@pytest.mark.slow
def test_what_a_file_of_tests_prepares_is_prepared_once(repository, tmp_path):
    """With the options of the Makefile: workers share nothing but whole files."""
    options = re.search(r"--dist [^\n]*", (repository / "Makefile").read_text(encoding="utf-8"))[0].split()
    test = """
        import pathlib, pytest, time

        @pytest.fixture(scope="module")
        def prepared(worker_id):
            pathlib.Path(worker_id).touch()

        @pytest.mark.parametrize("number", range(8))
        def test_it(prepared, number):
            time.sleep(0.02)
    """
    (tmp_path / "test_it.py").write_text(textwrap.dedent(test), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--numprocesses", "2", *options]
    subprocess.run([*command, "test_it.py"], cwd=tmp_path, check=True, capture_output=True)
    assert len(list(tmp_path.glob("gw*"))) == 1
