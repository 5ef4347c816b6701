"""Several sessions of a person: whose connectome the scans of a session get."""

import numpy as np
import pytest
from cohorts import LABELS, labelled, symmetric

from cubnm_core.errors import InputError
from workflow_scripts.cohort import sessions, tables
from workflow_scripts.cohort.sessions import SessionRule, session_times
from workflow_scripts.preparation.prepare_connectome import prepare_person


def longitudinal(cohort, connectomes, scans, participants):
    """Turn person 01 into one with sessions; nobody else stays."""
    sc, bold = cohort.row("01", "sc"), cohort.row("01", "bold", "1")
    cohort.manifest = [{**sc, "session_id": session} for session in connectomes]
    cohort.manifest += [{**bold, "session_id": session, "role": "both"} for session in scans]
    cohort.participants = [{"participant_id": "01", **row} for row in participants]
    cohort.config["holdout"] = "split_half"
    return cohort


def chosen(cohort, name):
    """Sessions whose connectomes every unit gets."""
    cohort.config["connectome"] = {"session": name}
    config = {**cohort.config, "participants": str(cohort.folder / "participants.tsv")}
    rows = cohort.read()
    units = tables.units(rows, "individual", tables.session_rule({**config, "synthetic": None}))
    return {unit["session_id"]: [row["session_id"] for row in unit["connectome"]] for unit in units.values()}


DATED = [
    {"session_id": "late", "acq_time": "2021-05-01T10:30:00"},
    {"session_id": "early", "acq_time": "2020-01-01"},
    {"session_id": "middle", "acq_time": "2020-02-01"},
]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("same", {"early": ["early"], "middle": [], "late": ["late"]}),
        ("nearest", {"early": ["early"], "middle": ["early"], "late": ["late"]}),
        ("first", {"early": ["early"], "middle": ["early"], "late": ["early"]}),
        ("mean", {session: ["late", "early"] for session in ("early", "middle", "late")}),
    ],
)
def test_the_connectome_of_a_session(tiny_cohort, rule, expected):
    cohort = longitudinal(tiny_cohort, ("late", "early"), ("early", "middle", "late"), DATED)
    assert chosen(cohort, rule) == expected


def test_without_dates_the_order_of_the_rows_counts_and_the_earlier_of_two_as_near(tiny_cohort):
    rows = [{"session_id": session} for session in ("b", "a", "c")]
    cohort = longitudinal(tiny_cohort, ("b", "c"), ("a", "b", "c"), rows)
    assert chosen(cohort, "nearest") == {"a": ["b"], "b": ["b"], "c": ["c"]}
    assert chosen(cohort, "first")["c"] == ["b"]


def test_a_connectome_without_session_serves_all_whatever_the_rule(tiny_cohort):
    for rule in ("same", "nearest", "first", "mean"):
        cohort = longitudinal(tiny_cohort, ("",), ("a", "b"), [{"session_id": s} for s in "ab"])
        assert chosen(cohort, rule) == {"a": [None], "b": [None]}


@pytest.mark.parametrize("rule", sessions.ORDERED)
def test_sessions_of_unknown_time_are_named(tiny_cohort, rule):
    cohort = longitudinal(tiny_cohort, ("a", "b"), ("b", "c"), [{"session_id": "b"}, {"session_id": "c"}])
    with pytest.raises(InputError, match=rf"session is {rule}, but .*: sub-01 a; add one row per session"):
        chosen(cohort, rule)


def test_the_mean_is_that_of_the_weights_in_the_files(tiny_cohort):
    matrices = [symmetric(seed) for seed in (1, 2)]
    cohort = longitudinal(tiny_cohort, ("a", "b"), ("a",), [{"session_id": s} for s in "ab"])
    for row, matrix in zip(cohort.manifest, matrices, strict=False):
        row["path"] = f"ses-{row['session_id']}_sc.tsv"
        (cohort.folder / row["path"]).write_text(labelled(matrix), encoding="utf-8")
    units = tables.units(cohort.read(), "individual", SessionRule("mean"))
    options = {"source": "individual", "asymmetric": "refuse", "largest_missing": 0.0, "isolated": "keep"}
    ids = {"unit": "sub-01_ses-a"}
    arrays, record = prepare_person(ids, units["sub-01_ses-a"]["connectome"], LABELS, options)
    np.testing.assert_allclose(arrays["weights"], (matrices[0] + matrices[1]) / 2)
    assert [source["session_id"] for source in record["sources"]] == ["a", "b"]


def test_one_day_counts_less_than_one_row():
    rows = [
        {"participant_id": "1", "session_id": session, "acq_time": date}
        for session, date in (("a", "2020-01-01"), ("b", "2020-06-01"), ("c", "2020-06-02"))
    ]
    rule = SessionRule("nearest", session_times(rows))
    own = {session: [{"kind": "sc", "session_id": session}] for session in ("a", "c")}
    assert rule.choose("1", "b", own) == own["c"]
    rows[1]["acq_time"] = None
    rule = SessionRule("nearest", session_times(rows))
    assert rule.choose("1", "b", own) == own["a"]
