"""Conduction delays from the manifest to a fitted person."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import LABELS, SHORT_SCANS, alone, labelled, read_record, read_tsv, symmetric
from prepared import PreparedCohort
from preparing import Preparation, of_tables

from cubnm_core import simulate
from cubnm_core.errors import InputError
from workflow_scripts.cohort import table_checks, tables
from workflow_scripts.configuration import configuration, fit_settings
from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES
from workflow_scripts.export import cohort_tables
from workflow_scripts.files import job, result_tables
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import evaluate, fit, people, simulators
from workflow_scripts.preparation import make_synthetic_cohort
from workflow_scripts.simulate_person import simulate_person

pytestmark = pytest.mark.slow

VELOCITY = {"delays": True, "free": {"G": [0.5, 3.0], "v": [2.0, 10.0]}}


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Prepared people; the first has no tract lengths."""
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path)
    cohort.write_connectome("sub-01", weights=read(cohort, "sub-01")["weights"])
    cohort.settings |= VELOCITY
    return cohort


def read(cohort, unit):
    return Archive(cohort.connectome(unit)).arrays(unit)


def test_a_delayed_fit_is_evaluated_and_simulated_again(cohort):
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", first_seed=1000, seeds=2))
    rows = read_tsv(cohort.sm("fit").output.fits)
    (excluded,) = [row for row in rows if row["participant_id"] == "01"]
    assert excluded["status"] == "excluded" and "no tract lengths" in excluded["reason"]
    best = {row["participant_id"]: row for row in rows if row["selected"] == "True"}
    assert all(2.0 <= float(row["param_v"]) <= 10.0 for row in best.values()) and set(best) == {"02", "03"}

    saved = job.read_npz(cohort.sm("evaluate").output.simulations)["sub-02/bold"]
    outputs = {"fits": cohort.sm("fit").output, "regional_parameters": cohort.sm("evaluate").output}
    for name, output in outputs.items():
        job.write_tsv(f"results/cohort/{name}.tsv", result_tables.concatenate([getattr(output, name)]))
    stored = {"fits": {"homogeneous": cohort.settings}, "hemispheres": list("LLLLRRRR")}
    stored["batches"] = cohort.batches
    job.write_json("results/cohort/provenance.json", stored)
    again = [simulate_person("results", "sub-02", "homogeneous", seed=seed) for seed in (1000, 1001)]
    assert sum(np.array_equal(run.bold[0, run.n_burn_in :], saved) for run in again) == 1
    faster = simulate_person("results", "sub-02", "homogeneous", seed=1000, lengths=np.zeros((8, 8)))
    assert not np.array_equal(faster.bold, again[0].bold)


def test_each_person_of_a_batch_has_lengths_of_their_own(cohort):
    prepared = [read(cohort, unit) for unit in ("sub-02", "sub-03")]
    weights, lengths = (np.stack([person[name] for person in prepared]) for name in ("weights", "lengths"))
    simulate_batch = simulators.batch_simulator(cohort.settings, list("LLLLRRRR"), 1.0, ("bold",))
    params = {"G": np.array([1.0, 1.2, 1.4]), "v": np.array([3.0, 5.0, 7.0])}
    order = np.array([1, 0, 1])
    together = simulate_batch(weights, order, params, np.zeros(3, int), lengths)
    for row, person in enumerate(order):
        alone = simulate(
            "rWW",
            weights[person],
            {name: values[row] for name, values in params.items()},
            lengths=lengths[person],
            seed=0,
            record=("bold",),
            **simulators.simulation_keywords(cohort.settings, 1.0),
        )
        np.testing.assert_array_equal(together.bold[row], alone.bold[0])


def test_lengths_are_in_the_fingerprint_of_delayed_fits_only(cohort):
    before = cohort.marks()
    cohort.settings |= {"delays": False, "free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]}}
    without = cohort.marks()
    arrays = read(cohort, "sub-02")
    cohort.write_connectome("sub-02", weights=arrays["weights"], lengths=2 * arrays["lengths"])
    assert cohort.marks() == without
    cohort.settings |= VELOCITY
    changed = {key for key, mark in cohort.marks().items() if mark != before[key]}
    assert changed == {"sub-02_restart-0", "sub-02_restart-1"}


def test_nobody_with_lengths_is_found_before_the_first_job(tiny_cohort):
    tiny_cohort.config["fits"]["homogeneous"] |= {"delays": True, "fixed": {"v": 5.0}}
    with pytest.raises(InputError, match=r"fits.homogeneous.delays: .* no row of kind length"):
        tiny_cohort.read()
    tiny_cohort.add("02", "length", labelled(10 * symmetric(4)))
    assert any(row["kind"] == "length" for row in tiny_cohort.read())


def prepared_lengths(cohort, lengths, labels=LABELS):
    """Prepare the connectome of the first person with these lengths."""
    cohort.add("01", "length", labelled(lengths, labels))
    return alone(of_tables(cohort).aligned(), "sub-01")


def test_asymmetric_lengths_are_kept_and_aligned(tiny_cohort):
    lengths = 10 * np.triu(symmetric(4)) + 12 * np.tril(symmetric(4))
    order = [3, 1, 5, 0, 2, 4]
    output = prepared_lengths(tiny_cohort, lengths[np.ix_(order, order)], [LABELS[place] for place in order])
    np.testing.assert_allclose(job.read_npz(output.npz)["lengths"], lengths)
    (note,) = job.read_json(output.json)["qc"]["notes"]
    assert "sub-01_length.tsv: not symmetric" in note


@pytest.mark.parametrize(("value", "word"), [(-1.0, "negative"), (np.nan, "NaN or infinite")])
def test_wrong_lengths_exclude_their_person(tiny_cohort, value, word):
    lengths = 10 * symmetric(4)
    lengths[0, 3] = value
    status, reasons = read_record(prepared_lengths(tiny_cohort, lengths).json)
    assert status == "excluded" and word in reasons and "sub-01_length.tsv" in reasons


def test_missing_lengths_are_told_among_the_exclusions():
    ids = {"participant_id": "01", "session_id": "n/a"}
    rows = [
        {**ids, "fit": name, "restart": "n/a", "status": "excluded", "reason": reason}
        for name, reason in (("slow", people.NO_LENGTHS), ("fast", "run 1: flat"))
    ]
    bold = {**ids, "unit": "sub-01", "status": "excluded", "reasons": ["run 1: flat"]}
    records = {"connectome": [], "bold": [bold], "targets": []}
    found = cohort_tables.exclusion_rows(records, pd.DataFrame(rows))
    assert [(row["stage"], row["fit"]) for row in found] == [("bold", None), ("fit", "slow")]


MADE = {
    **SYNTHETIC_TABLES,
    "synthetic": {"participants": 4, "nodes": 8, "scan_duration": 40.0, "dt": 1.0e-3},
    "bold": {"hemodynamics": "cubnm-1.5T", **SHORT_SCANS},
    "analysis": {"window": 10.0, "window_step": 2.0},
    "simulation": {"duration": 45.0, "burn_in": 5.0, "dt": 1.0e-3, "hemodynamic_dt": 5.0e-3},
    "fits": {
        "homogeneous": {
            "fic": "analytical",
            "optimizer": {"population": 4, "generations": 2, "restarts": 1},
            **VELOCITY,
        }
    },
}


def test_a_made_cohort_is_fitted_with_delays(tmp_path, monkeypatch):
    """From the files of a synthetic cohort, through the scripts, to velocities."""
    monkeypatch.chdir(tmp_path)
    config = configuration.validate(MADE)
    rows = table_checks.read_tables(config)
    made = SimpleNamespace(synthetic=config["synthetic"], manifest=rows, hemodynamics="cubnm-1.5T")
    output = SimpleNamespace(**SYNTHETIC_TABLES)
    make_synthetic_cohort.main(SimpleNamespace(params=made, output=output, log=["log.txt"], threads=1))

    resolved = fit_settings.resolve_fit(config, "homogeneous")
    people = dict(list(tables.units(rows, "individual").items())[:2])
    prepared = Preparation(tmp_path, config, people)
    prepared.decide()
    connectomes, target = prepared.connectomes(), prepared.targets(needs_fcd=False)
    units = prepared.units

    inputs = SimpleNamespace(
        connectomes=[connectomes.npz],
        targets=[target.npz],
        nodes=prepared.nodes,
    )
    fit.main(
        SimpleNamespace(
            input=inputs,
            output=SimpleNamespace(
                fits="fits.tsv",
                convergence="convergence.tsv",
                front="front.tsv",
                landscape="landscape.npz",
            ),
            resources=SimpleNamespace(runtime=60, histories="histories", other_device="warn"),
            params=SimpleNamespace(units=units, settings=resolved),
            wildcards=SimpleNamespace(fit="homogeneous", batch="001"),
            log=["log.txt"],
            threads=1,
        )
    )
    fitted = read_tsv("fits.tsv")
    assert [(row["participant_id"], row["status"]) for row in fitted] == [("01", "ok"), ("02", "ok")]
    assert all(2.0 <= float(row["param_v"]) <= 10.0 for row in fitted)
