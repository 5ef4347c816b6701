"""The section on statistics: what it says of models, of people left out, and what it keeps to itself."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from statistics_cohort import SETTINGS, MadeStatistics

from workflow_scripts.report.page import render
from workflow_scripts.report.sections import statistics as section


class Told:
    """As much of a cohort as the section reads."""

    fits = ("one",)
    smallest_group = 5

    def __init__(self, tables, groups=("control", "patient")):
        names = ("statistics", "statistics_models", "map_association")
        self.tables = dict(zip(names, tables, strict=True))
        self.groups = pd.Series(groups)
        self.config = {"statistics": {"alpha": 0.05}}

    def table(self, name):
        return self.tables[name]

    def of_fit(self, name, fit):
        return self.tables[name][self.tables[name]["fit"] == fit]


def text(made_section):
    """Words of a section on a page, without pictures and marks."""
    page = SimpleNamespace(
        fits=(), units=(), fit_settings={}, people=pd.Series(dtype=object), smallest_group=5
    )
    whole = render(page, [made_section])
    body = whole[whole.index('id="statistics"') :]
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r'src="[^"]*"', "", body)).split())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("statistics")
    cohort = MadeStatistics(folder)
    cohort.fits.loc[[0, 2], "at_bounds"] = "G: low"
    cohort.people.loc[7, "age"] = None
    model = {"formula": "group + age", "test": ["group", "age"]}
    return cohort, Told(cohort.run({"patients": model}))


def test_a_model_is_told_in_words_with_who_counts(made):
    said = text(section.section(made[1]))
    assert (
        "modelled by group + age using ordinary least squares, in 39 people; 480 random permutations" in said
    )
    assert "Excluded: 1 without age" in said
    assert "Sensitivity run: 37 people; excluded: 2 with a parameter at a bound; 1 without age" in said


def test_what_was_found_is_said_with_effect_and_interval(made):
    said = text(section.section(made[1]))
    assert re.search(
        r"group \(patient − control\): 1 of 2 parameters with p below 0.05 after correction \(FDR; 1 by "
        r"familywise p\): G g \d\.\d+ \[[01]\.",
        said,
    )
    assert re.search(
        r"age \(per unit of age\): none of 2 parameters with p below 0.05 after correction", said
    )


def test_what_the_resolution_forbids_is_said(tmp_path):
    """Two groups of four have 70 divisions: a single parameter of two cannot pass, 24 nodes only together."""
    made = MadeStatistics(tmp_path, n=8)
    said = text(section.section(Told(made.run({"level": {"formula": "group"}}, permutations=20_000))))
    assert "in 8 people; all 70 distinct permutations." in said
    forbidden = "resolution: the permutations allow no p below 0.029, so fewer than {} cannot pass"
    for some in ("2 of 2", "14 of 24"):
        assert forbidden.format(some) in said
    told = Told(made.run({"level": {"formula": "group"}}, permutations=20_000, alpha=0.02))
    told.config = {"statistics": {"alpha": 0.02}}
    assert "allow no p below 0.029, so nothing can be found" in text(section.section(told))


def test_rows_have_both_p_and_the_sensitivity_run_beside(made):
    rows = section.section(made[1]).context["models"][0]["rows"]
    first = next(row for row in rows if row["name"] == "G" and "patient" in row["contrast"])
    assert first["p"]["sort"] < 0.05 and first["p_permutation"]["text"].startswith((".0", "< "))
    assert first["checked_effect"]["text"].count(",") == 1
    regions = section.section(made[1]).context["models"][0]["regions"]
    order = [row["p_permutation"]["sort"] for row in regions]
    assert order == sorted(order) and len(regions) == 96


def test_maps_are_told_with_their_spins(made):
    said = text(section.section(made[1]))
    assert "proportion of 99 rotations" in said and "mean over people" in said


def test_the_shared_page_names_nobody_and_no_small_group(made, monkeypatch):
    cohort, told = made
    said = text(section.aggregate(told))
    assert "in 39 people" in said and "Excluded" not in said and "excluded: " not in said
    assert not any(unit["unit"] in said for unit in cohort.units)
    monkeypatch.setattr(told, "smallest_group", 25)
    shared = section.aggregate(told)
    assert "because a group is too small" in text(shared)
    assert shared.context["models"] == []
    assert {row["read_out"] for row in shared.context["maps"]["rows"]} == {"mean over people"}


def test_two_results_that_differ_by_few_people_are_not_told_together(made, monkeypatch):
    """The run without two people, taken from that with them, would tell of the two."""
    told = made[1]
    shown = section.section(told).context["models"][0]["rows"]
    assert all(row["checked_effect"]["sort"] is not None for row in shown)
    assert all(row["checked_effect"]["sort"] is None for row in _shared_rows(told))
    monkeypatch.setattr(told, "smallest_group", 2)
    assert all(row["checked_effect"]["sort"] is not None for row in _shared_rows(told))


def _shared_rows(told):
    return section.aggregate(told).context["models"][0]["rows"]


def test_without_groups_and_models_a_sentence_says_why(tmp_path):
    made = MadeStatistics(tmp_path, n=8)
    made.people["group"] = "control"
    made.nodes = made.nodes.drop(columns="slope")
    said = text(section.section(Told(made.run(), groups=("control",))))
    assert "defines no groups" in said and "there are none here" in said


def test_a_model_without_result_says_why(tmp_path):
    made = MadeStatistics(tmp_path, n=8)
    made.settings = {**SETTINGS}
    told = Told(made.run({"few": {"formula": "group + age + sex + mean_fd + site"}}))
    assert "8 people are too few for 7 coefficients" in text(section.section(told))
    assert section.aggregate(told).context["models"] == []
