"""A protocol of two fits, from the scans to the report."""

import pytest
from cohorts import LITTLE_EVIDENCE, TinyCohort
from fit_results import first_candidates, selected


@pytest.mark.slow
def test_a_protocol_of_two_fits_runs_up_to_the_report(snakemake, tmp_path):
    cohort = TinyCohort(tmp_path, participants=("01", "02"))
    fit = cohort.config["fits"].pop("homogeneous")
    simulation = {"duration": 120.0, "burn_in": 20.0, "dt": 1e-3}
    search = {"population": 4, "generations": 2, "restarts": 2}
    cohort.config["simulation"] = {}
    cohort.config["fits"]["fast"] = {
        **fit,
        "protocol": "fast2026",
        "optimizer": search,
        "simulation": simulation,
    }
    cohort.config["evaluation"] = LITTLE_EVIDENCE
    code, text = snakemake(config=cohort.write())
    assert code == 0, text
    results = tmp_path / "results"
    found = {fit: selected(results, f"fits/{fit}/*_fits.tsv") for fit in ("fast-linear", "fast")}
    assert all(row["status"] == "ok" for rows in found.values() for row in rows.values())
    firsts = first_candidates(results, "fast")
    for person, row in found["fast-linear"].items():
        assert float(firsts[person]["param_G"]) == pytest.approx(float(row["param_G"]), abs=1e-9)
    assert "fast-linear" in (results / "report" / "index.html").read_text(encoding="utf-8")
