"""The plan: what a dry run counts, what simulations take here and elsewhere."""

import json
import math
import re

import pytest
from cohorts import TinyCohort

from workflow_scripts.configuration import configuration, fit_settings
from workflow_scripts.planning import estimates, plan

FREE = {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}
FIT = {"fic": "analytical", "free": FREE, "optimizer": {"population": 4, "generations": 3, "restarts": 2}}


def resolved(**changes):
    """Settings of a fit as the workflow resolves them."""
    config = {
        "manifest": "manifest.tsv",
        "nodes": "nodes.tsv",
        "bold": {"hemodynamics": "cubnm-3T"},
        "simulation": {"duration": 60.0, "burn_in": 10.0, "dt": 1.0e-3},
        "fits": {"one": FIT | changes},
    }
    return fit_settings.resolve_fit(configuration.validate(config), "one")


def test_the_plan_agrees_with_the_dry_run_and_runs_nothing(snakemake, tmp_path):
    cohort = TinyCohort(tmp_path, participants=("01", "02", "03"))
    cohort.config |= {"batch_size": 2, "fits": {"one": FIT}, "evaluation": {"seeds": 5}}
    _, dry = snakemake("--dry-run", config=cohort.write())
    counted = dict(re.findall(r"^(\w+) +(\d+)$", dry, flags=re.MULTILINE))
    code, text = snakemake("plan", config=cohort.write())
    assert code == 0, text
    shown = {rule: (jobs, files) for rule, jobs, files in re.findall(r"^(\w+) +(\d+) +(\d+)$", text, re.M)}
    assert "people: 3, batches: 2, nodes: 6" in text
    assert {rule: jobs for rule, (jobs, _) in shown.items() if rule != "all"} == {
        rule: jobs for rule, jobs in counted.items() if rule not in ("all", "total")
    }
    fits = 3 * 4 * 3 * 2
    assert re.search(rf"^one +fit +{fits} +{fits * 120} ", text.replace(",", ""), re.M), text
    assert re.search(r"^one +evaluate +15 ", text, re.M)
    assert re.search(rf"^one +profiles +{3 * (1 + 2 * 6) * 2} ", text, re.M)
    assert "measured now with these settings" in text
    # Two batches have 8 cores each; the fit of all folds is one job.
    hours = float(re.search(r"^all .* (\S+) +not measured$", text, re.M).group(1))
    on_two, on_many = re.findall(r"^(?:2|64) +(\S+)$", text, re.M)
    assert float(on_two) == pytest.approx(hours / 2, rel=0.02)
    assert float(on_many) == pytest.approx(hours / 16, rel=0.2)
    assert not (tmp_path / "results").exists()


def test_files_of_a_job_are_counted():
    text = (
        "localrule all:\n    input: a\nrule fit:\n    input: x, y\n    output: a, b\n    log: c\n"
        "    benchmark: d\n    wildcards: fit=one, batch=001\n"
    )
    assert plan.parse_table(text) == [plan.PlannedJob("fit", {"fit": "one", "batch": "001"}, 4)]


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 24),
        ({"optimizer": {"name": "grid", "shape": {"G": 5, "w_p": 3}}}, 15),
        ({"replicates": 3}, 72),
        ({"retest": {"candidates": 5, "seeds": 10}}, 24 + 2 * 5 * 10),
    ],
)
def test_most_simulations_of_a_person(changes, count):
    assert estimates.most_simulations(resolved(**changes)) == count


def test_a_warm_up_is_simulated_too():
    slow = resolved(fic={"method": "plasticity", "warm_up": 20.0})
    assert estimates.simulated_seconds(slow) == 80.0
    assert estimates.simulated_seconds(resolved()) == 60.0
    assert estimates.simulated_seconds(resolved(fic={"method": "numerical", "trials": 3})) == 90.0


def test_wall_time_is_that_of_the_cores_which_jobs_can_use():
    stages = [estimates.Stage("one", "fit", 3600, 1.0, 4), estimates.Stage("one", "fold_fit", 3600, 1.0, 1)]
    seconds = {"one": 16.0}
    assert estimates.estimate_hours(2, stages, seconds) == 8 + 8
    assert estimates.estimate_hours(64, stages, seconds) == 16 / 32 + 16 / 8


def test_a_search_in_coarser_steps_costs_less_than_its_re_test():
    """64 restarts' simulations of a sixth of the cost and 16 at full cost, against what each rule counts."""
    search = {"optimizer": {"population": 4, "generations": 2, "restarts": 2}, "replicates": 4}
    search |= {"retest": {"candidates": 2, "seeds": 4}}
    steps = {"search_steps": {"dt": 6e-3, "hemodynamic_dt": 6e-3}}
    fits = {"plain": resolved(**search), "coarse": resolved(**search, **steps)}
    assert estimates.most_simulations(fits["coarse"]) == 64 + 16
    assert estimates._cost(fits, "coarse", "fit") == pytest.approx((64 / 6 + 16) / 80)
    assert estimates._cost(fits, "coarse", "evaluate") == estimates._cost(fits, "plain", "fit") == 1.0
    whole, part = (estimates.Stage("coarse", "fit", 80, 1.0, 1, cost) for cost in (1.0, 0.25))
    hours = [estimates.estimate_hours(1, [stage], {"coarse": 45.0}) for stage in (whole, part)]
    assert hours == [1.0, 0.25]


def test_tables_of_benchmarks_are_interpolated_in_nodes_and_scaled_in_steps(tmp_path):
    rows = [
        {
            "model": "rWW",
            "nodes": nodes,
            "batch": batch,
            "precision": "single",
            "seconds": {"cubnm_core": {"median": nodes**1.5 / batch}},
        }
        for nodes in (100, 400)
        for batch in (1, 64)
    ]
    machine = {"processor": "CPU 1", "family": "6", "model": ""}
    (tmp_path / "throughput_a.json").write_text(
        json.dumps({"cases": {"rows": rows}, "machine": machine}), encoding="utf-8"
    )
    ((name, (unit, known)),) = estimates.read_measurements(tmp_path).items()
    assert (name, unit) == ("throughput_a.json", "one core of CPU 1 (family 6)")
    fit = resolved()
    found = estimates.scale(known, fit, 200)
    assert math.isclose(found, 200**1.5 / 64 * (60.0 / 1e-3) / (60.0 / 1e-4))
    assert estimates.scale(known, fit, 40) is None and estimates.scale(known, fit, 1000) is None
    assert estimates.scale(known, {**fit, "model": "rWWEx"}, 200) is None
    assert estimates.scale(known, {**fit, "delays": True}, 200) is None


def test_tables_of_cards_are_read_too(tmp_path):
    rows = [{"nodes": 100, "batch": batch, "dt": 1e-4, "rate": 1e3 * batch} for batch in (1, 64)]
    rows.append({"nodes": 1000, "batch": 64, "dt": 1e-3, "rate": 1e4})
    failed = {"nodes": 100, "batch": 32768, "dt": 1e-4, "failed": "MemoryError: full"}
    stored = {"card": "Card 9", "batches": [*rows[:2], failed], "nodes": rows[2:]}
    (tmp_path / "card-9.json").write_text(json.dumps(stored), encoding="utf-8")
    (tmp_path / "another.json").write_text(json.dumps({"cases": {"rows": []}}), encoding="utf-8")
    ((unit, known),) = estimates.read_measurements(tmp_path).values()
    assert unit.startswith("one Card 9")
    steps = 60.0 / 1e-3
    assert math.isclose(estimates.scale(known, resolved(), 100), steps * 1e-4 / 64e3)
    assert math.isclose(estimates.scale(known, resolved(), 1000), steps * 1e-3 / 1e4)
