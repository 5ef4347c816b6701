"""Noise seeds of sessions: no two sessions of a person share noise, whoever else is there."""

from copy import deepcopy

import numpy as np
import pytest
from prepared import SETTINGS, PreparedCohort

from cubnm_core.measures.objective import Target
from workflow_scripts.cohort import noise_seeds
from workflow_scripts.cohort.units import Unit
from workflow_scripts.files import result_tables
from workflow_scripts.fitting import evaluate, fit
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.people import Person
from workflow_scripts.fitting.simulators import CohortSimulator

NODES = [{"label": f"n{k}", "hemisphere": "LR"[k // 4]} for k in range(8)]


def person(session):
    """Somebody with a small connectome."""
    weights = np.triu(np.random.default_rng(1).lognormal(size=(8, 8)), 1) * 0.1
    return Person(
        Unit("01", session), weights + weights.T, {"train": Target(fc=np.linspace(0.0, 1.0, 28))}, 1.0
    )


@pytest.mark.parametrize("session", ["", None, "n/a"])
def test_without_a_session_a_seed_is_used_as_it_stands(session):
    assert noise_seeds.of_session(1007, session) == 1007


def test_seeds_of_sessions_are_their_own_and_exact_in_every_table():
    names = [f"{word}{number}" for word in ("", "0", "baseline", "y") for number in range(250)]
    offsets = {noise_seeds.offset(name) for name in names}
    assert len(offsets) == len(names) and min(offsets) >= noise_seeds.STRIDE
    assert max(offsets) + noise_seeds.STRIDE < 2**53  # as a floating-point number, too
    assert noise_seeds.of_session(1007, "a") == noise_seeds.of_session(1000, "a") + 7
    assert noise_seeds.of_session(5, "a") == 3904355908000005  # for good: histories depend on it


def test_search_and_retest_of_a_session_have_seeds_of_their_own():
    settings = deepcopy(SETTINGS)
    settings |= {"noise_seed": 3, "retest": {"candidates": 2, "seeds": 4, "first_seed": 500}}
    settings["optimizer"] |= {"initial": {}, "restarts": 1}
    people = {session: person(session) for session in ("", "a", "b")}
    problems, histories = make_problems(people, CohortSimulator(settings, NODES, 2))
    searched = [set(problem.noise_seeds) for problem in problems.values()]
    retested = [set(problem.retest.noise_seeds) for problem in problems.values()]
    assert searched[0] == {3} and retested[0] == {500, 501, 502, 503}
    assert not set.intersection(*searched) and len(set.union(*searched, *retested)) == 3 * 5
    assert len({history.fingerprint for history in histories.values()}) == 6


@pytest.mark.slow
def test_the_warm_up_of_a_session_has_noise_of_its_own():
    settings = deepcopy(SETTINGS) | {"fic": {"method": "plasticity", "target": 3.0, "warm_up": 2.0}}
    simulator, one = CohortSimulator(settings, NODES, 2), person("").candidate({"G": 1.0}, (0,))
    tuned = [simulator.tune([one], 1.0, session)[0] for session in ("", "a", "b", "a")]
    weights = [candidate.params["wIE"] for candidate in tuned]
    np.testing.assert_array_equal(weights[1], weights[3])
    assert len({values.tobytes() for values in weights}) == 3


@pytest.mark.slow
def test_scores_of_a_session_rest_on_seeds_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path, people=("01", "02"))
    cohort.settings["optimizer"] |= {"restarts": 1, "generations": 1}
    cohort.units[1]["session_id"] = "a"
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", first_seed=1000, seeds=2))
    rows = result_tables.read_texts(cohort.sm("evaluate").output.evaluation)
    first = noise_seeds.of_session(1000, "a")
    assert dict(zip(rows["session_id"], rows["seeds"], strict=True)) == {
        "n/a": "1000-1001",
        "a": f"{first}-{first + 1}",
    }
    fits = result_tables.read_texts(cohort.sm("fit").output.fits)
    assert list(fits["noise_seed"]) == ["0", str(noise_seeds.of_session(0, "a"))]
