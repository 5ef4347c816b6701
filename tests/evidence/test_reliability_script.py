"""Rule reliability, its section of the report, and synthetic sessions whose reliability is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import report_cohort
import report_identifiability
from cohorts import read_tsv
from prepared import N_NODES, SETTINGS, PreparedCohort
from synthetic_settings import completed

from cubnm_core.evidence import reliability as core
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.run import FitProblem, MemoryStore, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.measures.connectivity import functional_connectivity, pair_indices
from cubnm_core.measures.objective import Objective, Target
from workflow_scripts.cohort import noise_seeds
from workflow_scripts.evidence import reliability
from workflow_scripts.files import job
from workflow_scripts.fitting import evaluate, fit, simulators
from workflow_scripts.preparation import make_synthetic_cohort
from workflow_scripts.report.sections import reliability as shown

PEOPLE = ("01", "02", "03", "04")
SESSIONS = ("a", "b")


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """Four people with two sessions, fitted and evaluated; the fourth has no scan in the second."""
    folder = tmp_path_factory.mktemp("sessions")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        cohort = PreparedCohort(folder, [f"{person}_ses-{name}" for person in PEOPLE for name in SESSIONS])
        for ids in cohort.units:
            ids["participant_id"], ids["session_id"] = ids["unit"].removeprefix("sub-").split("_ses-")
        cohort.settings["optimizer"] |= {"restarts": 1, "generations": 1}
        cohort.state("sub-04_ses-b", "train", status="excluded", reasons=["too short"])
        fit.main(cohort.sm("fit"))
        evaluate.main(cohort.sm("evaluate", first_seed=1000, seeds=2))
        fits, evaluated = cohort.sm("fit").output, cohort.sm("evaluate").output
        outputs = {"table": "reliability.tsv", "edges": "reliability_edges.npz"}
        sm = SimpleNamespace(
            input=SimpleNamespace(
                fits=[fits.fits],
                states=[evaluated.states],
                regional=[evaluated.regional_parameters],
                simulations=[evaluated.simulations],
                targets=cohort.sm("fit").input.targets,
                nodes=str(folder / "nodes.tsv"),
            ),
            output=SimpleNamespace(**outputs),
            params=SimpleNamespace(
                units=cohort.units, fits={"homogeneous": cohort.settings}, first_seed=1000, seeds=2
            ),
            log=[],
        )
        reliability.main(sm)
        yield sm


def test_rows_are_of_the_people_who_have_every_session(sessions):
    rows = read_tsv(sessions.output.table)
    assert {row["n_people"] for row in rows} == {"3"} and {row["n_left_out"] for row in rows} == {"1"}
    first = noise_seeds.of_session(1000, "a")
    assert rows[0]["sessions"] == "a, b" and rows[0]["seeds"].startswith(f"a: {first}-{first + 1}; b: ")
    counts = pd.DataFrame(rows).groupby(["quantity", "icc_type"]).size()
    assert counts["parameter", "ICC(2,1)"] == 2
    assert counts["state", "ICC(2,1)"] == counts["state", "ICC(2,k)"] == 8 * N_NODES


def test_the_agreement_of_a_parameter_is_that_of_the_selected_fits(sessions):
    fits = pd.DataFrame(read_tsv(sessions.input.fits[0]))
    fits = fits[(fits["selected"] == "True") & (fits["participant_id"] != "04")]
    values = fits["param_G"].to_numpy(dtype=float).reshape(3, 2, 1)
    row = next(row for row in read_tsv(sessions.output.table) if row["variable"] == "G")
    assert float(row["icc"]) == pytest.approx(core.agreement(values).single[0])
    assert float(row["bias"]) == pytest.approx((values[:, 1] - values[:, 0]).mean())


def test_every_edge_is_kept_with_its_nodes(sessions):
    arrays, targets = job.read_npz(sessions.output.edges), sessions.input.targets
    assert list(arrays["labels"][[0, -1]]) == ["n0", "n7"]
    row, column = arrays["homogeneous/row"], arrays["homogeneous/column"]
    np.testing.assert_array_equal((row, column), pair_indices(N_NODES))
    fc = [
        reliability.archives.Archive(targets).arrays(f"sub-{person}_ses-{name}")["fc"]
        for person in PEOPLE[:3]
        for name in SESSIONS
    ]
    known = core.agreement(np.array(fc, dtype=np.float32).reshape(3, 2, -1))
    np.testing.assert_allclose(arrays["homogeneous/empirical/icc"], known.single, rtol=1e-5)
    medians = {
        (row["source"], row["icc_type"]): float(row["icc"])
        for row in read_tsv(sessions.output.table)
        if row["label"] == "median of edges"
    }
    assert medians["empirical", "ICC(2,1)"] == pytest.approx(np.median(known.single), rel=1e-5)
    assert medians["simulated", "ICC(2,1)"] == pytest.approx(
        np.median(arrays["homogeneous/simulated/icc"]), rel=1e-5
    )


def test_people_who_came_once_give_an_empty_table():
    units = [{"unit": f"sub-{k}", "participant_id": str(k), "session_id": ""} for k in range(3)]
    assert not reliability.make_panel(units, ["sub-0"]).units.size
    once = [{**ids, "session_id": ids["participant_id"], "unit": ids["unit"] + "_ses"} for ids in units]
    panel = reliability.make_panel(once, [ids["unit"] for ids in once])
    assert not panel.units.size and panel.left_out == 3


def estimates_of(session_sd):
    """Fitted G of ten synthetic people in two sessions, (10, 2, 1), and their true G."""
    parameters = {"G": {"mean": 1.5, "sd": 0.5, "session_sd": session_sd}}
    settings = completed(
        participants=10, sessions=2, nodes=12, scan_duration=300.0, parameters=parameters, seed=4
    )
    positions = make_synthetic_cohort.synthetic.node_positions(settings["nodes"])
    people = make_synthetic_cohort.draw_people(settings)
    connectomes = make_synthetic_cohort.draw_connectomes(settings, positions, len(people))
    scans = make_synthetic_cohort.simulate_scans(settings, connectomes, people, "cubnm-1.5T", 2)
    fitted = {**SETTINGS, "simulation": {**SETTINGS["simulation"], "duration": 205.0}}
    simulate_batch = simulators.batch_simulator(fitted, ["L"] * 6 + ["R"] * 6, 1.0, ("fc", "state_means"))
    problems = [
        FitProblem(
            f"{person}_{session}",
            connectomes[person],
            None,
            Target(fc=functional_connectivity(scans[person, 2 * session], pair_indices(12))),
            SearchSpace({"G": (0.3, 3.0)}, {"J_N": 0.15, "w_p": 1.4}),
            Objective({"fc_normec": 1.0}),
            OptimizerSettings("grid", population=16, shape={"G": 16}),
            noise_seed=noise_seeds.of_session(0, str(session)),
        )
        for person in range(10)
        for session in range(2)
    ]
    found = run_fits(problems, simulate_batch, MemoryStore())
    values = np.array([result.best_params["G"] for result in found]).reshape(10, 2, 1)
    return values, np.array([[truth["G"] for truth in person["truth"]] for person in people])


@pytest.mark.slow
def test_the_reliability_of_a_parameter_follows_that_of_its_truth():
    icc = {}
    for session_sd in (0.0, 0.6):
        values, truth = estimates_of(session_sd)
        assert np.corrcoef(values.ravel(), truth.ravel())[0, 1] > 0.7
        icc[session_sd] = core.agreement(values).single[0], core.agreement(truth[:, :, None]).single[0]
    assert icc[0.0][1] == pytest.approx(1.0) and icc[0.6][1] < 0.5
    assert icc[0.0][0] > 0.5 and icc[0.6][0] < icc[0.0][0] - 0.2


@pytest.fixture
def made(tmp_path, monkeypatch):
    """What the section of the report reads, of people with sessions."""
    monkeypatch.setattr(report_cohort.person_figures, "main", report_identifiability.undrawn)
    cohort = report_cohort.MadeCohort(tmp_path, ids=[f"{k:02d}" for k in range(1, 4)], nodes=8)
    sm = cohort.write()
    report_identifiability.write_sessions(tmp_path / "results/cohort")
    sm.params.units = [{**ids, "session_id": name} for ids in sm.params.units for name in ("a", "b")]
    return sm


def test_the_section_says_what_the_numbers_mean(made):
    fit = shown.section(report_identifiability.read(made)).context["fits"][0]
    assert fit["people"] == "12 people, sessions a, b; excluded for missing sessions: 3"
    verdicts = " ".join(fit["verdicts"])
    assert "G: ICC(2,1) 0." in verdicts and "With 12 people, intervals are wide" in verdicts
    assert "Simulated FC is less reliable than the FC it was fitted to" in verdicts
    assert [row["name"] for row in fit["edges"]] == ["empirical", "simulated", "simulated minus empirical"]
    assert fit["picture"].uri.startswith("data:image/svg")


def test_the_page_of_aggregates_leaves_out_few_people(made):
    cohort = report_identifiability.read(made)
    (fit,) = shown.aggregate(cohort).context["fits"]
    assert fit["people"].endswith("excluded for missing sessions: fewer than 5")
    cohort.tables["reliability"]["n_people"] = 4
    context = shown.aggregate(cohort).context
    assert not context["fits"] and context["reason"] == "Fewer than 5 people have the same sessions."


def test_without_sessions_the_section_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(report_cohort.person_figures, "main", report_identifiability.undrawn)
    made = report_cohort.MadeCohort(tmp_path, people=2, nodes=8, restarts=1).write()
    cohort = report_identifiability.read(made)
    context = shown.section(cohort).context
    assert context["reason"].startswith("No person has two sessions") and not context["fits"]
