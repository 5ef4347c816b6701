"""The section on observables: values, distances and agreement of scans; only where they were asked for."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import report_cohort
import report_identifiability
from planted import SECRETS, PlantedCohort
from report_cohort import MadeCohort

from cubnm_core.evidence.observables import scan_agreement
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from workflow_scripts.evidence import observables as rule
from workflow_scripts.files import job
from workflow_scripts.report import report

LEVELS = {"metastability": 0.15, "timescales": 6.0, "power_spectrum": 0.04}
TITLE = "Observables beyond FC and FCD"


@pytest.fixture(autouse=True)
def without_pictures_of_people(monkeypatch):
    """Pages of people have figures of their own, which the section is not about and which take most time."""
    monkeypatch.setattr(report_cohort.person_figures, "main", report_identifiability.undrawn)


def value_rows(made, noise):
    """Scans of people who differ, twice, and simulations that are too metastable."""
    rng, rows, pairs = np.random.default_rng(0), [], {name: [] for name in LEVELS}
    for _, entry in made.well():
        for name, level in LEVELS.items():
            true = level * (1 + 0.2 * rng.standard_normal())
            scans = true * (1 + noise * rng.standard_normal(2))
            common = {**made.keys(entry), "observable": name, "unit": OBSERVABLES[name].unit}
            for split, value in zip(("train", "test"), scans, strict=True):
                distance = abs(scans[0] - scans[1]) if split == "test" else None
                rows.append(
                    {**common, "source": "scan", "split": split, "value": value, "distance": distance}
                )
                simulated = {**common, "fit": made.fits[0], "source": "simulation", "split": split}
                rows.append(
                    {**simulated, "value": 1.2 * true, "distance": abs(1.2 * true - value), "sd": 0.01}
                )
            pairs[name].append(scans)
    return rows, pairs


def pages(made, noise=0.02):
    """The page of the cohort, and the one to share."""
    sm = made.write()
    rows, pairs = value_rows(made, noise)
    for name, table, columns in (
        ("observables", rows, rule.COLUMNS),
        (
            "observable_agreement",
            [
                {
                    "observable": name,
                    **asdict(scan_agreement(name, both, np.array(both)[:, :1], np.array(both)[:, 1:])),
                }
                for name, both in pairs.items()
            ],
            rule.AGREEMENT,
        ),
    ):
        path = str(made.folder / f"results/cohort/{name}.tsv")
        job.write_tsv(path, table, columns=columns)
        setattr(sm.input, name, [path])
    report.main(sm)
    found = [
        Path(path).read_text(encoding="utf-8")
        for path in (sm.output.page, sm.output.shared, sm.output.methods)
    ]
    assert all("could not be" not in page for page in found)
    return found


def part(page):
    return page.partition('<section id="observables">')[2].partition("</section>")[0]


@pytest.mark.slow
def test_few_people_are_shown_and_nothing_is_called_reliable(tmp_path):
    page, shared, text = pages(MadeCohort(tmp_path, people=6, nodes=8, generations=4, truth=False))
    section = part(page)
    assert "6 people with two scans: below 20, no observable is called reliable." in section
    assert section.count("too few people") == len(LEVELS)
    assert "Metastability" in section and "mean over regions" in section and "6.0" in section
    assert "<figure" in section and "metastability" not in part(shared).partition("<figure")[2]
    assert "below 20" in part(shared) and "<figure" not in part(shared)
    assert "Metastability (doi:10.1038/s41598-017-03073-5)" in text


@pytest.mark.slow
def test_from_twenty_people_on_what_agrees_is_called_reliable(tmp_path):
    made = MadeCohort(tmp_path, people=22, nodes=8, generations=2, restarts=1, truth=False)
    section = part(pages(made)[0])
    listed = "Metastability, Power spectrum, Intrinsic time scales"
    assert f"(the interval of the ICC lies above 0.4): {listed}." in section


@pytest.mark.slow
def test_the_page_to_share_names_nobody(tmp_path):
    _, shared, _ = pages(PlantedCohort(tmp_path))
    assert part(shared) and not [word for word in SECRETS if word in shared]


@pytest.mark.slow
def test_a_report_without_observables_has_no_such_section(tmp_path):
    page = MadeCohort(tmp_path, people=2, nodes=8, generations=2, restarts=1, truth=False).page()
    assert TITLE not in page
