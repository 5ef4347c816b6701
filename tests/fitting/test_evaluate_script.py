"""Rules evaluate, baselines and cohort_tables, and a fitted person simulated again."""

import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import read_tsv
from prepared import N_NODES, PreparedCohort

from cubnm_core.errors import InputError
from workflow_scripts.evidence import baselines, compare_fits, global_signal
from workflow_scripts.export import cohort_tables
from workflow_scripts.files import job, result_tables
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import evaluate, fit, simulators
from workflow_scripts.simulate_person import main as simulate_from_terminal
from workflow_scripts.simulate_person import simulate_person

SEEDS = {"first_seed": 1000, "seeds": 6}
SECOND_SPLIT_MISSING = "sub-02"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Three people, fitted and evaluated; the first was excluded, the second has no usable held-out scan."""
    folder = tmp_path_factory.mktemp("evaluated")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        cohort = PreparedCohort(folder)
        cohort.state("sub-01", "train", status="excluded", reasons=["too short"])
        cohort.state(SECOND_SPLIT_MISSING, "test", status="excluded", reasons=["too short"])
        fit.main(cohort.sm("fit"))
        evaluate.main(cohort.sm("evaluate", **SEEDS))
        yield cohort


def table(cohort, name):
    return pd.read_csv(
        getattr(cohort.sm("evaluate").output, name),
        sep="\t",
        dtype={"participant_id": str},
        keep_default_na=False,
    )


def test_scores_of_every_split_with_the_settings_beside_them(evaluated):
    rows = table(evaluated, "evaluation")
    assert set(zip(rows["participant_id"], rows["split"], strict=True)) == {
        ("02", "train"),
        ("03", "train"),
        ("03", "test"),
    }
    assert set(rows["measure"]) >= {"fc_corr", "fcd_ks", "fc_diff", "fc_normec", "rate_penalty", "cost"}
    assert (
        (rows["n_seeds"] == 6).all()
        and (rows["seeds"] == "1000-1005").all()
        and (rows["pairs"] == "all").all()
    )
    wide = rows.pivot_table(index=["participant_id", "split"], columns="measure", values="mean")
    np.testing.assert_allclose(wide["cost"], -wide["fc_corr"] + wide["fcd_ks"] + 0.5 * wide["rate_penalty"])
    assert (rows["sd"][rows["measure"] == "fc_corr"] > 0).all()


def test_an_error_of_one_person_is_that_of_no_other(evaluated, monkeypatch):
    sm, simulator = evaluated.sm("evaluate", **SEEDS), evaluated.simulator
    models = evaluate.fitted_models(sm, simulator, logging.getLogger())
    _, (_, expected) = simulator.evaluate(models)
    original = simulators.batch_simulator

    def refusing(*given, **named):
        def simulate_batch(weights, *rest):
            if any(np.array_equal(one, models[0][0].weights) for one in weights):
                raise InputError("refused")
            return original(*given, **named)(weights, *rest)

        return simulate_batch

    monkeypatch.setattr(simulators, "batch_simulator", refusing)
    refused, (_, found) = simulator.evaluate(models)
    assert isinstance(refused, InputError)
    np.testing.assert_array_equal(found.scores["train"]["cost"], expected.scores["train"]["cost"])


def test_states_of_every_region_with_units(evaluated):
    rows = table(evaluated, "states")
    counts = rows.groupby(["participant_id", "variable"]).size()
    assert (counts == N_NODES).all()
    assert set(rows["variable"]) >= {"S_E", "I_E", "r_E", "S_I", "I_I", "r_I", "wIE", "S_E/S_I"}
    units = dict(zip(rows["variable"], rows["unit"], strict=True))
    assert (units["S_E"], units["I_E"], units["r_E"], units["wIE"], units["S_E/S_I"]) == (
        "1",
        "nA",
        "Hz",
        "nA",
        "1",
    )


def test_saved_simulation_is_one_that_can_be_had_again(evaluated):
    person = "sub-03"
    saved = job.read_npz(evaluated.sm("evaluate").output.simulations)
    assert set(saved) == {f"{unit}/{name}" for unit in ("sub-02", "sub-03") for name in ("bold", "fc", "fcd")}
    assert saved[f"{person}/bold"].shape == (40, N_NODES)
    finish(evaluated)
    found = []
    for seed in range(SEEDS["first_seed"], SEEDS["first_seed"] + SEEDS["seeds"]):
        run = simulate_person("results", person, "homogeneous", seed=seed)
        found.append(np.array_equal(run.bold[0, run.n_burn_in :], saved[f"{person}/bold"]))
    assert sum(found) == 1


def test_simulating_from_the_terminal(evaluated, capsys):
    finish(evaluated)
    simulate_from_terminal(["results", "sub-02", "homogeneous", "--seed", "5", "--output", "again.npz"])
    assert "again.npz" in capsys.readouterr().out
    arrays = job.read_npz("again.npz")
    run = simulate_person("results", "sub-02", "homogeneous", seed=5)
    np.testing.assert_array_equal(arrays["fc"], run.fc[0])
    np.testing.assert_array_equal(arrays["param_wIE"], run.params["wIE"][0])


@pytest.mark.parametrize(
    ("unit", "name", "complaint"),
    [
        ("sub-01", "homogeneous", "'sub-01' has no fit"),
        ("sub-03", "homogenous", "did you mean 'homogeneous'"),
    ],
)
def test_simulating_somebody_without_a_fit_is_refused(evaluated, unit, name, complaint):
    finish(evaluated)
    with pytest.raises(InputError, match=complaint):
        simulate_person("results", unit, name)


def finish(cohort):
    """Write what the cohort tables hold for a repeated simulation."""
    outputs = {"fits": cohort.sm("fit").output, "regional_parameters": cohort.sm("evaluate").output}
    for name, output in outputs.items():
        job.write_tsv(f"results/cohort/{name}.tsv", result_tables.concatenate([getattr(output, name)]))
    stored = {"fits": {"homogeneous": cohort.settings}, "hemispheres": ["L"] * 4 + ["R"] * 4}
    stored["batches"] = cohort.batches
    job.write_json("results/cohort/provenance.json", stored)


def baselines_of(cohort, families=None):
    """Run the rules of the baselines; give their rows."""
    rates = {**cohort.settings, "objective": {"rate_penalty": 1.0}}
    fits = {"homogeneous": cohort.settings, "rates": rates}
    sm = cohort.sm(
        "evaluate", analysis=cohort.settings["analysis"], fits=fits, families=families or {}, **SEEDS
    )
    sm.output = ["results/baselines/batch-001_global_signal.tsv"]
    global_signal.main(sm)
    sm.input.global_signal, sm.output = sm.output, ["results/cohort/baselines.tsv"]
    baselines.main(sm)
    return read_tsv(sm.output[0])


def test_baselines_of_everybody_with_a_scan(evaluated):
    rows = baselines_of(evaluated)
    found = {
        (row["participant_id"], row["split"], row["measure"])
        for row in rows
        if row["fit"] in ("n/a", "homogeneous")
    }
    signal = {f"global_signal_{name}" for name in ("fc", "ks", "cost", "share", "autocorrelation")}
    once = {"sc_fc", "diffusion_fc", "group_mean_fc", "distance_fc"} | signal
    found_once = {"distance_decay", "diffusion_coupling"}
    known = {("02", "train"): once | found_once, ("03", "train"): once | found_once}
    known["03", "test"] = once - {"global_signal_share", "global_signal_autocorrelation"}
    known["03", "test"] |= {"scan_rescan_fc", "scan_rescan_ks"}
    assert found == {(*place, measure) for place, measures in known.items() for measure in measures}
    values = {(row["participant_id"], row["split"], row["measure"]): row for row in rows}
    fc = {
        split: Archive(evaluated.target("sub-03", split)).arrays("sub-03")["fc"]
        for split in ("train", "test")
    }
    assert float(values["03", "test", "scan_rescan_fc"]["value"]) == pytest.approx(
        np.corrcoef(fc["train"], fc["test"])[0, 1]
    )
    assert values["03", "test", "group_mean_fc"]["value"] == "n/a"
    assert values["03", "test", "distance_fc"]["note"].startswith("lengths of tracts")
    assert {row["window"] for row in rows if row["value"] != "n/a"} == {"10.0"}


def test_relatives_are_no_others_for_the_group_mean(evaluated):
    def trained(families=None):
        rows = [row for row in baselines_of(evaluated, families) if row["measure"] == "group_mean_fc"]
        return {row["participant_id"]: (row["value"], row["n"]) for row in rows if row["split"] == "train"}

    alone = trained()
    assert {n for _, n in alone.values()} == {"1"} and "n/a" not in dict(alone.values())
    assert set(trained({"02": "f", "03": "f"}).values()) == {("n/a", "0")}
    assert trained({"02": "f", "03": "g"}) == alone


def test_a_global_signal_has_the_cost_of_its_fit_but_for_firing_rates(evaluated):
    rows = [row for row in baselines_of(evaluated) if row["measure"].startswith("global_signal")]
    mine = {
        (row["participant_id"], row["split"], row["measure"]): float(row["value"])
        for row in rows
        if row["fit"] == "homogeneous"
    }
    for place in (("02", "train"), ("03", "train"), ("03", "test")):
        fc, ks, cost = (mine[(*place, f"global_signal_{name}")] for name in ("fc", "ks", "cost"))
        assert cost == pytest.approx(ks - fc)
    assert {row["seeds"] for row in rows if row["fit"] == "homogeneous"} == {"1000-1005"}
    without = [row for row in rows if row["fit"] == "rates"]
    assert {row["note"] for row in without} == {global_signal.NO_TERM}
    assert [row["value"] for row in without] == ["n/a"] * 2


def test_fits_are_compared_with_baselines_and_their_optimism_is_parted(evaluated):
    baselines_of(evaluated)
    paths = {"fits": evaluated.sm("fit").output.fits, "baselines": "results/cohort/baselines.tsv"}
    paths["evaluation"] = evaluated.sm("evaluate").output.evaluation
    sm = evaluated.sm("evaluate", fits={"homogeneous": evaluated.settings})
    sm.input = SimpleNamespace(**paths)
    sm.output = SimpleNamespace(
        optimism="results/cohort/optimism.tsv", comparison="results/cohort/fit_comparison.tsv"
    )
    compare_fits.main(sm)
    fits, scores = read_tsv(paths["fits"]), read_tsv(paths["evaluation"])
    for row in read_tsv(sm.output.optimism):
        key = row["participant_id"], row["measure"]
        (search,) = [
            fit[key[1]] for fit in fits if fit["participant_id"] == key[0] and fit["selected"] == "True"
        ]
        known = {
            score["split"]: score["mean"]
            for score in scores
            if (score["participant_id"], score["measure"]) == key
        }
        assert float(row["search"]) == pytest.approx(float(search))
        assert row["train"] == known["train"] and row["test"] == known.get("test", "n/a")
        assert float(row["seed_part"]) == pytest.approx(float(row["train"]) - float(search))
    rows = {row["other"]: row for row in read_tsv(sm.output.comparison)}
    assert set(rows) == {*compare_fits.BASELINES} - {"group_mean_fc"}  # of whom nobody else has a scan
    assert all(
        row["split"] == "test" and row["n_people"] == "1" and row["p"] == "n/a" for row in rows.values()
    )
    assert rows["global_signal_cost"]["measure"] == compare_fits.BOLD_COST


def scores(people, fit, value, sessions=("n/a",), split="test"):
    """Rows of an evaluation."""
    return [
        {
            "participant_id": f"{person:02d}", "session_id": session, "fit": fit, "split": split,
            "measure": "fc_corr", "mean": value + 0.01 * person + 0.2 * number,
        }
        for person in range(people)
        for number, session in enumerate(sessions)
    ]  # fmt: skip


def test_sessions_are_averaged_and_pairs_of_fits_corrected_together():
    rows = [*scores(8, "a", 0.3, ("1", "2")), *scores(8, "b", 0.35), *scores(7, "c", 0.1)]
    evaluation = pd.DataFrame(rows).assign(**dict.fromkeys(compare_fits.scoring.ANALYSIS, "all"))
    none = pd.DataFrame(columns=["participant_id", "session_id", "fit", "split", "measure", "value"])
    settings = {fit: {"objective": {"fc_corr": 1.0}, "objectives": [], "terms": {}} for fit in "abc"}
    found = {
        (row["fit"], row["other"]): row for row in compare_fits.comparison_rows(evaluation, none, settings)
    }
    assert set(found) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert found["a", "b"]["n_people"] == 8 and found["a", "c"]["n_people"] == 7
    assert found["a", "b"]["difference"] == pytest.approx(0.05)
    p = [row["p"] for row in found.values()]
    assert p == pytest.approx([2 / 2**8, 2 / 2**7, 2 / 2**7])
    assert [row["p_corrected"] for row in found.values()] == pytest.approx([6 / 2**8, 4 / 2**7, 4 / 2**7])


def test_costs_of_different_objectives_are_not_compared():
    rows = [{**row, "measure": "cost"} for fit in "ab" for row in scores(8, fit, 0.1, split="train")]
    evaluation = pd.DataFrame(rows).assign(**dict.fromkeys(compare_fits.scoring.ANALYSIS, "all"))
    none = pd.DataFrame(columns=["participant_id", "session_id", "fit", "split", "measure", "value"])
    stated = [{"objective": {"fc_corr": weight}, "objectives": [], "terms": {}} for weight in (1.0, 2.0)]
    assert compare_fits.comparison_rows(evaluation, none, dict(zip("ab", stated, strict=True))) == []
    (row,) = compare_fits.comparison_rows(evaluation, none, dict.fromkeys("ab", stated[0]))
    assert row["split"] == "train" and row["difference"] == 0 and row["p"] == 1


def test_recovery_sets_free_parameters_of_selected_fits_beside_the_truth(evaluated):
    fits = result_tables.read_texts(evaluated.sm("fit").output.fits)
    known = [
        {"participant_id": "02", "session_id": "n/a", "parameter": name, "value": "1.5"}
        for name in ("G", "J_N", "sigma")
    ]
    (row,) = cohort_tables.recovery_rows(pd.DataFrame(known), fits, {"homogeneous": evaluated.settings})
    best = fits[(fits["participant_id"] == "02") & (fits["selected"] == "True")].iloc[0]
    assert (row["parameter"], row["truth"], row["estimate"]) == ("G", "1.5", best["param_G"])


def test_exclusions_name_each_cause_once():
    ids = {"participant_id": "01", "session_id": "", "unit": "sub-01"}
    bold = {**ids, "status": "excluded", "reasons": ["run 1: flat", "run 2: flat"]}
    target = {**ids, "status": "excluded", "reasons": bold["reasons"], "split": "train"}
    records = {"connectome": [{**ids, "status": "ok", "reasons": []}], "bold": [bold], "targets": [target]}
    failed = {
        "participant_id": "02",
        "session_id": "n/a",
        "fit": "a",
        "restart": "1",
        "status": "failed",
        "reason": "diverged",
    }
    rows = cohort_tables.exclusion_rows(records, pd.DataFrame([failed]))
    assert [(row["participant_id"], row["stage"], row["reason"]) for row in rows] == [
        ("01", "bold", "run 1: flat"),
        ("01", "bold", "run 2: flat"),
        ("02", "fit", "restart 1: diverged"),
    ]


def test_hashes_of_several_optional_tables(tmp_path):
    paths = [tmp_path / f"{name}.tsv" for name in ("manifest", "nodes", "truth")]
    for path in paths:
        path.write_text(path.name)
    manifest, nodes, truth = map(str, paths)
    none = {"participants": [], "maps": [], "terms": [], "models": []}
    inputs = SimpleNamespace(manifest=manifest, nodes=nodes, truth=truth, **none)
    elsewhere = {"precomputed": [{"path": "FC.csv", "sha256": "abc"}]}
    records = {"connectome": [], "bold": [], "targets": [elsewhere, {}]}
    hashes = cohort_tables.input_hashes(inputs, records)
    assert hashes.pop("FC.csv") == "abc"
    assert hashes == {path: job.sha256(path) for path in (manifest, nodes, truth)}


@pytest.mark.slow
def test_a_model_that_stands_for_bold_goes_the_whole_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path)
    cohort.settings |= {"model": "Hopf", "fic": None, "rate_limits": None, "fixed": {}}
    cohort.settings |= {"free": {"G": [0.1, 3.0], "a": [-0.1, 0.1]}, "objective": {"fc_corr": 1.0}}
    cohort.settings["simulation"] |= {"hemodynamics": None, "dt": 1e-2, "hemodynamic_dt": 1e-2}
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", **SEEDS))
    assert {row["status"] for row in read_tsv(cohort.sm("fit").output.fits)} == {"ok"}
    states = table(cohort, "states")
    assert set(states["variable"]) == {"x", "y"} and len(states) == 3 * 2 * N_NODES
