"""``simulation.dt: auto``: steps to choose from, the choice, its record, and fits that wait for it."""

from types import SimpleNamespace

import numpy as np
import pytest
from planned_jobs import counts
from prepared import PreparedCohort

from cubnm_core.errors import InputError
from workflow_scripts.configuration import configuration, fit_settings
from workflow_scripts.files import job
from workflow_scripts.files.damage import Damaged
from workflow_scripts.fitting import choose_time_step, time_steps

STEPS = [1e-4, 5e-4, 1e-3]


def config(**simulation):
    return {
        "manifest": "manifest.tsv",
        "nodes": "nodes.tsv",
        "bold": {"hemodynamics": "cubnm-3T"},
        "simulation": {"duration": 300.0, "dt": "auto", **simulation},
        "fits": {"one": {"free": {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}}},
    }


def resolved(stated):
    return fit_settings.resolve_fit(configuration.validate(stated), "one")


@pytest.mark.parametrize(
    ("outer", "steps"), [(1e-3, STEPS), (2e-3, [*STEPS, 2e-3]), (5e-3, STEPS), (5e-4, STEPS[:2])]
)
def test_steps_to_choose_from_divide_the_haemodynamic_one(outer, steps):
    fit = resolved(config(hemodynamic_dt=outer))
    assert fit["step_choice"] == steps and fit["simulation"]["dt"] == 1e-4


def test_a_model_may_need_finer_steps():
    stated = config()
    stated["fits"]["one"] |= {"model": "MPR", "free": {"G": [0.0, 1.0], "eta": [-6.0, -4.0]}}
    assert resolved(stated)["step_choice"] == [1e-5, 5e-5, 1e-4, 2e-4]


def test_a_fit_may_choose_alone():
    stated = config(dt=1e-4)
    stated["fits"]["one"]["simulation"] = {"dt": "auto"}
    assert resolved(stated)["step_choice"] == STEPS
    assert "step_choice" not in resolved(config(dt=1e-4))


@pytest.mark.parametrize(
    ("simulation", "message"),
    [
        (
            {"hemodynamic_dt": 3e-4},
            r"dt is auto, and none of the steps to choose from .* make it 0.001",
        ),
        ({"dt": "fast"}, "simulation.dt: 'fast'"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(simulation, message):
    with pytest.raises(InputError, match=message):
        resolved(config(**simulation))


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """One prepared person who stands for the average of a cohort."""
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path, people=("01",))
    cohort.settings["simulation"] |= {"hemodynamic_dt": 4e-3, "dt": 4e-4}
    cohort.settings["step_choice"] = [4e-4, 4e-3]
    return cohort


def choose(cohort):
    """Run the rule and read its record."""
    sm = cohort.sm("fit")
    path = time_steps.RECORD.format(fit="homogeneous")
    sm.output = SimpleNamespace(json=path)
    choose_time_step.main(sm)
    return job.read_json(path, time_steps.KEEP)


@pytest.mark.slow
def test_a_step_is_chosen_and_read_by_the_next_run(cohort, monkeypatch):
    monkeypatch.setattr(choose_time_step, "POINTS", 4)
    monkeypatch.setattr(choose_time_step, "SEEDS", 3)
    record = choose(cohort)
    assert record["dt"] in cohort.settings["step_choice"] and record["finest"] == 4e-4
    (step,) = record["steps"]
    assert step["dt"] == 4e-3 and step["reason"].startswith("taken" if record["dt"] == 4e-3 else "refused: ")
    assert {shift["score"] for shift in record["shifts"]} == {"fc_corr", "fcd_ks", "rate_penalty"}
    settled = time_steps.settle(cohort.settings, "homogeneous")
    assert settled["simulation"]["dt"] == record["dt"] and "step_choice" not in settled
    assert time_steps.require(settled, "homogeneous") is settled


@pytest.mark.slow
def test_scores_of_all_steps_lie_on_one_path(cohort, monkeypatch):
    monkeypatch.setattr(choose_time_step, "POINTS", 4)
    (person,) = cohort.read()[0].values()
    nodes = [{"label": f"n{i}", "hemisphere": "LR"[i // 4]} for i in range(8)]
    fine, coarse = (choose_time_step.scores(person, cohort.settings, dt, nodes, 2) for dt in (4e-4, 4e-3))
    apart = {**cohort.settings, "step_choice": [4e-3]}
    other = choose_time_step.scores(person, apart, 4e-3, nodes, 2)["fc_corr"]
    distance = np.abs(coarse["fc_corr"] - fine["fc_corr"]).mean()
    assert fine["fc_corr"].shape == (4, 8) and distance < np.abs(other - fine["fc_corr"]).mean() / 3


def test_a_cohort_without_an_average_keeps_the_finest_step(cohort):
    cohort.state("sub-01", "train", status="excluded", reasons=["run 1: flat"], repetition_time=1.0)
    record = choose(cohort)
    assert record["dt"] == 4e-4 and "no average: run 1: flat" in record["steps"][0]["reason"]


def test_another_fit_needs_another_choice(cohort):
    cohort.state("sub-01", "train", status="excluded", reasons=["run 1: flat"], repetition_time=1.0)
    choose(cohort)
    searched = {**cohort.settings, "noise_seed": 7, "retest": {"best": 3}}
    assert time_steps.settle(searched, "homogeneous")["simulation"]["dt"] == 4e-4
    assert "step_choice" not in time_steps.settle(searched, "homogeneous")
    for change in ({"free": {"G": [0.5, 4.0]}}, {"fic": None}, {"objective": {"fc_corr": 1.0}}):
        changed = time_steps.settle({**cohort.settings, **change}, "homogeneous")
        with pytest.raises(InputError, match=r"simulation.dt is auto, .* \(snakemake time_steps"):
            time_steps.require(changed, "homogeneous")


def test_a_damaged_record_is_named(cohort):
    job.write_json(time_steps.RECORD.format(fit="homogeneous"), {"dt": "coarse"})
    with pytest.raises(Damaged, match=r"homogeneous_time_step.json.*run snakemake time_steps"):
        time_steps.settle(cohort.settings, "homogeneous")


@pytest.mark.slow
def test_fits_wait_for_the_choice_and_follow_it(snakemake, tiny_cohort):
    tiny_cohort.config["simulation"]["dt"] = "auto"
    code, text = snakemake("fits", "--dry-run", config=tiny_cohort.write())
    assert code != 0 and "fits.homogeneous: simulation.dt is auto" in text and "snakemake time_steps" in text
    code, text = snakemake("time_steps", "--dry-run", config=tiny_cohort.write())
    assert code == 0, text
    planned = counts(text)
    assert planned["choose_time_step"] == planned["group_average"] == 1 and "fit" not in planned
    stated = configuration.validate(tiny_cohort.config)
    digest = time_steps.settings_digest(fit_settings.resolve_fit(stated, "homogeneous"))
    record = tiny_cohort.folder / time_steps.RECORD.format(fit="homogeneous")
    job.write_json(record, {"dt": 1e-3, "settings": digest})
    code, text = snakemake("fits", "--dry-run", config=tiny_cohort.write())
    assert code == 0, text
    assert counts(text)["fit"] == 1 and "choose_time_step" not in counts(text)
