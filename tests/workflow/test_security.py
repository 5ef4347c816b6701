"""Nothing executes that the user did not mean: every place in the code that could run text is listed here."""

import re

import pytest

# What could run text, load objects, or start a shell.
DANGEROUS = {
    "eval": r"(?<![\w.])eval\(",
    "exec": r"(?<![\w.])exec\(",
    "frame": r"\.(query|eval)\(\s*f?[\"']",
    "pickle": r"\bpickle\b|\b(read|to)_pickle|joblib|shelve|marshal",
    "allow_pickle": r"allow_pickle\s*=\s*(?!False)",
    "import": r"__import__",
    "runpy": r"\brunpy\b",
    "shell": r"shell\s*=\s*True|os\.system|os\.popen|getoutput|^\s*shell:",
    "yaml": r"yaml\.(unsafe_|full_)?load(_all)?\(|Loader=yaml\.(?!SafeLoader)",
}
# Every place where that is meant, and why nobody else's text gets there.
KNOWN = {
    "cubnm_core/backends/cpu/kernels.py": {"exec"},  # programs printed from parsed equations
    "cubnm_core/backends/reference.py": {"exec"},  # the same
    "workflow_scripts/configuration/objectives.py": {"runpy"},  # terms that the user names as Python
    "workflow_scripts/files/reading.py": {"yaml"},  # the safe loader, in C where there is one
    "workflow_scripts/report/figures/style.py": {"pickle"},  # written to be hashed, never read
    "docs/notebooks/draw.py": {"exec"},  # the cells of the project's own notebooks
    "benchmarks/false_positives.py": {"frame"},  # queries that stand there
}
FOLDERS = ("cubnm_core", "workflow_scripts", "rules", "docs", "benchmarks", "config")


@pytest.fixture(scope="module")
def code(repository):
    """Text of all code that users run."""
    paths = [repository / "Snakefile"]
    for folder in FOLDERS:
        paths += [*(repository / folder).rglob("*.py"), *(repository / folder).rglob("*.smk")]
    paths = [path for path in paths if not any(part.startswith(".") for part in path.parts[-8:-1])]
    return {path.relative_to(repository).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def dangers(text):
    """Name what could run text in a piece of code."""
    return {name for name, words in DANGEROUS.items() if re.search(words, text, flags=re.MULTILINE)}


def test_every_place_that_could_run_text_is_known(code):
    assert len(code) > 300
    assert {path: found for path, text in code.items() if (found := dangers(text))} == KNOWN


@pytest.mark.parametrize(
    "text",
    [
        "eval(x)",
        "y = exec(x)",
        "import pickle",
        "np.load(p, allow_pickle=True)",
        "__import__('os')",
        "os.system(x)",
        "run(x, shell=True)",
        "yaml.load(x)",
        "yaml.unsafe_load(x)",
        "table.query('a == 1')",
        "pandas.read_pickle(x)",
        "    shell:\n",
    ],
)
def test_the_search_finds_what_it_looks_for(text):
    assert dangers(text)


def test_the_page_on_security_is_linked_and_names_what_runs(repository):
    page = (repository / "SECURITY.md").read_text(encoding="utf-8")
    for words in ("fits.*.terms", "__use_yte__", "Formulas", "pickled", "Report a vulnerability"):
        assert words in page
    assert "SECURITY.md" in (repository / "README.md").read_text(encoding="utf-8")
    assert "@" not in page, "no address"
