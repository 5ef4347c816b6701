"""Synthetic twins: drawn like the cohort, fitted with the same settings, and what is said to come back."""

from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import read_tsv
from prepared import N_NODES, PreparedCohort

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.evidence import twins
from cubnm_core.measures.connectivity import average_fc
from workflow_scripts.cohort import twin_parts
from workflow_scripts.evidence import make_twins, twin_marks, twin_recovery
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import best_fits, fit
from workflow_scripts.planning import plan
from workflow_scripts.report.sections import twins as section

STATED = {"parameters": "cohort", "first_seed": 500_000, "seed": 1}
MAPS = {"w_p": {"bounds": [0.2, 2.0], "maps": {"myelin": [-0.5, 0.5]}, "limits": [0.1, 2.5]}}
COUNT = 4


class TwinCohort(PreparedCohort):
    """People whose second has two training runs, and the objects that rules of twins get."""

    def __init__(self, folder, **settings):
        super().__init__(folder)
        self.settings |= settings
        rows = [{"label": f"n{k}", "myelin": k / (N_NODES - 1)} for k in range(N_NODES)]
        job.write_tsv(folder / "maps.tsv", rows)
        segments = [{"run": str(run), "first": 0, "stop": stop} for run, stop in ((1, 60), (2, 44))]
        ok = {"status": "ok", "reasons": [], "repetition_time": 1.0}
        self.state("sub-02", "train", **ok, segments=segments)

    def twins_sm(self, rule, numbers=range(COUNT), part="001"):
        """Give the object that a script gets."""
        sm = self.sm("fit")
        stem = f"results/twins/homogeneous/part-{part}"
        own = f"results/twins/homogeneous/homogeneous_part-{part}"
        made = {name: f"{stem}_{name}.npz" for name in ("connectome", "target")}
        made |= {f"{name}_json": f"{stem}_{name}.json" for name in ("connectome", "target")}
        made["truth"] = f"{stem}_truth.tsv"
        sm.params.twins, sm.params.numbers = STATED, list(numbers)
        sm.params.fits = {"homogeneous": self.settings}
        if rule == "make_twins":
            sm.input.fits, sm.output = [sm.input.fits], SimpleNamespace(**made)
        if rule == "twin_fits":
            sm.input.connectomes, sm.input.targets = made["connectome"], made["target"]
            sm.params.units = [twin_parts.unit_of(number) for number in numbers]
            sm.resources.histories = "results/histories/twins/homogeneous"
            names = ("fits", "convergence", "front")
            sm.output = SimpleNamespace(
                **{name: f"{own}_{name}.tsv" for name in names}, landscape=f"{own}_landscape.npz"
            )
        if rule == "twin_recovery":
            sm.input.truth, sm.input.fits = [made["truth"]], [f"{own}_fits.tsv"]
            tables = {name: f"results/cohort/{name}" for name in ("twins", "twin_recovery")}
            sm.output = SimpleNamespace(
                twins=f"{tables['twins']}.tsv",
                recovery=f"{tables['twin_recovery']}.tsv",
                dictionaries=[f"{path}.json" for path in tables.values()],
            )
        return sm


@pytest.fixture(scope="module")
def twin_cohort(tmp_path_factory):
    """Four twins of three people, with a parameter that follows a map."""
    folder = tmp_path_factory.mktemp("twins")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        free = {"G": [0.5, 3.0], **MAPS}
        cohort = TwinCohort(folder, free=free, maps={"path": "maps.tsv", "normalise": "minmax"})
        fit.main(cohort.sm("fit"))
        make_twins.main(cohort.twins_sm("make_twins"))
        fit.main(cohort.twins_sm("twin_fits"))
        twin_recovery.main(cohort.twins_sm("twin_recovery"))
        yield cohort


def test_twins_are_like_prepared_people_with_the_connectomes_of_the_cohort(twin_cohort):
    sm = twin_cohort.twins_sm("make_twins")
    rows = read_tsv(sm.output.truth)
    assert [row["participant_id"] for row in rows] == ["01", "02", "03", "01"]
    assert [row["noise_seed"] for row in rows] == ["500000", "501000", "502000", "503000"]
    assert [row["volumes"] for row in rows] == ["40", "104", "40", "40"]
    people, theirs = Archive(twin_cohort.sm("fit").input.connectomes), Archive(sm.output.connectome)
    for row in rows:
        mine = people.arrays(f"sub-{row['participant_id']}")["weights"]
        np.testing.assert_array_equal(theirs.arrays(row["twin"])["weights"], mine)
    own = read_tsv(twin_cohort.sm("fit").output.fits)
    assert not {row["param_G"] for row in rows} & {row["param_G"] for row in own}


def test_targets_of_a_twin_are_simulated_run_by_run_and_analysed_like_scans(twin_cohort):
    sm = twin_cohort.twins_sm("make_twins")
    twin = read_tsv(sm.output.truth)[1]
    values = {key.removeprefix("param_"): float(twin[key]) for key in twin if key.startswith("param_")}
    params = best_fits.compose(twin_cohort.simulator.space, values)
    params = {name: np.asarray(value)[None] for name, value in params.items()}
    weights = Archive(sm.output.connectome).arrays("twin-002")["weights"]
    found = []
    for seed, volumes in ((501_000, 60), (501_001, 44)):
        run = simulate(
            "rWW", weights, params, fic="analytical", seed=seed, duration=volumes + 5.0, repetition_time=1.0,
            burn_in=5.0, dt=5e-3, hemodynamic_dt=1e-2, window=10.0, window_step=2.0,
            hemispheres=["L"] * 4 + ["R"] * 4, hemodynamics="cubnm-1.5T",
        )  # fmt: skip
        found.append(run)
    target = Archive(sm.output.target).arrays("twin-002")
    np.testing.assert_allclose(target["fc"], average_fc([run.fc[0] for run in found], [60, 44]), atol=1e-5)
    np.testing.assert_allclose(target["fcd"], np.concatenate([run.fcd[0] for run in found]), atol=1e-5)


def test_a_twin_stays_the_same_when_there_are_more(twin_cohort):
    before = read_tsv(twin_cohort.twins_sm("make_twins").output.truth)
    sm = twin_cohort.twins_sm("make_twins", numbers=[2, 9], part="002")
    make_twins.main(sm)
    rows = read_tsv(sm.output.truth)
    assert rows[0] == before[2]
    assert rows[1]["twin"] == "twin-010"
    assert twin_parts.split_twins(5, 2) == {"001": [0, 1], "002": [2, 3], "003": [4]}


def test_tables_of_twins(twin_cohort):
    sm = twin_cohort.twins_sm("twin_recovery")
    rows, recovery = read_tsv(sm.output.twins), read_tsv(sm.output.recovery)
    levels = {(row["level"], row["parameter"]) for row in recovery}
    assert levels == {("coordinate", name) for name in ("G", "w_p", "w_p.myelin")} | {("nodes", "w_p")}
    assert len(rows) == COUNT * (3 + N_NODES)
    nodes = {(row["twin"], row["label"]): float(row["truth"]) for row in rows if row["level"] == "nodes"}
    truth = read_tsv(twin_cohort.twins_sm("make_twins").output.truth)[0]
    base, slope = float(truth["param_w_p"]), float(truth["param_w_p.myelin"])
    assert nodes["twin-001", "n0"] == pytest.approx(base)
    assert nodes["twin-001", f"n{N_NODES - 1}"] == pytest.approx(base * (1 + slope))
    assert {row["verdict"] for row in recovery} == {"not judged"}  # four twins say nothing
    assert {row["settings"] for row in recovery} == {twin_marks.settings_mark(twin_cohort.settings)}
    described = job.read_json(sm.output.dictionaries[1])
    assert set(described) == set(recovery[0])


def test_nobody_with_a_fit_means_no_twins(twin_cohort, tmp_path, monkeypatch):
    sm = twin_cohort.twins_sm("make_twins", part="003")
    rows = [{**row, "selected": "False"} for row in read_tsv(sm.input.fits[0])]
    job.write_tsv("none.tsv", rows)
    sm.input.fits = ["none.tsv"]
    make_twins.main(sm)
    assert read_tsv(sm.output.truth) == []
    assert Archive(sm.output.target).records == {}


def test_parameters_come_from_the_cohort_the_person_or_the_range():
    generator = np.random.default_rng(0)
    points = 0.5 + generator.multivariate_normal([0, 0], [[0.01, 0.008], [0.008, 0.01]], 60)
    numbers = np.arange(2000)
    drawn = twins.draw_parameters(points, numbers % 60, "cohort", 1, numbers)
    np.testing.assert_allclose(drawn.mean(axis=0), points.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(points.T), rtol=0.2)
    own = twins.draw_parameters(points, numbers % 60, "own", 1, numbers)
    np.testing.assert_array_equal(own[65], points[5])
    even = twins.draw_parameters(points, numbers % 60, "range", 1, numbers)
    assert even.min() < 0.01 and even.max() > 0.99
    edge = twins.draw_parameters(np.array([[0.0], [0.05], [1.0]]), numbers % 3, "cohort", 1, numbers)
    assert edge.min() >= 0 and edge.max() <= 1
    with pytest.raises(InputError, match="cohort, own, range"):
        twins.draw_parameters(points, numbers % 60, "group", 1, numbers)


@pytest.mark.parametrize(
    ("error", "slope", "verdict"),
    [(0.1, 1.0, "identifiable"), (3.0, 0.0, "not identifiable"), (1.0, 1.0, "undecided")],
)
def test_recovery(error, slope, verdict):
    generator = np.random.default_rng(5)
    truth = generator.standard_normal(40)
    estimate = slope * truth + error * generator.standard_normal(40) + 0.5
    found = twins.recovery(truth, estimate)
    assert found.verdict == verdict
    assert found.n == 40
    assert found.r == pytest.approx(np.corrcoef(truth, estimate)[0, 1])
    assert found.slope == pytest.approx(np.polyfit(truth, estimate, 1)[0])
    assert found.bias == pytest.approx(np.mean(estimate - truth))
    assert found.rmse == pytest.approx(np.sqrt(np.mean((estimate - truth) ** 2)))
    assert found.r_low < found.r < found.r_high
    assert found.slope_low < found.slope < found.slope_high


@pytest.mark.slow
def test_intervals_of_recovery_cover_what_they_should():
    generator = np.random.default_rng(6)
    covered = []
    for _ in range(60):
        truth = generator.standard_normal(40)
        estimate = 0.8 * truth + 0.6 * generator.standard_normal(40)
        found = twins.recovery(truth, estimate)
        covered.append((found.r_low <= 0.8 <= found.r_high, found.slope_low <= 0.8 <= found.slope_high))
    assert (np.mean(covered, axis=0) > 0.85).all()


def test_recovery_of_nodes_is_the_mean_over_nodes():
    generator = np.random.default_rng(7)
    truth = generator.standard_normal((30, 5))
    estimate = truth + generator.standard_normal((30, 5))
    found = twins.recovery(truth, estimate)
    each = [np.corrcoef(truth[:, k], estimate[:, k])[0, 1] for k in range(5)]
    assert found.r == pytest.approx(np.mean(each))


def test_what_cannot_be_judged():
    same, other = np.ones(40), np.random.default_rng(8).standard_normal(40)
    assert twins.recovery(same, other).verdict == "not judged"
    assert twins.recovery(other[:5], other[:5]).verdict == "not judged"
    # A search that always ends at the same value finds nothing.
    assert twins.recovery(other, same).verdict == "not identifiable"


def test_the_plan_tells_what_twins_would_take(twin_cohort):
    (line,) = plan.on_request({"homogeneous": twin_cohort.settings}, 40, {"homogeneous": 9.0})
    # 40 twins: one scan each, two restarts of three generations of five candidates
    assert "1,240 simulations, 3.1 hours" in line
    assert plan.on_request({"homogeneous": twin_cohort.settings}, 40, {}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "identifiable"}, "G is identifiable with these settings"),
        ({"verdict": "not identifiable"}, "Do not interpret differences between people in G"),
        ({"verdict": "undecided"}, "increase twins.count"),
        ({"verdict": "not judged", "spread": 0.0}, "the true value does not vary"),
        ({"verdict": "identifiable", "level": "nodes"}, "G over nodes is identifiable"),
    ],
)
def test_recovery_in_words(changes, words):
    names = ("r", "r_low", "r_high", "slope", "slope_low", "slope_high", "spread")
    row = {"parameter": "G", "level": "coordinate", "n": 40, **dict.fromkeys(names, 0.9)}
    assert words in section.verdict({**row, **changes})
