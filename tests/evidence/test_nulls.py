"""Null models: scores, refits, and a test that is right under a null and sees a true difference."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import read_tsv
from prepared import PreparedCohort

from cubnm_core.errors import InputError
from cubnm_core.evidence import nulls as core
from cubnm_core.fitting.heterogeneity import MapScaled
from cubnm_core.fitting.search_space import SearchSpace
from workflow_scripts.cohort.units import Unit
from workflow_scripts.evidence import null_fits, null_tests, nulls
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import evaluate, fit, simulators
from workflow_scripts.planning import estimates
from workflow_scripts.report.sections import nulls as section

STATED = {"kinds": ["other_connectome", "rewired", "spin"], "count": 2, "seeds": 6, "refits": 2, "seed": 1}
PLACES = ((-60, 10), (-20, 40), (20, 30), (60, -10), (0, 60))
COORDINATES = [(x, y, z) for x in (-40.0, 40.0) for y, z in PLACES]


class NullCohort(PreparedCohort):
    """All people in one batch, with null models."""

    def null_sm(self, rule, refits=2, fits="results/fits/homogeneous/batch-001_fits.tsv"):
        """Give the object that the scripts of null models get."""
        sm = self.sm("fit" if rule == "null_fits" else "evaluate")
        sm.params.nulls = {**STATED, "refits": refits}
        sm.params.first_seed = 1000
        path = "results/nulls/homogeneous/batch-001"
        if rule == "null_fits":
            sm.output = [f"{path}_fits.tsv"]
        else:
            sm.output = SimpleNamespace(nulls=f"{path}_nulls.tsv", rewiring=f"{path}_rewiring.tsv")
            sm.input.null_fits = [f"{path}_fits.tsv"] if refits else []
        sm.input.fits = fits
        return sm


@pytest.fixture(scope="module")
def scored_nulls(tmp_path_factory):
    """Three people in one batch; null models scored forward and refitted. The second has no held-out scan."""
    folder = tmp_path_factory.mktemp("nulls")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        cohort = NullCohort(folder)
        cohort.state("sub-02", "test", status="excluded", reasons=["too short"])
        fit.main(cohort.sm("fit"))
        evaluate.main(cohort.sm("evaluate", first_seed=1000, seeds=6))
        null_fits.main(cohort.null_sm("null_fits"))
        nulls.main(cohort.null_sm("nulls"))
        yield cohort


def table(cohort):
    return pd.DataFrame(read_tsv(cohort.null_sm("nulls").output.nulls)).astype({"mean": float, "sd": float})


def test_own_models_score_as_in_the_evaluation(scored_nulls):
    rows = table(scored_nulls)
    own = rows[rows["null"] == "own"].set_index(["participant_id", "split", "measure"])
    known = pd.DataFrame(read_tsv(scored_nulls.sm("evaluate").output.evaluation))
    known = known.set_index(["participant_id", "split", "measure"])
    assert set(own.index) == set(known.index)
    for column in ("mean", "sd"):
        np.testing.assert_allclose(own[column], known[column].astype(float).reindex(own.index), rtol=1e-12)
    assert (own["seeds"] == "1000-1005").all() and (own["pairs"] == "all").all()


def test_every_kind_is_scored_where_it_can_be(scored_nulls):
    rows = table(scored_nulls)
    found = {
        tuple(row) for row in rows[["participant_id", "null", "refitted", "index"]].drop_duplicates().values
    }
    expected = set()
    for person in ("01", "02", "03"):
        expected |= {(person, "own", "False", "0")}
        for index in ("1", "2"):
            expected |= {
                (person, "rewired", "False", index),
                (person, "rewired", "True", index),
                (person, "other_connectome", "True", index),
            }
    assert found == expected  # no parameter follows a map, and the cross has others' connectomes forward
    assert set(rows[rows["participant_id"] == "02"]["split"]) == {"train"}


def test_refits_are_searches_of_their_own_and_go_on_from_their_histories(scored_nulls, monkeypatch):
    sm = scored_nulls.null_sm("null_fits")
    rows = read_tsv(sm.output[0])
    assert len(rows) == 3 * 2 * 2 * scored_nulls.settings["optimizer"]["restarts"]
    assert len({row["fingerprint"] for row in rows}) == len(rows)
    own = read_tsv(scored_nulls.sm("fit").output.fits)
    assert not {row["fingerprint"] for row in rows} & {row["fingerprint"] for row in own}
    assert {row["status"] for row in rows} == {"ok"}
    monkeypatch.setattr(simulators, "batch_simulator", lambda *args, **options: _never)
    null_fits.main(sm)
    again = read_tsv(sm.output[0])
    assert [without_time(row) for row in again] == [without_time(row) for row in rows]


def without_time(row):
    return {key: value for key, value in row.items() if key != "seconds"}


def _never(*_):
    pytest.fail("a recorded search simulated again")


def test_searches_of_null_models_see_training_scans_only(scored_nulls):
    before = read_tsv(scored_nulls.null_sm("null_fits").output[0])
    scored_nulls.state("sub-03", "test", status="excluded", reasons=["gone"])
    sm = scored_nulls.null_sm("null_fits")
    assert all("split-train" in path for path in sm.input.targets)
    null_fits.main(sm)
    assert [row["cost"] for row in read_tsv(sm.output[0])] == [row["cost"] for row in before]


def test_connectomes_of_others_come_from_the_batch(scored_nulls):
    (people, _), simulator = scored_nulls.read(), scored_nulls.simulator
    nodes, space = simulator.nodes, simulator.space
    archive = Archive(scored_nulls.sm("fit").input.connectomes)
    models = nulls.NullModels(people, archive, nodes, space, STATED, 5)
    others = [null for null in models.of("sub-02") if null.kind == "other_connectome"]
    assert [null.index for null in others] == [1, 2]  # there are two others only
    np.testing.assert_array_equal(others[0].person.weights, people["sub-03"].weights)
    np.testing.assert_array_equal(others[1].person.weights, people["sub-01"].weights)
    assert others[0].person.targets is people["sub-02"].targets
    alone = nulls.NullModels({"sub-02": people["sub-02"]}, archive, nodes, space, STATED, 5)
    assert {null.kind for null in alone.of("sub-02")} == {"rewired"}
    assert "no parameter follows a map" in models.without["spin"]


def test_maps_are_turned_where_nodes_have_coordinates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nodes = [
        {"index": k, "label": f"n{k}", "hemisphere": "LR"[k // 5], **dict(zip("xyz", place, strict=True))}
        for k, place in enumerate(COORDINATES)
    ]
    rule = MapScaled({"myelin": np.linspace(0.0, 1.0, 10)})
    space = SearchSpace(
        {"G": (0.5, 2.0), "w_p": (0.2, 2.0), "w_p.myelin": (-1.0, 1.0)}, regional={"w_p": rule}
    )
    person = nulls.Person(Unit("01"), None, {}, 1.0)
    stated = {**STATED, "kinds": ["spin"]}
    models = nulls.NullModels({"sub-01": person}, None, nodes, space, stated, 4)
    turned = [null.space.regional["w_p"].maps["myelin"] for null in models.of("sub-01")]
    assert len(turned) == 4 and models.without == {}
    for values in turned:
        np.testing.assert_allclose(np.sort(values), rule.maps["myelin"])
    assert not all(np.array_equal(values, rule.maps["myelin"]) for values in turned)
    assert models.of("sub-01")[0].space.free == space.free
    without = [{key: value for key, value in node.items() if key not in "xyz"} for node in nodes]
    models = nulls.NullModels({"sub-01": person}, None, without, space, stated, 4)
    assert models.of("sub-01") == []
    assert "coordinates" in models.without["spin"]


def test_nothing_is_simulated_where_null_models_are_off(scored_nulls):
    sm = scored_nulls.null_sm("nulls", refits=0)
    sm.params.nulls = {**STATED, "count": 0, "refits": 0}
    sm.output = SimpleNamespace(nulls="off.tsv", rewiring="off_rewiring.tsv")
    nulls.main(sm)
    assert read_tsv("off.tsv") == []


LOSSES = {
    "a person": ("nulls", lambda lines: [line for line in lines if line[:2] != "03"], "sub-03 has no scores"),
    "a model": (
        "nulls",
        lambda lines: without(lines, "02", "rewired", "False", "2"),
        "02 n/a rewired False 2",
    ),
    "a refit": ("nulls", lambda lines: without(lines, "03", "rewired", "True", "2"), "03 n/a rewired True 2"),
    "another's": (
        "nulls",
        lambda lines: without(lines, "01", "other_connectome"),
        "01 n/a other_connectome True 1",
    ),
    "own": ("nulls", lambda lines: without(lines, "01", "own"), "01 n/a own False 0 has no scores"),
    "a split": ("nulls", lambda lines: without(lines, "01", "rewired", "1", "test"), "not every split"),
    "a measure": ("nulls", lambda lines: lines[:-1], "not every split and measure"),
    "a row twice": ("nulls", lambda lines: [*lines, lines[0]], "rows twice"),
    "somebody else": ("nulls", lambda lines: [*lines, "09" + lines[0][2:]], "09 n/a has rows, but no place"),
    "all": ("nulls", lambda lines: [], "sub-01, sub-02, sub-03 have no scores"),
    "a connectome": ("rewiring", lambda lines: lines[:-1], "03 n/a True 2 has no row"),
    "connectomes": ("rewiring", lambda lines: [], "have no row"),
    "a connectome twice": ("rewiring", lambda lines: [*lines, lines[0]], "rows twice"),
}


def without(lines, *words):
    return [line for line in lines if not set(words) <= set(line.rstrip("\n").split("\t"))]


def sm_of_tests(cohort, folder, **changes):
    """Give the object that rule null_tests gets, its inputs copied and changed."""
    made, paths = cohort.null_sm("nulls"), {}
    for name, source in vars(made.output).items():
        head, *lines = Path(source).read_text().splitlines(keepends=True)
        paths[name] = folder / "homogeneous" / Path(source).name
        paths[name].parent.mkdir(exist_ok=True)
        paths[name].write_text("".join([head, *changes.get(name, list)(lines)]))
    inputs = {name: [path] for name, path in paths.items()}
    inputs |= {"fits": [made.input.fits], "null_fits": made.input.null_fits}
    names = [ids["unit"] for ids in cohort.units]
    params = {"units": cohort.units, "fits": ["homogeneous"], "batches": {"001": names}, "nulls": STATED}
    outputs = {name: folder / f"{name}.tsv" for name in ("nulls", "rewiring", "null_tests")}
    return SimpleNamespace(
        input=SimpleNamespace(**inputs), output=SimpleNamespace(**outputs), params=SimpleNamespace(**params),
        log=[],
    )  # fmt: skip


def test_whole_tables_of_null_models_are_tested(scored_nulls, tmp_path):
    null_tests.main(sm_of_tests(scored_nulls, tmp_path))
    assert len(read_tsv(tmp_path / "rewiring.tsv")) == 12


@pytest.mark.parametrize("loss", LOSSES)
def test_tables_of_null_models_that_lost_something_are_named(scored_nulls, tmp_path, loss):
    name, change, told = LOSSES[loss]
    with pytest.raises(InputError, match=re.escape(told)) as error:
        null_tests.main(sm_of_tests(scored_nulls, tmp_path, **{name: change}))
    assert f"{name}.tsv: it is not whole" in str(error.value) and "remove it and start" in str(error.value)


def test_who_can_have_no_null_model_is_told(scored_nulls, tmp_path):
    sm = scored_nulls.null_sm("nulls", refits=0)
    sm.params.nulls = {**STATED, "kinds": ["spin"], "refits": 0}
    sm.output = SimpleNamespace(nulls="spin.tsv", rewiring="spin_rewiring.tsv")
    nulls.main(sm)
    rows = read_tsv("spin.tsv")
    assert [row["participant_id"] for row in rows] == ["01", "02", "03"]
    assert all("no parameter follows a map" in row["note"] for row in rows)


def test_tests_over_the_cohort(scored_nulls):
    rows = null_tests.comparison_rows(null_tests.concatenate([scored_nulls.null_sm("nulls").output.nulls]))
    found = {(row["null"], row["refitted"], row["split"], row["measure"]): row for row in rows}
    forward, refitted = (found["rewired", way, "train", "fc_corr"] for way in ("False", "True"))
    assert np.isnan(forward["p"]) and 0 < refitted["p"] <= 1
    assert forward["n_people"] == 3 and forward["n_nulls"] == 2
    assert found["rewired", "True", "test", "fc_corr"]["n_people"] == 2
    scores = table(scored_nulls)
    mine = scores[(scores["measure"] == "fc_corr") & (scores["split"] == "train")]
    own = mine[mine["null"] == "own"].set_index("participant_id")["mean"]
    null = mine[(mine["null"] == "rewired") & (mine["refitted"] == "True")]
    assert refitted["observed"] == pytest.approx(own.mean())
    assert refitted["difference"] == pytest.approx(
        (own - null.groupby("participant_id")["mean"].mean()).mean()
    )
    assert np.isnan([refitted["low"], refitted["high"]]).all()  # three people
    assert forward["verdict"] == "too few people"
    assert refitted["verdict"] == ("better" if refitted["p"] <= 0.05 else "not distinguishable")
    assert refitted["window"] == "10.0" and refitted["n_seeds"] == "6"


def test_the_whole_table_may_be_empty():
    assert null_tests.comparison_rows(pd.DataFrame(columns=nulls.COLUMNS)) == []


@pytest.mark.parametrize("shared", [False, True])
def test_p_is_uniform_where_own_is_like_the_nulls(shared):
    generator = np.random.default_rng(1)
    found = []
    for _ in range(400):
        people = generator.normal(0.0, 0.3, (10, 1))  # people differ, which must not matter
        scores = people + 0.05 * generator.standard_normal((10, 20))
        found.append(core.p_value(scores[:, 0], scores[:, 1:], 1, shared, draws=200))
    found = np.array(found)
    for level in (0.05, 0.2, 0.5):
        tolerance = 3 * np.sqrt(level * (1 - level) / len(found))
        assert np.mean(found <= level) == pytest.approx(level, abs=tolerance)


def test_p_is_small_where_own_is_better_in_the_right_direction():
    generator = np.random.default_rng(2)
    null = generator.normal(0.3, 0.05, (8, 3))
    better = null.mean(axis=1) + 0.1
    assert core.p_value(better, null, 1) < 0.001
    assert core.p_value(better, null, -1) > 0.99
    assert core.p_value(better, null, 1, shared=True) == 0.25  # a rank among three nulls cannot be lower


def test_p_with_one_null_each_is_that_of_sign_flips():
    difference = np.array([0.3, 0.1, 0.2, -0.05])
    flips = np.array(np.meshgrid(*[[1, -1]] * 4)).reshape(4, -1).T
    exact = np.mean(flips @ difference >= difference.sum() - 1e-12)
    assert core.p_value(difference, np.zeros((4, 1)), 1, draws=40_000) == pytest.approx(exact, abs=0.01)


def test_p_of_people_with_different_numbers_of_nulls():
    null = np.array([[0.1, np.nan], [0.1, 0.2], [np.nan, np.nan]])
    own = np.array([0.5, 0.6, 0.1])
    assert core.p_value(own, null, 1) == pytest.approx(1 / 6, abs=0.02)
    assert np.isnan(core.p_value(own[2:], null[2:], 1))
    assert core.p_value(np.zeros(3), np.zeros((3, 2)), 1) == 1.0  # ties are no evidence


def test_the_plan_counts_null_models():
    settings = {
        "optimizer": {"name": "cmaes", "population": 4, "generations": 3, "shape": {}, "restarts": 2},
        "retest": None, "replicates": 1, "maps": None, "fic": None, "simulation": {"duration": 10.0},
    }  # fmt: skip
    counts = {
        rule: estimates.SIMULATIONS[rule](settings, 3, {"nulls": STATED}) for rule in ("nulls", "null_fits")
    }
    # own, two forward (rewired), four refitted (others' and rewired); turned maps need a map
    assert counts == {"nulls": 3 * 7 * 6, "null_fits": 3 * 4 * 24}
    with_map = estimates.SIMULATIONS["nulls"]({**settings, "maps": {}}, 1, {"nulls": STATED})
    assert with_map == (1 + 4 + 6) * 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"refitted": False, "p": np.nan, "verdict": "better"},
            "Diagnostic, no p: the person's own connectome beats rewired",
        ),
        (
            {"refitted": False, "p": np.nan},
            "Diagnostic, no p: the person's own connectome is not distinguishable",
        ),
        ({"p": 0.004, "verdict": "better"}, "The person's own connectome beats rewired connectomes"),
        ({"p": 0.4}, "The person's own connectome is not distinguishable from rewired connectomes"),
        ({"p": 0.25, "null": "spin", "n_nulls": 3}, "with 3 rotated maps, p cannot be below 0.25"),
    ],
)
def test_comparisons_in_words(changes, words):
    row = {
        "null": "rewired", "refitted": True, "measure": "fc_corr", "observed": 0.5, "null_mean": 0.3,
        "difference": 0.2, "low": 0.1, "high": 0.3, "n_people": 8, "n_nulls": 4, "p": 0.5,
        "verdict": "not distinguishable",
    }  # fmt: skip
    assert words in section.verdict({**row, **changes})
