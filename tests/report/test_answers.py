"""The first screen: a verdict a question, none of which another section contradicts."""

from types import SimpleNamespace

import pandas as pd
import pytest

from workflow_scripts.report.sections import answers, statistics

COMPARED = {
    "measure": "fc_corr",
    "split": "test",
    "difference": 0.1,
    "low": 0.05,
    "high": 0.15,
    "n_people": 8,
}
TESTED = {
    "quantity": "parameter", "role": "exploratory", "sample": "all", "term": "group", "contrast": "a − b",
    "label": None, "split": None,
    "effect": "hedges_g", "effect_size": 1.0, "effect_low": 0.5, "effect_high": 1.5,
    "p_permutation_smallest": 1e-4, "n_corrected": 2, "p_permutation_fwe": 0.01, "model": "groups",
}  # fmt: skip


def cohort(**tables):
    """A cohort of one fit with these tables, lists of rows."""
    frames = {name: pd.DataFrame(rows).assign(fit="one") for name, rows in tables.items()}
    empty = pd.DataFrame(
        columns=["parameter", "truth", "estimate", "verdict", "quantity", "icc", "measure", "other"]
    )
    return SimpleNamespace(
        fits=["one"], config={}, holdout="run", of_fit=lambda name, fit: frames.get(name, empty)
    )


def difference(name, p):
    return {**TESTED, "variable": name, "p_permutation_fdr": p, "p_fdr": p}


@pytest.mark.parametrize(
    ("verdict", "mark"), [("better", "good"), ("worse", "bad"), ("not distinguishable", "open")]
)
def test_a_fit_is_held_against_a_baseline(verdict, mark):
    made = cohort(fit_comparison=[{**COMPARED, "other": "sc_fc", "verdict": verdict}])
    found = answers._against(made, "one", "sc_fc")
    assert (found["mark"], found["text"]) == (mark, verdict)
    assert found["detail"] == "FC r +0.10 [+0.05, +0.15]"
    assert answers._against(made, "one", "group_mean_fc")["text"] == "–"


def test_too_few_people_have_no_verdict():
    made = cohort(fit_comparison=[{**COMPARED, "other": "sc_fc", "verdict": "too few people"}])
    assert answers._against(made, "one", "sc_fc")["text"] == "too few people for a verdict"


def test_what_is_personal_is_told_of_held_out_scans():
    rows = [
        {
            **COMPARED,
            "contrast": "connectome_others",
            "split": split,
            "inhibition": inhibition,
            "verdict": verdict,
        }
        for split, inhibition, verdict in (
            ("train", "tuned", "better"),
            ("test", "fitted", "better"),
            ("test", "tuned", "worse"),
        )
    ]
    assert answers._personal(cohort(contrasts=rows), "one")["text"] == "worse"


def identified(**verdicts):
    return [{"parameter": name, "verdict": verdict} for name, verdict in verdicts.items()]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({"G": "repeatable"}, ("good", "G", "")),
        ({"G": "repeatable", "w_p": "lost"}, ("open", "G", "not: w_p")),
        ({"G": "flat"}, ("bad", "none", "not: G")),
        ({"G": "unknown", "w_p": "weak"}, ("open", "none", "G (unknown); w_p (weakly identifiable)")),
    ],
)
def test_only_what_is_repeatable_is_called_identifiable(verdicts, expected):
    found = answers._identifiable(cohort(identifiability=identified(**verdicts)), "one")
    assert (found["mark"], found["text"], found["detail"]) == expected


def test_a_difference_in_what_is_not_identifiable_is_no_finding():
    rows = [difference("G", 0.01), difference("w_p", 0.02)]
    made = cohort(statistics=rows, identifiability=identified(G="repeatable", w_p="lost"))
    found = answers._groups(made, "one")
    assert (found["mark"], found["text"]) == ("good", "G") and "no finding: w_p" in found["detail"]
    made = cohort(statistics=rows[1:], identifiability=identified(w_p="lost"))
    assert answers._groups(made, "one")["mark"] == "open"
    (told,) = statistics._verdicts(pd.DataFrame(rows[1:]), 0.05, ["w_p"])
    assert not told["found"] and "Not identifiable, so no finding: w_p." in told["text"]
    (told,) = statistics._verdicts(pd.DataFrame(rows), 0.05, ["w_p"])
    assert told["found"]


def test_nothing_found_is_said_with_the_number_of_tests():
    made = cohort(statistics=[difference("G", 0.5), difference("w_p", 0.9)])
    assert answers._groups(made, "one")["text"] == "no test of 2 parameters below 0.05"


def test_sessions_agree_only_where_every_interval_lies_above_zero():
    rows = [
        {"quantity": "parameter", "icc_type": kind, "variable": name, "icc": 0.6, "low": low, "high": 0.9}
        for kind in ("ICC(2,1)", "ICC(2,k)")
        for name, low in (("G", 0.2), ("w_p", -0.1))
    ]
    found = answers._reliable(cohort(reliability=rows), "one")
    assert found["mark"] == "open" and found["detail"].count("[") == 2
    assert answers._reliable(cohort(reliability=rows[:1]), "one")["mark"] == "good"


def test_tests_without_a_p_have_no_effect_to_show():
    rows = [{**difference("G", None), "p_fdr": None}]
    made = cohort(statistics=pd.DataFrame(rows).astype({"p_permutation_fdr": float, "p_fdr": float}))
    found = answers._groups(made, "one")
    assert (found["mark"], found["detail"]) == ("open", "")
