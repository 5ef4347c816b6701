"""Documentation: generated pages are up to date, and the tutorial does what it says."""

import contextlib
import inspect
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml

import cubnm_core
from cubnm_core.equations import expressions as ex
from cubnm_core.equations.files import MODELS_FOLDER, load_model
from cubnm_core.equations.hemodynamics import CONSTANTS

FENCE = re.compile(r"^```(\w+) *(\S*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def pages(docs):
    """Every page of the documentation; those in docs/site are parts of the site."""
    return sorted(page for page in docs.rglob("*.md") if page.parent.name != "site")


@pytest.fixture(scope="module")
def blocks(repository):
    """Blocks of the tutorial: language, name of a file, content."""
    return FENCE.findall((repository / "docs" / "models" / "new_model.md").read_text(encoding="utf-8"))


@pytest.fixture
def latex(repository, monkeypatch):
    """The LaTeX printer of the documentation."""
    monkeypatch.syspath_prepend(repository / "docs" / "models")
    import latex

    return latex


def test_the_page_of_models_is_up_to_date(repository, latex):
    import generate_models

    found = (repository / "docs" / "models" / "README.md").read_text(encoding="utf-8")
    assert found == generate_models.page(), "run: python docs/models/generate_models.py"


def test_the_tables_of_the_configuration_are_up_to_date(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "docs" / "site")
    import generate_keys

    found = generate_keys.README.read_text(encoding="utf-8")
    tables = [name for _, name, _ in generate_keys.TABLE.findall(found)]
    assert tables == ["manifest", "participants", "nodes", "overview", "protocols", "keys"]
    assert found == generate_keys.page(found), "run: python docs/site/generate_keys.py"


def test_the_page_of_models_leaves_nothing_out(repository):
    sections = re.split(
        r"^## ", (repository / "docs" / "models" / "README.md").read_text("utf-8"), flags=re.MULTILINE
    )
    text = {section.partition("\n")[0]: section for section in sections[1:]}
    models = [load_model(path) for path in MODELS_FOLDER.glob("*.toml")]
    assert set(text) == {"Haemodynamic model", *(model.name for model in models)}
    for name in CONSTANTS:
        assert f"| `{name}` |" in text["Haemodynamic model"], name
    for model in models:
        for name in (*model.states, *model.parameters, *model.constants):
            assert f"| `{name}` |" in text[model.name], f"{model.name}: {name}"
        assert f"https://doi.org/{model.doi}" in text[model.name]
        assert text[model.name].count(r"\frac{\mathrm{d} ") == len(model.states)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a - b - c", "a - b - c"),
        ("a + -b", r"a + \left(-b\right)"),
        ("(a + b)*c", r"\left(a + b\right) \, c"),
        ("-S_E/tau_E", r"-\frac{S_{E}}{\tau_{E}}"),
        ("(a + b)/c*d", r"\frac{a + b}{c} \, d"),
        ("a*(-b)", r"a \, \left(-b\right)"),
        ("(a*b)**2 - wIE**2", r"\left(a \, b\right)^{2} - w_{IE}^{2}"),
        ("2*3e-5*x", r"2 \cdot 3 \cdot 10^{-5} \, x"),
        ("exp(-x)", r"\exp\left(-x\right)"),
        ("nu_max*I0", r"\nu_{\mathrm{max}} \, I_{0}"),
    ],
)
def test_equations_are_printed_as_they_are_meant(latex, written, printed):
    assert latex.expression(ex.parse(written)) == printed


def test_what_a_source_sends_carries_its_index(latex):
    sent = ex.parse("sum(c*(S - T))")
    assert latex.expression(sent, {"S", "T"}) == r"\sum_k w_{kj} \, c \, \left(S^{(k)} - T^{(k)}\right)"
    assert latex.expression(ex.parse("sum(1)")) == r"\sum_k w_{kj}"
    assert latex.expression(ex.parse("S"), {"S"}) == "S"


@pytest.mark.slow
def test_the_tutorial_in_python(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace, printed = {}, ""
    for language, file, content in blocks:
        if language == "toml":
            (tmp_path / file).write_text(content, encoding="utf-8")
        elif language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(content, "new_model.md", "exec"), namespace)
            printed = output.getvalue()
        elif language == "text":
            assert printed == content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "made"),
    [
        ("README.md", ["landscape.png"]),
        ("docs/simulation/exploring.md", ["sweep.png", "fc.png"]),
        ("docs/from_cubnm.md", ["subject.tsv", "subject.json"]),
    ],
)
def test_the_python_of_a_page_runs(repository, tmp_path, monkeypatch, page, made):
    rng = np.random.default_rng(1)
    weights = np.triu(rng.lognormal(size=(6, 6)), 1)
    np.savetxt(tmp_path / "sc.csv", weights + weights.T, delimiter=",")
    np.savetxt(tmp_path / "bold.csv", rng.standard_normal((150, 6)), delimiter=",")
    monkeypatch.chdir(tmp_path)
    blocks, names = FENCE.findall((repository / page).read_text(encoding="utf-8")), {}
    for code in [content for language, _, content in blocks if language == "python"]:
        exec(compile(code, page, "exec"), names)
    assert all((tmp_path / name).stat().st_size > 100 for name in made)
    assert set(names["found"].best) <= {"G", "w_p"}


def test_the_page_for_users_of_cubnm_names_what_there_is(repository):
    text = (repository / "docs" / "from_cubnm.md").read_text(encoding="utf-8")
    for name in ("simulate", "fit", "grid", "score", "to_matrix"):
        assert f"`{name}" in text and callable(getattr(cubnm_core, name))
    keywords = inspect.signature(cubnm_core.simulate).parameters
    for name in (
        "repetition_time",
        "dt",
        "hemodynamic_dt",
        "burn_in",
        "lengths",
        "interhemispheric",
        "window_edges",
    ):
        assert name in text and name in keywords
    pfic = load_model("pFIC").parameters
    assert {"w_EE", "w_EI"} <= set(pfic)


def test_the_tutorial_in_the_workflow(blocks, snakemake, tiny_cohort):
    for language, file, content in blocks:
        if language == "toml":
            (tiny_cohort.folder / file).write_text(content, encoding="utf-8")
        elif language == "yaml":
            tiny_cohort.config |= yaml.safe_load(content)
    assert tiny_cohort.config["fits"]["fitzhugh"]["model"] == "fitzhugh.toml"
    code, text = snakemake("--dry-run", config=tiny_cohort.write())
    assert code == 0, text
    assert re.search(r"^rule fit:\n +input: .*fitzhugh\.toml", text, flags=re.MULTILINE)


def test_the_tutorial_names_every_key_and_function(repository):
    from cubnm_core.equations import checks

    text = (repository / "docs" / "models" / "new_model.md").read_text(encoding="utf-8")
    table = text[text.index("## Every key") :]
    keys = [*checks.REQUIRED, *checks.DEFAULTS]
    for name in [*keys, *ex.FUNCTIONS]:
        assert re.search(rf"`\[?{name}[\]`(]", table), name


def test_the_index_names_every_page(repository):
    docs = repository / "docs"
    text = (docs / "README.md").read_text(encoding="utf-8")
    for page in pages(docs):
        place = page.relative_to(docs).as_posix()
        assert place == "README.md" or f"({place})" in text, place


def test_every_section_of_the_report_is_explained(repository):
    text = (repository / "docs" / "report" / "README.md").read_text(encoding="utf-8")
    modules = (repository / "workflow_scripts" / "report").rglob("*.py")
    code = "".join(path.read_text(encoding="utf-8") for path in modules)
    titles = re.findall(r'Section\(\s*"\w+",\s*"([^"]+)"', code)
    assert len(titles) > 15 and not [title for title in titles if title not in text]


def test_links_lead_somewhere(repository):
    others = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "benchmarks/README.md")
    for page in (*(repository / name for name in others), *pages(repository / "docs")):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


@pytest.mark.slow
def test_the_site_is_made_without_a_warning(repository, tmp_path):
    command = [sys.executable, str(repository / "docs" / "site" / "build.py"), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    keys = (tmp_path / "site" / "configuration.html").read_text(encoding="utf-8")
    assert "fits.*.optimizer.population" in keys and "lh.*.annot, rh.*.annot" in keys
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'<(script|img|link|iframe)[^>]+(src|href)="(https?:)?//', text), page.name
