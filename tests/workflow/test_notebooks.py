"""Notebooks run, hold no outputs, and their pictures are as new as they are."""

import json

import matplotlib
import numpy as np
import pytest
from statistics_cohort import MadeStatistics

from workflow_scripts.files import job

NAMES = ("cohort_tables", "explore_connectome", "fit_person")


@pytest.fixture
def draw(repository, monkeypatch):
    """The command that draws the pictures of the notebooks."""
    monkeypatch.syspath_prepend(repository / "docs" / "notebooks")
    import draw

    return draw


def test_notebooks_hold_no_outputs(repository):
    books = sorted((repository / "docs" / "notebooks").glob("*.ipynb"))
    assert tuple(book.stem for book in books) == NAMES
    for book in books:
        cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") for cell in cells), f"clear the outputs of {book.name}"


def test_pictures_of_notebooks_are_up_to_date(draw):
    found = json.loads(draw.DIGESTS.read_text(encoding="utf-8"))
    drawn = {name: draw.digest(name) for name in draw.DRAWN}
    assert found == drawn, "run: python docs/notebooks/draw.py"


def test_every_picture_of_the_docs_is_shown(repository):
    pages = [repository / "README.md", *(repository / "docs").rglob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for picture in (repository / "docs" / "pictures").glob("*.png"):
        assert f"pictures/{picture.name})" in text, picture.name
        assert picture.stat().st_size < 120_000, f"{picture.name} is larger than 120 kB"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["explore_connectome", "fit_person"])
def test_notebooks_run(draw, tmp_path, monkeypatch, name):
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    names = draw.run_notebook(name)
    assert np.isfinite(names["weights"]).all()
    assert len(list(tmp_path.glob("*.png"))) == 2


@pytest.mark.slow
def test_the_notebook_of_a_cohort_runs(draw, tmp_path, monkeypatch, capsys):
    matplotlib.use("agg")
    made = MadeStatistics(tmp_path)
    (tmp_path / "results" / "cohort").mkdir(parents=True)
    for name in ("fits", "evaluation"):
        job.write_tsv(str(tmp_path / "results" / "cohort" / f"{name}.tsv"), getattr(made, name))
    monkeypatch.chdir(tmp_path)
    names = draw.run_notebook("cohort_tables")
    assert len(names["chosen"]) == len(made.people)
    assert len(names["wide"]) == len(made.people)
    assert names["wide"].notna().all().all()
    assert "ok" in capsys.readouterr().out
    assert (tmp_path / "cohort_tables.png").stat().st_size > 100
