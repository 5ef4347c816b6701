"""Two levels: the group is averaged and fitted first, and the people start from its best point."""

from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import TinyCohort, labelled, symmetric
from fit_results import first_candidates, selected
from planned_jobs import counts, inputs_of
from prepared import PreparedCohort

from cubnm_core.errors import InputError
from cubnm_core.fitting.fits import Generation
from cubnm_core.fitting.search_space import SearchSpace
from workflow_scripts.cohort.units import FitKey, Unit
from workflow_scripts.configuration import configuration, fit_settings, start
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import landscapes, starting_points
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.people import Excluded, People
from workflow_scripts.preparation import group_average

FREE = {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}
SPACE = SearchSpace({name: tuple(bounds) for name, bounds in FREE.items()})
UNITS = [Unit(name) for name in ("01", "02")]


@pytest.fixture
def config():
    """A configuration of one fit with two levels."""
    return {
        "manifest": "manifest.tsv",
        "nodes": "nodes.tsv",
        "bold": {"hemodynamics": "cubnm-3T"},
        "simulation": {"duration": 300.0},
        "fits": {"two": {"free": FREE, "start": {"from": "group"}, "optimizer": {"sigma": 0.2}}},
    }


def resolved(config):
    return fit_settings.resolve_fit(configuration.validate(config), "two")


def refusal(config):
    with pytest.raises(InputError) as caught:
        configuration.validate(config)
    return str(caught.value)


def test_the_search_of_the_group_follows_that_of_the_people_where_nothing_else_is_stated(config):
    config["fits"]["two"]["start"]["optimizer"] = {"generations": 7, "sigma": 0.5}
    fit = resolved(config)
    assert fit["start"]["connectome"] == "mean" and fit["start"]["shrinkage"] == 0.0
    assert fit["start"]["optimizer"] == {**fit["optimizer"], "generations": 7, "sigma": 0.5}
    group = start.group_settings(fit)
    assert group["optimizer"] == fit["start"]["optimizer"] and group["start"] is None
    config["fits"]["two"]["start"]["optimizer"] = {"name": "Grid", "shape": {"G": 2, "w_p": 2}, "restarts": 3}
    search = resolved(config)["start"]["optimizer"]
    assert search["name"] == "grid" and search["restarts"] == 1
    assert {key for key in fit if fit[key] != group[key]} == {"optimizer", "start"}


def test_a_fit_without_start_has_none(config):
    del config["fits"]["two"]["start"]
    assert resolved(config)["start"] is None


def test_a_grid_starts_nowhere_but_may_be_drawn_towards_the_group(config):
    config["fits"]["two"]["optimizer"] = {"name": "grid", "shape": {"G": 3, "w_p": 3}}
    assert "fits.two.start: a grid visits the same points" in refusal(config)
    config["fits"]["two"]["start"]["shrinkage"] = 0.5
    assert resolved(config)["start"]["shrinkage"] == 0.5


def test_a_search_of_the_group_that_cannot_be_is_named(config):
    config["fits"]["two"]["start"]["optimizer"] = {"name": "grid", "shape": {"G": 3}}
    assert "fits.two.start.optimizer" in refusal(config)


def test_an_unknown_start_is_refused(config):
    config["fits"]["two"]["start"] = {"from": "grup"}
    assert "fits.two.start.from: there is no fit 'grup'; did you mean 'group'?" in refusal(config)


def test_a_start_from_another_fit_needs_its_parameters_and_no_circle(config):
    fits = config["fits"]
    fits["coarse"] = {"free": {"G": FREE["G"]}, "start": {"from": "two"}, "optimizer": {"name": "sobol"}}
    fits["two"]["start"] = {"from": "coarse", "connectome": "mean"}
    assert "in a circle (two <- coarse <- two)" in refusal(config)
    del fits["coarse"]["start"]
    text = refusal(config)
    assert "fits.two.start.connectome: belongs to the group" in text
    assert "the fit 'coarse' has no value of w_p, which is free here" in text
    fits["coarse"]["fixed"], fits["two"]["start"] = {"w_p": 1.0}, {"from": "coarse"}
    wanted = {"from": "coarse", "shrinkage": 0.0, "connectome": None, "optimizer": None}
    assert resolved(config)["start"] == wanted
    fits["two"]["start"] = {"from": "group"}
    fits["group"] = fits.pop("coarse")
    assert "fits: the name 'group' is what start.from calls the fit of the group" in refusal(config)


def test_a_consensus_needs_distances_of_some_kind(config):
    config["fits"]["two"]["start"]["connectome"] = "consensus"
    rows, nodes = [{"kind": "sc"}, {"kind": "bold"}], [{"label": "a", "x": None, "y": 1.0, "z": 2.0}]
    (text,) = start.check_distances(config, rows, nodes)
    assert "fits.two.start.connectome" in text and "kind length" in text and "nodes.tsv" in text
    assert start.check_distances(config, [*rows, {"kind": "length"}], nodes) == []
    assert start.check_distances(config, rows, [{"label": "a", "x": 0.0, "y": 1.0, "z": 2.0}]) == []


@pytest.fixture
def people(tmp_path, monkeypatch):
    """Prepared files of three people."""
    monkeypatch.chdir(tmp_path)
    return PreparedCohort(tmp_path)


def averaged(people, kind="mean"):
    """Run rule group_average; return the archive."""
    stem = str(people.folder / "results" / "group" / kind)
    sm = people.sm("fit", group=start.GROUP)
    sm.output = SimpleNamespace(npz=f"{stem}.npz", json=f"{stem}.json")
    sm.wildcards = SimpleNamespace(average=kind)
    group_average.main(sm)
    return Archive(sm.output.npz)


def read_group(archive, settings):
    """Read the group as a person is read."""
    paths = [f"{stem}.npz" for stem in archive.stems]
    return People(paths, paths, settings=settings).read(Unit.from_record(start.GROUP))


@pytest.mark.parametrize("kind", ["mean", "consensus"])
def test_the_group_is_read_like_a_person(people, kind):
    archive = averaged(people, kind)
    group = read_group(archive, {**people.settings, "delays": True})
    own = [Archive(people.connectome(ids["unit"])).arrays(ids["unit"]) for ids in people.units]
    mean = np.mean([arrays["weights"] for arrays in own], axis=0)
    np.testing.assert_allclose(group.weights, mean)
    np.testing.assert_allclose(group.lengths, np.mean([arrays["lengths"] for arrays in own], axis=0))
    assert group.targets["train"].fc.shape == (28,) and group.repetition_time == 1.0
    assert group.targets["train"].fcd.size >= 20_000
    assert archive.records["group"]["members"] == ["sub-01", "sub-02", "sub-03"]


def test_who_was_left_out_stops_nobody(people):
    whole = averaged(people).arrays("group")["fc"]
    people.state("sub-02", "train", status="excluded", reasons=["too short"])
    archive = averaged(people)
    record = archive.records["group"]
    assert record["status"] == "ok" and record["members"] == ["sub-01", "sub-03"]
    assert record["left_out"] == {"sub-02": ["too short"]}
    assert np.abs(archive.arrays("group")["fc"] - whole).max() > 0.01


def test_a_group_of_nobody_is_left_out_with_the_reason(people):
    for ids in people.units:
        people.state(ids["unit"], "train", status="excluded", reasons=["too short"])
    archive = averaged(people)
    with pytest.raises(Excluded) as error:
        read_group(archive, people.settings)
    assert error.value.reasons == [
        "nobody of the cohort has both a connectome and training scans that can be used"
    ]


def test_the_group_takes_the_most_common_repetition_time(people):
    people.state("sub-02", "train", status="ok", reasons=[], repetition_time=2.0)
    record = averaged(people).records["group"]
    assert record["repetition_time"] == 1.0
    assert record["notes"] == [
        "repetition times differ (1, 2 s); the group is simulated with the most common one, 1 s"
    ]


def test_sessions_of_one_person_count_as_one_person(people):
    people.units[2]["participant_id"] = "02"
    people.units[1]["session_id"], people.units[2]["session_id"] = "a", "b"
    own = [Archive(people.connectome(ids["unit"])).arrays(ids["unit"])["weights"] for ids in people.units]
    found = averaged(people).arrays("group")["weights"]
    np.testing.assert_allclose(found, own[0] / 2 + own[1] / 4 + own[2] / 4)


def test_people_start_where_the_group_ended(tmp_path, config):
    table = tmp_path / "two_fits.tsv"
    row = {"participant_id": "group", "session_id": None, "fit": "two", "selected": True}
    job.write_tsv(table, [{**row, "param_G": 1.4, "param_w_p": 2.1}])
    files, fit = SimpleNamespace(start=str(table)), resolved(config)
    begin, missing = starting_points.read_starting_points(files, "two", fit, SPACE, UNITS)
    assert not missing and begin.keys() == {"sub-01", "sub-02"}
    np.testing.assert_allclose(begin["sub-02"]["initial"], [0.2, 1.0])
    assert begin["sub-02"]["prior"] is None
    fit["start"]["shrinkage"] = 0.3
    prior = starting_points.read_starting_points(files, "two", fit, SPACE, UNITS)[0]["sub-01"]["prior"]
    assert prior.weight * prior.distance(np.array([[0.2, 0.0]]))[0] == pytest.approx(0.3 / 2)


def test_without_a_fit_of_the_group_nobody_starts_and_the_reason_says_where_to_look(tmp_path, config):
    table = tmp_path / "two_fits.tsv"
    job.write_tsv(table, [{"participant_id": "group", "session_id": None, "fit": "two", "selected": False}])
    files = SimpleNamespace(start=str(table))
    begin, missing = starting_points.read_starting_points(files, "two", resolved(config), SPACE, UNITS)
    assert begin == {} and missing.keys() == {"sub-01", "sub-02"} and str(table) in missing["sub-01"]


def test_people_start_where_they_ended_in_another_fit(tmp_path, config):
    config["fits"]["coarse"] = {"free": FREE}
    config["fits"]["two"]["start"] = {"from": "coarse"}
    table = tmp_path / "batch-001_fits.tsv"
    rows = [("01", True, 0.5, 0.2), ("01", False, 5.0, 2.0), ("02", False, 5.0, 2.0)]
    job.write_tsv(
        table,
        [
            {"participant_id": person, "session_id": "", "fit": "coarse", "selected": selected,
             "param_G": G, "param_w_p": w_p}
            for person, selected, G, w_p in rows
        ],
    )  # fmt: skip
    files = SimpleNamespace(start=str(table))
    begin, missing = starting_points.read_starting_points(files, "two", resolved(config), SPACE, UNITS)
    np.testing.assert_allclose(begin["sub-01"]["initial"], [0.0, 0.0])
    assert missing == {"sub-02": f"this person has no fit to start from (reason in {table})"}
    finer = SearchSpace({**SPACE.free, "J_N": (0.1, 0.2)})
    begin, missing = starting_points.read_starting_points(files, "two", resolved(config), finer, UNITS)
    assert begin == {} and missing["sub-01"] == f"{table} has no value of J_N to start from"


@pytest.fixture
def two_levels(tmp_path):
    """Four people, one of whom cannot be used; two batches; a fit with two levels and one without."""
    cohort = TinyCohort(tmp_path, participants=("01", "02", "03", "04"))
    (tmp_path / cohort.row("02", "sc")["path"]).write_text(labelled(-symmetric()), encoding="utf-8")
    fits = cohort.config["fits"]
    fits["two"] = {**fits["homogeneous"], "start": {"from": "group", "shrinkage": 0.1}}
    cohort.config["batch_size"] = 2
    return cohort


def test_the_group_sees_training_scans_only(snakemake, two_levels):
    code, text = snakemake("--dry-run", config=two_levels.write())
    assert code == 0, text
    planned = counts(text)
    assert planned["group_average"] == planned["group_fit"] == 1 and planned["fit"] == 4
    (inputs,) = inputs_of(text, "group_average")
    assert inputs.count("split-train") == 2 and "split-test" not in inputs
    (inputs,) = inputs_of(text, "group_fit")
    assert "results/group/mean.npz" in inputs and "targets" not in inputs
    fits = inputs_of(text, "fit")
    assert sum("results/group/two_fits.tsv" in inputs for inputs in fits) == 2


def test_a_group_that_failed_is_tried_again_too(snakemake, two_levels):
    results = two_levels.folder / "results"
    row = {**start.GROUP, "session_id": "n/a", "status": "failed", "reason": "files are damaged"}
    tables = [results / "group" / "two_fits.tsv", results / "folds" / "two_fits.tsv"]
    behind = results / "folds" / "two_batch-001_held_out_people.tsv"
    for table in (*tables, behind):
        job.write_tsv(table, [row])
    code, text = snakemake("forget_failed", config=two_levels.write())
    assert code == 0 and text.count("group n/a will be tried again (files are damaged)") == 2, text
    assert not any(table.exists() for table in (*tables, behind))


def test_a_protocol_of_two_fits_plans_both_and_hands_the_candidates_of_the_first_one_on(snakemake, tmp_path):
    cohort = TinyCohort(tmp_path, participants=("01", "02"))
    fit = cohort.config["fits"].pop("homogeneous")
    search = {"population": 4, "generations": 2, "restarts": 2}
    cohort.config["fits"]["fast"] = {"protocol": "fast2026", "free": fit["free"], "optimizer": search}
    code, text = snakemake("--dry-run", config=cohort.write())
    assert code == 0, text
    assert counts(text)["fit"] == counts(text)["evaluate"] == 2
    handed_on = [f"results/fits/fast-linear/batch-001_{name}" for name in ("fits.tsv", "landscape.npz")]
    of_fits = [[path in inputs for path in handed_on] for inputs in inputs_of(text, "fit")]
    assert sorted(of_fits) == [[False, False], [True, True]]


def test_people_start_from_the_group_and_a_new_one_makes_nobody_start_again(snakemake, two_levels):
    results, fits = two_levels.folder / "results", two_levels.config["fits"]
    fits["fine"] = {**fits.pop("homogeneous"), "optimizer": {"generations": 1}, "start": {"from": "two"}}
    two_levels.config["evaluation"] = {"seeds": 2, "others": 0, "folds": 0, "nulls": {"count": 0}}
    code, text = snakemake("cohort", config=two_levels.write())
    assert code == 0, text
    assert job.read_json(results / "group" / "mean.json")["group"]["left_out"].keys() == {"sub-02"}
    group = selected(results, "group/two_fits.tsv")["group"]
    people = selected(results, "fits/two/*_fits.tsv")
    assert people.keys() == first_candidates(results, "two").keys() == {"01", "03", "04"}
    for first in first_candidates(results, "two").values():
        assert float(first["param_G"]) == pytest.approx(float(group["param_G"]), abs=1e-9)
        assert float(first["shrinkage"]) == pytest.approx(0.0, abs=1e-12)
    for person, row in selected(results, "fits/fine/*_fits.tsv").items():
        assert row["simulations"] == "1" and row["status"] == "ok"
        assert float(row["param_w_p"]) == pytest.approx(float(people[person]["param_w_p"]), abs=1e-9)

    grown = TinyCohort(two_levels.folder, participants=("01", "02", "03", "04", "05"))
    two_levels.manifest = grown.manifest
    (two_levels.folder / two_levels.row("02", "sc")["path"]).write_text(labelled(-symmetric()))
    two_levels.participants = grown.participants
    planned = counts(snakemake("fits", "--dry-run", config=two_levels.write())[1])
    assert planned["group_average"] == planned["group_fit"] == 1
    assert planned["fit"] == 2  # the new person's


def flagged_start(folder, config, restarts=4, flagged=3):
    """A fit whose last restarts begin at flagged points of another, and the files of that one."""
    config["fits"] |= {"near": {"free": FREE, "method": "linear"}}
    config["fits"]["two"] |= {"optimizer": {"restarts": restarts}}
    config["fits"]["two"]["start"] = {"from": "near", "flagged": flagged}
    rows = [
        {"participant_id": person, "session_id": "", "fit": "near", "selected": True, "param_G": 0.95,
         "param_w_p": 0.38}
        for person in ("01", "02")
    ]  # fmt: skip
    job.write_tsv(folder / "near_fits.tsv", rows)
    # cost, point of the unit cube, flagged, diverged: the best, its neighbour, an unflagged one, two that are
    # neighbours of each other, one that diverged, the last one
    candidates = [
        (-0.9, (0.10, 0.10), 1, 0), (-0.8, (0.15, 0.12), 1, 0), (-0.7, (0.9, 0.9), 0, 0),
        (-0.6, (0.40, 0.10), 1, 0), (-0.5, (0.45, 0.15), 1, 0), (-0.4, (0.7, 0.7), 1, 1),
        (-0.3, (0.10, 0.95), 1, 0),
    ]  # fmt: skip
    cost, points, flags, failed = (np.array(column) for column in zip(*candidates, strict=True))
    terms = {"flag_nonlinear": flags.astype(float), "flag_several": np.zeros(7), "fc_corr": -cost}
    result = SimpleNamespace(history=[Generation(0, points, terms, cost, failed)])
    landscapes.write(folder / "near_landscape.npz", SPACE, {"sub-01": [(0, result)], "sub-02": []})
    files = SimpleNamespace(start=str(folder / "near_fits.tsv"), candidates=folder / "near_landscape.npz")
    return files, resolved(config)


def test_restarts_begin_at_the_best_flagged_points_that_lie_apart(tmp_path, config):
    files, fit = flagged_start(tmp_path, config)
    begin, missing = starting_points.read_starting_points(files, "two", fit, SPACE, UNITS[:1])
    assert missing == {}
    np.testing.assert_allclose(begin["sub-01"]["initial"], [0.1, 0.1], atol=1e-6)
    found = {key.restart: begin[key]["initial"] for key in begin if key != "sub-01"}
    assert found.keys() == {1, 2}  # the fourth restart has no point of its own
    np.testing.assert_allclose(found[1], [0.40, 0.10], atol=1e-6)
    np.testing.assert_allclose(found[2], [0.10, 0.95], atol=1e-6)
    few = starting_points.read_starting_points(*flagged_start_of(tmp_path, config, 2, 1), SPACE, UNITS[:1])[0]
    assert {key.restart for key in few if key != "sub-01"} == {1}


def flagged_start_of(folder, config, restarts, flagged):
    files, fit = flagged_start(folder, config, restarts, flagged)
    return files, "two", fit


def test_single_restarts_may_have_starting_points_of_their_own(people):
    begin = {"sub-01": {"initial": np.array([0.25, 0.5])}, FitKey("sub-01", 1): {"initial": np.zeros(2)}}
    problems, _ = make_problems(people.read()[0], people.simulator, begin)
    starts = {(key.name, key.restart): problem.initial for key, problem in problems.items()}
    np.testing.assert_array_equal(starts["sub-01", 0], [0.25, 0.5])
    np.testing.assert_array_equal(starts["sub-01", 1], [0.0, 0.0])
    assert starts["sub-02", 1] is None


def test_flagged_starts_need_a_linear_fit_whose_flagged_points_were_simulated(config, tmp_path):
    flagged_start(tmp_path, config)
    config["fits"]["near"]["flagged"] = "worst"
    assert "fits.two.start.flagged: the fit 'near' has no simulated flagged points" in refusal(config)
    config["fits"]["near"] = {"free": FREE}
    assert "start from a fit with method: linear" in refusal(config)
    config["fits"]["two"]["start"]["from"] = "group"
    assert "fits.two.start.flagged: the fit 'group'" in refusal(config)
    config["fits"]["two"] |= {"optimizer": {"restarts": 3}}
    assert "3 restarts begin at flagged points, and the search has 3" in refusal(config)


def test_a_start_without_flagged_points_is_stated_as_before(config):
    assert "flagged" not in resolved(config)["start"]
