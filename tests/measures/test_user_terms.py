"""Terms of the user's own get what their arguments are called, and simulations record no more than that."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from devices_under_test import Backend, batch

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.measures import connectivity
from cubnm_core.measures.objective import Objective, Target
from cubnm_core.measures.user_terms import POSITIONAL, UserTerm, recorded_arrays
from cubnm_core.simulation import assembly
from workflow_scripts.configuration import objectives

SETTINGS = {
    "duration": 40.0, "burn_in": 5.0, "repetition_time": 1.0, "dt": 1e-3, "window": 10.0, "window_step": 2.0,
    "hemodynamics": "cubnm-1.5T", "backend": "cpu", "seed": 3,
}  # fmt: skip
RECORD = ("fc", "fcd", "state_means", "bold", "states")


def by_name(simulated_bold, target_fc, repetition_time):
    return simulated_bold[0, 0]


def with_default(simulated_fc, power=2):
    return (simulated_fc**power).mean()


def keyword_only(*, states):
    return len(states)


def in_order(fc, fcd, target_fc, target_fcd, means):
    return fc[0]


FUNCTIONS = {
    by_name: ("simulated_bold", "target_fc", "repetition_time"),
    with_default: ("simulated_fc",),
    keyword_only: ("states",),
    in_order: POSITIONAL,
    (lambda *_: 0.0): POSITIONAL,
    (lambda simulated_fcd: 0.0): ("simulated_fcd",),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_term_asks_by_the_names_of_its_arguments(function):
    assert UserTerm(function).asks == FUNCTIONS[function]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda simulated_blod: 0, "argument simulated_blod, which cannot be given"),
        (lambda simulated_bold, one, two, three, four: 0, "argument one"),
        (lambda one, two: 0, "argument one"),
        (lambda: 0, "no arguments"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(function, words):
    with pytest.raises(InputError, match=rf"{words}.*simulated_fc, .*target_bold, repetition_time, states"):
        assert UserTerm(function).asks


TEXTS = {
    "def term(simulated_bold, target_bold):\n    return 0": ("simulated_bold", "target_bold"),
    "def term(a, b, c, d, e):\n    return 0": POSITIONAL,
    "def term(*given):\n    return 0": POSITIONAL,
    "def term(states, order=2):\n    return 0": ("states",),
    "def term(simulated_fc, *, target_bold, order=2):\n    return 0": ("simulated_fc", "target_bold"),
    "import numpy\nterm = lambda *_: 0.0": POSITIONAL,
    "def term(a, b, c, d, e):\n    return 0\ndef term(target_bold):\n    return 1": ("target_bold",),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_file_says_what_its_term_asks_for_without_being_run(text, tmp_path):
    path = tmp_path / "term.py"
    path.write_text("raise_if_run = 1 / 1\n" + text, encoding="utf-8")
    assert objectives.asked_arguments(path) == TEXTS[text]
    assert UserTerm(objectives.load_function(path)).asks == TEXTS[text]  # and so does the function


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def term(simulated_blod):\n    return 0", "argument simulated_blod"),
        ("def term(:", "is no Python"),
        ("def term():\n    return 0", "no arguments"),
    ],
)
def test_a_file_that_asks_for_what_there_is_not_is_named(text, words, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"mine\.py: .*{words}"):
        objectives.asked_arguments(path)


def test_scans_are_kept_only_where_a_term_asks_for_them(tmp_path):
    fits = []
    for name, text in (("one", "simulated_fc"), ("two", "simulated_bold, target_bold")):
        (tmp_path / f"{name}.py").write_text(f"def term({text}):\n    return 0\n", encoding="utf-8")
        fits.append({"terms": {name: {"file": str(tmp_path / f"{name}.py")}}})
    assert not objectives.wants_scans(fits[:1]) and objectives.wants_scans(fits)


@pytest.mark.slow
@pytest.mark.parametrize("band", [None, (0.02, 0.2)])
def test_a_term_gets_the_bold_that_fc_is_computed_from_and_states_without_the_burn_in(band):
    weights = np.random.default_rng(0).random((6, 6)) * (1 - np.eye(6)) * 0.02
    run = simulate("rWW", weights, {"G": np.array([0.5, 1.0])}, record=RECORD, band_pass=band, **SETTINGS)
    found = []

    def watch(simulated_bold, simulated_fc, repetition_time, states, state_means, target_bold):
        found.append((simulated_bold, simulated_fc, states, state_means))
        assert repetition_time == 1.0 and len(target_bold) == 2
        return float(simulated_bold.std())

    target = Target(np.linspace(0, 1, 15), bold=(np.zeros((9, 6)), np.zeros((7, 6))))
    scores = Objective({"mine": 1.0}, own={"mine": UserTerm(watch, worst=9.0)}).score(run, target)
    pairs = connectivity.pair_indices(6)
    for row, (bold, fc, states, means) in enumerate(found):
        assert bold.shape == (35, 6)
        np.testing.assert_allclose(connectivity.functional_connectivity(bold, pairs), fc, atol=1e-6)
        assert states["S_E"].shape == (3500, 6)
        np.testing.assert_allclose(states["S_E"].mean(axis=0), means["S_E"], rtol=1e-6)
        assert scores["mine"][row] == pytest.approx(bold.std())


def test_simulations_record_only_what_is_asked_for():
    assert recorded_arrays([UserTerm(in_order), UserTerm(with_default)]) == ()
    assert recorded_arrays([UserTerm(in_order), UserTerm(by_name)]) == ("bold",)
    assert recorded_arrays([UserTerm(keyword_only), UserTerm(by_name)]) == ("bold", "states")


@pytest.mark.slow
def test_bold_leaves_a_gpu_only_where_it_is_asked_for(device, monkeypatch):
    copied, to_host = [], type(device).to_host
    monkeypatch.setattr(assembly, "_backend", lambda name: Backend(device, "memory-4x1"))
    monkeypatch.setattr(
        type(device), "to_host", lambda self, array: copied.append(array.shape) or to_host(self, array)
    )
    arguments, keywords = batch("rWW")
    volumes = round(keywords["duration"] / keywords["repetition_time"])
    for own, expected in ((in_order, False), (by_name, True)):
        objective = Objective({"mine": 1.0}, own={"mine": UserTerm(own)})
        record = ("fc", "state_means", *objective.recorded_arrays)
        copied.clear()
        run = partial(simulate, *arguments, backend="cuda", **{**keywords, "record": record})()
        crossed = [shape for shape in copied if len(shape) == 3 and shape[1] == volumes]
        assert bool(crossed) == expected and (run.bold is not None) == expected
        target = Target(np.zeros(run.fc.shape[1]))
        assert np.isfinite(objective.score(run, target)["mine"]).all()


def test_a_run_of_others_needs_nothing_that_is_not_asked_for():
    term = UserTerm(lambda simulated_fc, state_means: simulated_fc.sum() + len(state_means))
    assert term(SimpleNamespace(state_means=None), 0, None, {"simulated_fc": np.ones(3)}) == 3
