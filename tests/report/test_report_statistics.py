"""The section on statistics: what it says of models, of people left out, and what it keeps to itself."""

import re
from types import SimpleNamespace
from typing import ClassVar

import pandas as pd
import pytest
from statistics_cohort import SETTINGS, MadeStatistics

from workflow_scripts.report.methods import evidence
from workflow_scripts.report.page import render
from workflow_scripts.report.sections import primary
from workflow_scripts.report.sections import statistics as section


class Told:
    """As much of a cohort as the section reads."""

    fits = ("one",)
    smallest_group = 5
    fit_settings: ClassVar = {"one": SETTINGS}

    def __init__(self, tables, groups=("control", "patient"), decided=None, record=()):
        names = ("statistics", "statistics_models", "map_association")
        self.tables = dict(zip(names, tables, strict=True))
        columns = ["fit", "parameter", "verdict", "truth", "estimate"]
        self.tables |= dict.fromkeys(("identifiability", "recovery"), pd.DataFrame(columns=columns))
        self.groups = pd.Series(groups)
        self.config = {"statistics": {"alpha": 0.05, "primary": decided}}
        self.provenance = {"primary": list(record)}

    def table(self, name):
        return self.tables[name]

    def of_fit(self, name, fit):
        return self.tables[name][self.tables[name]["fit"] == fit]


def text(made_section):
    """Words of a section on a page, without pictures and marks."""
    page = SimpleNamespace(
        fits=(), all_fits=(), units=(), fit_settings={}, people=pd.Series(dtype=object), smallest_group=5
    )
    whole = render(page, [made_section])
    body = whole[whole.index(f'id="{made_section.name}"') :]
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


@pytest.mark.slow
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
    assert first["p_judged"]["sort"] < 0.05 and first["p_permutation"]["text"].startswith((".0", "< "))
    assert first["checked_effect"]["text"].count(",") == 1
    regions = section.section(made[1]).context["models"][0]["regions"]
    order = [row["p_permutation"]["sort"] for row in regions]
    assert order == sorted(order) and len(regions) == section.SHOWN_REGIONS


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


PRIMARY = {"fit": "one", "contrast": "group", "quantity": "G"}


def entry(day, late, variable="G"):
    """An entry of the record of primary analyses; withdrawn without a variable."""
    found = {"fit": "one", "model": "level", "term": "group", "contrast": None, "quantity": "parameter"}
    decided = {**found, "variable": variable} if variable else None
    shown = {"recorded": f"2026-01-{day:02d}T10:00:00+00:00", "after_results": late}
    return {**shown, "sha256": "0123456789abcdef" * 4, "primary": decided, "model": None}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Tables of a cohort whose primary response is a parameter."""
    made = MadeStatistics(tmp_path_factory.mktemp("primary"))
    return made.run({"level": {"formula": "group"}}, primary=dict(PRIMARY))


def decided(tables, record):
    """A cohort with a primary analysis and its record."""
    return Told(tables, decided=PRIMARY, record=record)


def test_the_primary_analysis_stands_apart_with_its_date(tables):
    told = decided(tables, [entry(2, late=False)])
    said = text(primary.section(told))
    assert "Stated on 2026-01-02 before any fit: G of fit one, contrast group, model level" in said
    assert "SHA-256 0123456789ab" in said and "exploratory. " not in said.split("All other tests")[0]
    result = (
        r"All participants: G, group \(patient − control\): g \d\.\d+ \[.*\], permutation p \.\d+, below "
    )
    assert re.search(result, said) and "in 40 people" in said
    assert "All other tests (51) are exploratory" in said  # w_p, two scores, two states of 24 nodes
    other = text(section.section(told))
    assert "Except for the primary analysis, all tests are exploratory" in other
    assert "0 of 1 parameters" not in other and "of 1 parameters" in other  # w_p alone
    assert "(primary)" in other and "with the primary analysis" in other
    methods = " ".join(sentence for sentence, _ in evidence._statistics(told, 0))
    assert "Primary analysis: Stated on 2026-01-02 before any fit" in methods


def test_changes_after_results_are_told(tables):
    record = [entry(2, False, "w_p"), entry(5, True, "fc_corr"), entry(9, True)]
    said = text(primary.section(decided(tables, record)))
    assert "Changed on 2026-01-05 after results: fc_corr of fit one" in said
    assert (
        "Changed on 2026-01-09 after results: G of fit one, contrast group, model level; it was fc_corr"
        in said
    )
    assert "chosen when results were known is exploratory" in said
    kept = primary.history(Told([None] * 3, record=[entry(2, False), entry(3, True)]))
    assert kept[1]["text"].startswith("Its statistical model was changed on 2026-01-03 after results")
    kept = primary.history(Told([None] * 3, record=[entry(2, False), entry(3, True, None)]))
    assert "Withdrawn on 2026-01-03 after results; it was G of fit one" in kept[1]["text"]


def test_a_primary_state_is_told_by_its_familywise_error(tmp_path):
    stated = {**PRIMARY, "quantity": "S_E"}
    made = MadeStatistics(tmp_path).run({"level": {"formula": "group"}}, primary=dict(stated))
    said = text(primary.section(Told(made, decided=stated, record=[entry(2, False)])))
    assert re.search(r"S_E, group \(patient − control\): \d+ of 24 nodes with familywise p below 0\.05", said)
    assert "node_23" in said


def test_without_a_primary_analysis_all_is_exploratory(made):
    assert not primary.is_told(made[1])
    assert "No primary analysis was stated beforehand" in text(section.section(made[1]))


def test_a_primary_analysis_without_result_says_why(tmp_path):
    made = MadeStatistics(tmp_path, n=8)
    tables = made.run({"level": {"formula": "group + age + sex + mean_fd + site"}}, primary=dict(PRIMARY))
    said = text(primary.section(Told(tables, decided=PRIMARY)))
    assert "It has no result: 8 people are too few for 7 coefficients" in said


def test_the_shared_page_keeps_the_primary_result_of_small_groups(tables, monkeypatch):
    told = decided(tables, [entry(2, False)])
    assert "in 40 people" in text(primary.aggregate(told))
    monkeypatch.setattr(told, "smallest_group", 25)
    assert "withheld because a group is too small" in text(primary.aggregate(told))


@pytest.mark.slow
def test_changes_and_slopes_are_told(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2", "3"))
    models = {
        "change": {"formula": "group", "response": "change", "sessions": ["1", "3"]},
        "slope": {"formula": "group", "response": "slope", "sessions": ["1", "2", "3"]},
    }
    told = Told(made.run(models))
    said = text(section.section(told))
    assert "The change of each response from session 1 to session 3 is modelled by group" in said
    assert "The slope of each response over sessions 1, 2, 3, fitted to every person on its own" in said
    methods = " ".join(sentence for sentence, _ in evidence._statistics(told, 0))
    assert "related changes between sessions (1, 3) of fitted parameters" in methods


@pytest.mark.slow
def test_combat_is_a_further_sample_of_states(tmp_path):
    pytest.importorskip("neuroCombat", reason="neuroCombat is not installed")
    made = MadeStatistics(tmp_path)
    made.people["site"] = ["a", "a", "b", "b"] * 10
    told = Told(made.run({"level": {"formula": "group + site", "combat": "site"}}))
    rows = told.tables["statistics"]
    harmonised = rows[rows["sample"] == "combat"]
    assert set(harmonised["quantity"]) == {"state"} and harmonised["p"].isna().all()
    assert (harmonised["method"] == "combat").all() and harmonised["low"].isna().all()
    strong = harmonised[(harmonised["variable"] == "S_E") & (harmonised["label"] == "node_23")].iloc[0]
    assert strong["p_permutation_fwe"] < 0.05 and strong["effect_size"] > 0.5
    said = text(section.section(told))
    assert "harmonised anew in each of 999 permutations within sites" in said
    assert "people of a site that is not among them cannot be harmonised" in said
    methods = [sentence for sentence in evidence._statistics(told, 0) if "ComBat" in sentence[0]]
    assert methods[0][1] == ["johnson2007", "fortin2018"]
    assert "cannot be harmonised" not in text(section.aggregate(told))


@pytest.mark.slow
def test_sites_that_became_too_small_or_hold_one_group_are_refused_in_the_report(tmp_path):
    pytest.importorskip("neuroCombat", reason="neuroCombat is not installed")
    made = MadeStatistics(tmp_path)
    made.people["site"] = ["a", "b"] * 20
    model = {"formula": "group", "combat": "site"}
    said = text(section.section(Told(made.run({"level": model}))))
    assert "No analysis of harmonised states: group is confounded with site" in said
    made.people["site"] = ["a", "a", "b", "b"] * 10
    made.fits.loc[:25, "status"] = "failed"
    said = text(section.section(Told(made.run({"level": model}))))
    assert "No analysis of harmonised states: ComBat needs 10 people of every site" in said
