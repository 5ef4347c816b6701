"""People whose scans have no FCD beside others: nobody loses a fit for them."""

from itertools import permutations

import numpy as np
import pytest
from cohorts import read_tsv
from prepared import PreparedCohort

from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import fit, landscapes


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = PreparedCohort(tmp_path)
    made.settings["objective"] = {"fc_corr": 1.0}
    made.settings["optimizer"] |= {"generations": 1, "restarts": 1}
    return made


def lose_fcd(cohort, unit, **other):
    fc = Archive(cohort.target(unit, "train")).arrays(unit)["fc"]
    cohort.write_target(unit, "train", fc=fc, **other)


def run(cohort):
    sm = cohort.sm("fit")
    fit.main(sm)
    return {row["participant_id"]: row for row in read_tsv(sm.output.fits)}, sm.output.landscape


@pytest.mark.parametrize("lacking", [("01",), ("02",), ("03",), ("01", "03"), ("01", "02", "03")])
def test_whoever_has_no_fcd_is_fitted_and_has_none_of_its_terms(cohort, lacking):
    for name in lacking:
        lose_fcd(cohort, f"sub-{name}")
    rows, landscape = run(cohort)
    assert {row["status"] for row in rows.values()} == {"ok"}
    assert {name for name, row in rows.items() if row["fcd_ks"] == "n/a"} == set(lacking)
    for name in rows:
        found = landscapes.read(landscape, f"sub-{name}")
        if len(lacking) < 3:
            unknown = np.isnan(found.values[:, found.terms.index("fcd_ks")])
            assert unknown.all() == unknown.any() == (name in lacking)
        assert np.isfinite(found.values[:, found.terms.index("fc_corr")]).all()


def test_the_order_of_people_does_not_matter(cohort):
    lose_fcd(cohort, "sub-02")
    found = []
    for order in permutations(cohort.units):
        cohort.units = list(order)
        rows, _ = run(cohort)
        found.append({name: (row["cost"], row["fcd_ks"]) for name, row in rows.items()})
    assert all(one == found[0] for one in found)


def test_a_distribution_function_in_place_of_values_stops_nobody(cohort):
    lose_fcd(cohort, "sub-02", fcd_cdf=np.arange(1, 10_001) / 10_000)
    rows, _ = run(cohort)
    assert {row["status"] for row in rows.values()} == {"ok"} and rows["02"]["fcd_ks"] == "n/a"


def test_an_objective_that_weighs_the_fcd_excludes_who_has_none(cohort):
    cohort.settings["objective"] = {"fc_corr": 1.0, "fcd_ks": 1.0}
    lose_fcd(cohort, "sub-01")
    rows, _ = run(cohort)
    assert rows["01"]["status"] == "excluded" and "no FCD" in rows["01"]["reason"]
    assert rows["02"]["status"] == rows["03"]["status"] == "ok"
