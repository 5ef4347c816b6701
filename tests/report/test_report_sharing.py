"""The page that is handed on: nothing on it tells of a person, in whatever place of the file."""

import base64
import html
import io
import re
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from planted import SECRETS
from report_cohort import MadeCohort

from workflow_scripts.cohort.noise_seeds import of_session
from workflow_scripts.report import methods, person_figures, shared_page
from workflow_scripts.report.cohort import read_cohort
from workflow_scripts.report.disclosure import (
    few,
    hide_intervals,
    told_groups,
    without_session_seeds,
    without_small_shares,
)
from workflow_scripts.report.figures.style import Picture
from workflow_scripts.report.methods import data
from workflow_scripts.report.page import render
from workflow_scripts.report.section import Section
from workflow_scripts.report.sections import exclusions, scores, summary

EMBEDDED = re.compile(r"base64,([A-Za-z0-9+/=]+)")


def everything_in(page):
    """Yield a page as it is written, as it is read, and whatever is embedded in it, decoded."""
    yield page
    for text in (unquote(page), html.unescape(unquote(page))):
        yield text
        for encoded in EMBEDDED.findall(text):
            content = base64.b64decode(encoded)
            yield content.decode("latin-1")
            if content.startswith(b"\x89PNG"):
                yield str(Image.open(io.BytesIO(content)).info)


def secrets_in(page):
    """List what must not be on a page and is."""
    texts = [text.lower() for text in everything_in(page)]
    return [word for word in SECRETS if any(word.lower() in text for text in texts)]


def test_the_search_finds_what_hides():
    assert secrets_in("as sub-qzALPHA") == ["Qzalpha"]
    assert secrets_in("<img src='data:image/svg+xml,%51zalpha'>") == ["Qzalpha"]
    assert secrets_in("base64," + base64.b64encode(b"...Wvfirst").decode()) == ["Wvfirst"]


def test_the_page_to_hand_on_holds_no_name(report_folder):
    page = (report_folder / "shared.html").read_text(encoding="utf-8")
    assert secrets_in(page) == []
    told = [
        path.read_text(encoding="utf-8") for path in report_folder.rglob("*.html") if path.stem != "shared"
    ]
    assert set(secrets_in("".join(told))) == set(SECRETS)


def test_the_page_to_hand_on_leads_to_nobody(report_folder):
    page = (report_folder / "shared.html").read_text(encoding="utf-8")
    assert "people/" not in page and "../cohort/" not in page
    assert "<a " in page  # but to its own sections


def test_the_page_to_hand_on_holds_results(report_folder):
    page = (report_folder / "shared.html").read_text(encoding="utf-8")
    assert "could not be generated" not in page and "is omitted" not in page
    names = re.findall(r'<section id="([^"]*)">', page)
    assert {"flow", "scores", "parameters", "inputs", "provenance"} <= set(names)
    assert "fewer than 5" in page  # one person failed
    assert "all (n = 6)" in page and "control (n" not in page


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out what takes longest: pictures of people."""
    monkeypatch.setattr(person_figures, "picture", lambda *_, alt: Picture("data:,", alt))


def test_few_people_are_not_told_of(tmp_path, undrawn):
    made = MadeCohort(tmp_path, people=4, nodes=8, generations=2, truth=False)
    page = shared_page.page(read_cohort(made.write(), tmp_path), [exclusions])
    assert "There is nothing to share" in page and "<table" not in page


@pytest.mark.slow
def test_people_in_no_row_of_the_manifest_are_told(tmp_path, undrawn):
    made = MadeCohort(tmp_path, people=6, nodes=8, generations=2, truth=False)
    outside = {"session_id": "", "stage": "index", "fit": None, "reason": "no connectome"}
    made.exclusions_rows = lambda: [{"participant_id": f"9{k}", **outside} for k in range(7)]
    cohort = read_cohort(made.write(), tmp_path)
    sections = [module.section(cohort) for module in (exclusions, summary, methods)]
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", render(cohort, sections)))
    assert "No errors" not in page and "1 problem. 7 units are missing" in page
    assert "7 units sub-90, sub-91" in page
    assert "of 13 units that are known, 7 are in no row of the manifest; 6 units" in page
    assert "7 other people of the study could not be included" in page
    assert "7 other people had no usable data or no successful fit" in page
    shared = shared_page.page(cohort, [exclusions])
    assert '<td class="number">7</td>' in shared and "sub-9" not in shared


@pytest.fixture
def cohort(tmp_path, undrawn):
    """A cohort of six whose section on exclusions can be replaced."""
    made = MadeCohort(tmp_path, people=6, nodes=8, generations=2, truth=False)
    sm = made.write()
    return read_cohort(sm, tmp_path)


@pytest.mark.parametrize("word", ["sub-03", "ab" * 32, "7.tsv"])
def test_a_section_with_a_name_is_withheld(cohort, monkeypatch, word):
    context = {"flow": [{"fit": word, "scored": "6", "missing": "0"}]}
    monkeypatch.setattr(
        exclusions, "aggregate", lambda _: Section("flow", "Who", "flow_shared.html.j2", context)
    )
    page = shared_page.page(cohort, [exclusions])
    assert (
        word not in page and "This section is omitted: it would have identified a person or a file." in page
    )


def test_a_section_that_fails_says_nothing_of_its_error(cohort, monkeypatch):
    def fails(_):
        raise KeyError("sub-03")

    monkeypatch.setattr(exclusions, "aggregate", fails)
    page = shared_page.page(cohort, [exclusions])
    assert "sub-03" not in page and "see the log of the rule report" in page


def test_a_template_that_names_a_person_is_refused(cohort, monkeypatch):
    problems = [{"key": "sub-03", "stage": "fit", "fit": "all", "reason": "x"}]
    context = {"problems": problems, "cautions": [], "flow": [], "n_units": 6}
    monkeypatch.setattr(exclusions, "aggregate", lambda _: Section("errors", "E", "errors.html.j2", context))
    assert "sub-03" not in shared_page.page(cohort, [exclusions])


def test_small_numbers_are_hidden_also_from_subtraction():
    assert without_small_shares("<td>fewer than 5 of 7</td>", 5) == "<td>fewer than 5 of 7</td>"
    rows = pd.DataFrame({"n_people": [9, 10], "low": [0.1, 0.2], "high": [0.3, 0.4]})
    assert hide_intervals(rows, 5)["low"].isna().tolist() == [True, False]
    assert hide_intervals(rows, 0)["high"].tolist() == [0.3, 0.4]
    assert [few(count, 5) for count in (0, 1, 4, 5)] == ["0", "fewer than 5", "fewer than 5", "5"]
    sizes = {"a": 6, "b": 5, "c": 3}
    groups = pd.Series([name for name, size in sizes.items() for _ in range(size)])
    assert told_groups(groups, 5) == []  # a and b, taken from everybody, would tell of c
    assert told_groups(pd.concat([groups, pd.Series(["d"] * 2)]), 5) == ["a", "b"]
    assert told_groups(groups[groups != "c"], 5) == ["a", "b"]


def test_shares_of_few_people_are_hidden():
    page = "<td>2 of 7</td> better in 6 of 7 people, 7 of 7 people, 0 of 7 people, 6 of 12 people"
    page += "<td>1 of 6 (17 %)</td>, <td>6 of 12 (50 %)</td>"
    hidden = "<td>some of 7</td> better in some of 7 people, 7 of 7 people, 0 of 7 people, 6 of 12 people"
    hidden += "<td>some of 6</td>, <td>6 of 12 (50 %)</td>"
    assert without_small_shares(f"{page}, 3 of 66 regions", 5) == f"{hidden}, 3 of 66 regions"


@pytest.mark.slow
def test_means_over_few_of_many_are_not_told(cohort):
    """Four of six people have a held-out scan, and two have no lengths of tracts."""
    evaluation, baselines = cohort.tables["evaluation"], cohort.tables["baselines"]
    without = evaluation["participant_id"].isin(["01", "02"]) & (evaluation["split"] == "test")
    cohort.tables["evaluation"] = evaluation[~without]
    lacking = baselines["participant_id"].isin(["01", "02"]) & (baselines["measure"] == "distance_fc")
    cohort.tables["baselines"] = baselines.assign(
        value=baselines["value"].mask(lacking), note=np.where(lacking, "no lengths", None)
    )
    own, shared = scores.section(cohort).context, scores.aggregate(cohort).context
    everybody, told = (
        next(row for row in context["summary"] if row["label"] == "homogeneous") for context in (own, shared)
    )
    assert everybody["test_fc_corr"] != "–" and told["test_fc_corr"] == told["gap"] == "–"
    assert told["train_fc_corr"] == everybody["train_fc_corr"]
    assert any("2 people: no lengths" in text for text in own["lacking"])
    assert not any("no lengths" in text for text in shared["lacking"])


def test_the_methods_count_no_few_people(cohort):
    cohort.tables["evaluation"] = cohort.tables["evaluation"].query("participant_id in ['01', '02']")
    assert "fitted to 2 people" in data.sentences(cohort)[0][0]
    assert "fitted to few people" in data.sentences(cohort, 5)[0][0]


def test_seeds_tell_no_checksum_of_a_session():
    first, second = (of_session(1000, name) for name in ("2019-03-04", "2"))
    added = str(of_session(0, "2019-03-04"))[:-6]
    page = f"<b>{first}-{first + 3}, {second}-{second + 3}</b><b>{of_session(0, '2')}</b>"
    other = f"<i>0.{added}000007, 7, 7</i>"
    shown = without_session_seeds(page + other, [None, "2019-03-04", "2"])
    assert shown == f"<b>1000-1003</b><b>0</b>{other}"
