"""How long people are simulated, and what of it is compared with their scans."""

from dataclasses import replace

import numpy as np
import pytest
from cohorts import read_tsv
from prepared import N_NODES, SETTINGS, PreparedCohort

from cubnm_core.errors import InputError
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.objective import Target
from cubnm_core.measures.pieces import lay_out
from workflow_scripts.cohort.units import Unit
from workflow_scripts.files import job
from workflow_scripts.fitting import durations, evaluate, fit
from workflow_scripts.fitting.durations import Runs
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.people import Person
from workflow_scripts.fitting.searching import shape_classes
from workflow_scripts.fitting.simulators import CohortSimulator

TERMS = (*FC_TERMS, "fcd_ks")
TARGETS = {"train": Target(np.zeros(3) + 0.1, np.array([0.1, 0.2])), "test": Target(np.zeros(3) + 0.2)}


def settings(duration, burn_in=30.0):
    simulation = {**SETTINGS["simulation"], "duration": duration, "burn_in": burn_in}
    return {**SETTINGS, "simulation": simulation}


def person(runs, repetition_time=0.72, name="01"):
    unit = Unit(name)
    return Person(unit, np.zeros((3, 3)), dict(TARGETS), repetition_time, runs=runs)


def settled(runs, duration="match", repetition_time=0.72):
    return person(runs, repetition_time).settled(settings(duration))


@pytest.mark.parametrize("burn_in", [30.0, 7.2, 0.0])
@pytest.mark.parametrize("repetition_time", [0.72, 0.1, 2.0, 3.0])
def test_a_matched_simulation_has_exactly_the_volumes_of_the_longer_split(burn_in, repetition_time):
    for volumes in (41, 600, 1199):
        runs = {"train": Runs([volumes]), "test": Runs([volumes // 2])}
        one = person(runs, repetition_time).settled(settings("match", burn_in))
        assert durations.simulated_volumes(one.duration, burn_in, repetition_time) == volumes
        assert one.targets["train"].layout is None  # all of it
        assert one.targets["test"].layout == lay_out([volumes // 2])


def test_every_split_is_compared_with_pieces_as_long_as_its_runs():
    one = settled({"train": Runs([300, 200]), "test": Runs([500])})
    assert one.targets["train"].layout == lay_out([300, 200])
    assert one.targets["test"].layout is None
    assert one.targets["test"] is TARGETS["test"]


def test_the_fit_does_not_see_how_long_the_held_out_runs_are():
    only = replace(person({"train": Runs([300])}), targets={"train": TARGETS["train"]})
    assert only.settled(settings("match")).duration == pytest.approx(30.0 + 300 * 0.72)


def test_a_stated_duration_of_complete_scans_asks_for_no_pieces():
    for runs in ({"train": Runs([300, 300])}, {"train": None}, {}):
        one = settled(runs, 264.0)
        assert one.duration == 264.0 and one.targets["train"] is TARGETS["train"]


def test_censored_volumes_are_left_out_of_simulations_of_any_duration():
    kept = np.arange(500) % 5 > 0
    matched = settled({"train": Runs([300, 200], kept), "test": Runs([400])})
    assert matched.targets["train"].layout == lay_out([300, 200], kept)
    stated = settled({"train": Runs([300, 200], kept), "test": Runs([400])}, 30.0 + 700 * 0.72)
    mask = np.concatenate([piece.mask for piece in stated.targets["train"].layout.pieces])
    assert len(stated.targets["train"].layout.pieces) == 1
    assert np.array_equal(mask, np.concatenate([kept, kept[:200]]))
    assert stated.targets["test"].layout is None


def test_runs_of_unknown_length_cannot_be_matched():
    for runs in ({}, {"train": None, "test": Runs([300])}):
        with pytest.raises(InputError, match=r"how long the scans are.*state a duration"):
            settled(runs)


def test_people_side_by_side_are_compared_with_simulations_that_hold_the_longest_of_them():
    kept = np.arange(300) % 10 > 0
    short = person({"train": Runs([300], kept), "test": Runs([200])})
    slow = person({"train": Runs([200]), "test": Runs([100])}, repetition_time=1.44, name="02")
    (mine, theirs), duration = durations.settle_together([short, slow], 0.72, settings("match"))
    assert duration == pytest.approx(30.0 + 400 * 0.72)
    assert mine["train"].layout == lay_out([300], kept) and mine["test"].layout == lay_out([200])
    assert theirs["train"].layout is None and theirs["test"].layout == lay_out([200])
    (mine, theirs), duration = durations.settle_together([short, slow], 0.72, settings(246.0))
    assert duration == 246.0 and theirs == slow.targets
    assert mine["test"].layout is None and mine["train"].layout == lay_out([300], kept)


def test_a_mask_follows_its_run_to_another_repetition_time():
    kept = np.repeat([True, False, True], 20)
    other = person({"train": Runs([60], kept), "test": Runs([60])}, repetition_time=1.0)
    one = person({"train": Runs([90]), "test": Runs([90])}, repetition_time=0.5)
    (_, theirs), _ = durations.settle_together([one, other], 0.5, settings("match"))
    assert theirs["train"].layout == lay_out([120], np.repeat([True, False, True], 40))


def test_whoever_is_compared_with_simulations_of_another_length_is_told_the_bias():
    stated, matched = (
        {**settings(duration), "analysis": {**SETTINGS["analysis"], "window": 60.0}}
        for duration in (894.0, "match")
    )
    people = [
        person({"train": Runs([600, 600])}, name="01"),
        person({"train": Runs([600])}, name="02"),
        person({"train": Runs([1200])}, name="03"),
        person({"train": None}, name="04"),
    ]
    (told,) = durations.warnings(people, stated)
    for words in ("2 people (sub-01, sub-02)", "runs of 432 s", "of 864 s", "about 0.12", "match"):
        assert words in told
    assert durations.warnings(people, matched) == []


def test_the_expected_bias_grows_with_the_share_of_windows_that_overlap():
    equal, half, quarter = (durations.expected_bias(run, 864.0, 60.0) for run in (864.0, 432.0, 216.0))
    assert equal == 0.0 < half < quarter < 0.5
    # benchmarks/results/duration_bias.md
    measured = {(432.0, 30.0): 0.057, (288.0, 30.0): 0.124, (216.0, 30.0): 0.186}
    measured |= {(432.0, 60.0): 0.123, (288.0, 60.0): 0.262, (216.0, 60.0): 0.419}
    for (run, window), bias in measured.items():
        assert durations.expected_bias(run, 864.0, window) == pytest.approx(bias, rel=0.1)
    assert durations.expected_bias(864.0, 432.0, 60.0) == half > durations.expected_bias(432.0, 864.0, 30.0)
    assert durations.expected_bias(50.0, 40.0, 60.0) == 0.0


NODES = [{"index": i, "label": f"n{i}", "hemisphere": "LR"[i // 4]} for i in range(N_NODES)]
WEIGHTS = np.ones((N_NODES, N_NODES)) - np.eye(N_NODES)


def fitted_person(name, lengths, stated):
    """A person of eight nodes with runs of so many volumes of 1 s."""
    target = {"train": Target(np.linspace(-0.2, 0.8, 28), np.linspace(0.0, 0.5, 50))}
    one = Person(Unit(name), WEIGHTS, target, 1.0, runs={"train": Runs(lengths)})
    return one.settled(stated)


def test_units_of_a_batch_may_differ_in_length():
    simulator = CohortSimulator(settings("match", 5.0), NODES, 1)
    lengths = {"01": [40], "02": [20, 20], "03": [30]}
    people = {name: fitted_person(name, runs, simulator.settings) for name, runs in lengths.items()}
    problems, _ = make_problems(people, simulator)
    classes = shape_classes(simulator, problems, people)
    assert [{key.name for key in members} for members, *_ in classes] == [{"01", "02"}, {"03"}]
    params = {"G": np.ones(2), "w_p": np.ones(2), "J_N": np.full(2, 0.15)}
    runs = [
        simulate(WEIGHTS[None], np.zeros(2, int), params, np.arange(2), None) for _, simulate, _ in classes
    ]
    assert [run.bold is not None for run in runs] == [True, False]
    problem = next(iter(classes[0][0].values()))
    _, simulate, _ = classes[0]
    index = np.zeros(2, int)
    compared = [
        simulate(WEIGHTS[None], index, params, np.arange(2), None, Comparison([target], index, TERMS))
        for target in (people["01"].targets["train"], people["02"].targets["train"])
    ]
    assert problem.objective.score(runs[0], people["02"].targets["train"])["fcd_ks"] == pytest.approx(
        compared[1].scores["fcd_ks"]
    )
    assert (compared[0].scores["fc_corr"] != compared[1].scores["fc_corr"]).all()


def test_a_matched_fit_goes_on_from_the_history_of_a_stated_one_that_is_as_long():
    matched, stated = (CohortSimulator(settings(duration, 5.0), NODES, 1) for duration in ("match", 45.0))

    def marks(simulator, *lengths):
        people = {"01": fitted_person("01", list(lengths), simulator.settings)}
        return [history.fingerprint for history in make_problems(people, simulator)[1].values()]

    assert marks(matched, 40) == marks(stated, 40) == marks(stated, 20, 20)
    assert set(marks(matched, 20, 20)).isdisjoint(marks(matched, 40))
    assert set(marks(matched, 20, 20)).isdisjoint(marks(matched, 25, 15))


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Three people: one run each; two runs; a run with censored volumes."""
    monkeypatch.chdir(tmp_path)
    made = PreparedCohort(tmp_path)
    made.settings["simulation"]["duration"] = "match"
    made.settings["analysis"]["band_pass"] = [0.02, 0.4]
    for unit, train, test in (("sub-01", [40], [40]), ("sub-02", [24, 20], [30]), ("sub-03", [50], [40])):
        for split, runs in (("train", train), ("test", test)):
            known = {"status": "ok", "reasons": [], "repetition_time": 1.0, "run_volumes": runs}
            made.state(unit, split, **known)
    arrays = job.read_npz(made.target("sub-03", "train"))
    censored = {name.partition("/")[2]: values for name, values in arrays.items()}
    made.write_target("sub-03", "train", **censored, kept=np.arange(50) % 6 > 0)
    return made


@pytest.mark.slow
def test_people_of_different_length_are_fitted_evaluated_and_simulated_again(cohort):
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", first_seed=1000, seeds=3))
    fits = read_tsv(cohort.sm("fit").output.fits)
    assert {row["status"] for row in fits} == {"ok"} and len(fits) == 6
    rows = read_tsv(cohort.sm("evaluate").output.evaluation)
    assert {(row["participant_id"], row["split"]) for row in rows if row["measure"] == "fcd_ks"} == {
        (name, split) for name in ("01", "02", "03") for split in ("train", "test")
    }
    simulated = job.read_npz(cohort.sm("evaluate").output.simulations)
    assert [len(simulated[f"sub-{name}/bold"]) for name in ("01", "02", "03")] == [40, 44, 50]
    windows = {40: 15, 24: 7, 20: 5}
    sizes = [sum(windows[run] * (windows[run] - 1) // 2 for run in runs) for runs in ([40], [24, 20])]
    assert [len(simulated[f"sub-{name}/fcd"]) for name in ("01", "02")] == sizes


def test_whoever_has_scans_of_unknown_length_is_excluded_by_name(cohort):
    cohort.state("sub-02", "train", status="ok", reasons=[], repetition_time=1.0)
    people, unusable = cohort.read()
    assert set(people) == {"sub-01", "sub-03"}
    assert unusable["sub-02"]["status"] == "excluded" and "how long" in unusable["sub-02"]["reason"]
