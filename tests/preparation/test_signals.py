"""Scans that mean nothing exclude their person, with the reason, and nobody else."""

import numpy as np
import pytest
import yaml
from cases import copy_case
from cohorts import LABELS, SHORT_SCANS, TinyCohort, labelled, read_tsv, smooth_noise
from preparing import Preparation, finished, of_tables, rewrite

from workflow_scripts.cohort import table_checks, tables
from workflow_scripts.configuration import configuration
from workflow_scripts.files.archives import Archive

PEOPLE = ("01", "02", "03")


def scan(seed=11, volumes=150):
    return smooth_noise(np.random.default_rng(seed), volumes)


def with_volumes(where, value):
    values = scan()
    values[where] = value
    return values


def with_parcel(parcel, where, value):
    values = scan()
    values[where, parcel] = value
    return values


def frozen(first, stop):
    values = scan()
    values[first:stop] = values[first]
    return values


MEANINGLESS = {
    "zero from a volume on": (with_volumes(slice(60, None), 0.0), "90 of 150 volumes, from volume 60 on"),
    "zero at the start": (with_volumes(slice(0, 12), 0.0), "12 of 150 volumes, from volume 0 on"),
    "zero in the middle": (with_volumes(slice(70, 90), 0.0), "20 of 150 volumes, from volume 70 on"),
    "zero here and there": (with_volumes([20, 90, 91], 0.0), "(counted from 0; 20, 90 to 91)"),
    "all zero": (np.zeros((150, 6)), "150 of 150 volumes"),
    "constant from a volume on": (frozen(100, 150), "repeat the volume before"),
    "constant in the middle": (frozen(40, 60), "19 of 150 volumes, from volume 41 on"),
    "one value": (np.full((150, 6), 7.5), "repeat the volume before"),
    "no number in the middle": (with_volumes(slice(50, 60), np.nan), "hold no number in any parcel"),
    "no number at all": (np.full((150, 6), np.nan), "holds no number at all"),
    "overflow": (with_parcel(2, 30, 1e200), "the first in volume 30 (counted from 0) is 1e+200"),
    "overflow of four bytes": (with_parcel(2, 30, -3.4e38), "have overflowed"),
    "infinite": (with_parcel(0, 5, np.inf), "have overflowed"),
    "one signal": (np.repeat(scan()[:, :1], 6, axis=1), "all 6 parcels hold the same signal"),
    "one signal, scaled": (scan()[:, :1] * [1, 2, 3, -4, 5, 6] + 100, "all 6 parcels hold the same signal"),
    "few volumes": (scan(volumes=4), "4 volumes are left, and 10 are the fewest"),
    "frozen parcels": (frozen(0, 1) * [1, 1, 1, 0, 1, 1] + 0.0, "1 parcels are constant: RH_Vis_1"),
    "a parcel that stops": (with_parcel(4, slice(60, None), 3.0), "keep one value for 15 volumes or more"),
    "tiny numbers": (scan() * 1e-170, "are constant"),
}


@pytest.mark.parametrize("what", MEANINGLESS)
@pytest.mark.parametrize("run", ["1", "2"])
def test_a_scan_without_meaning_excludes_its_person_only(tmp_path, what, run):
    cohort = TinyCohort(tmp_path, PEOPLE)
    values, words = MEANINGLESS[what]
    rewrite(cohort, "02", "bold", values, run=run)
    prepared = of_tables(cohort)
    _, rows = finished(prepared)
    assert {person: row["bold"] for person, row in rows.items()} == {"01": "ok", "02": "excluded", "03": "ok"}
    assert words in rows["02"]["reasons"] and f"run {run}: " in rows["02"]["reasons"]
    assert rows["01"]["reasons"] == rows["03"]["reasons"] == "n/a"
    assert Archive(prepared.archive("bold")["npz"]).arrays("sub-02") == {}


def test_censored_volumes_and_few_repetitions_are_no_reason(tmp_path):
    cohort = TinyCohort(tmp_path, PEOPLE)
    rewrite(cohort, "01", "bold", with_volumes(slice(60, 80), 0.0), run="1")
    cohort.row("01", "bold", "1")["censoring"] = "zeroed"
    rewrite(cohort, "02", "bold", frozen(30, 33), run="1")
    rewrite(cohort, "03", "bold", with_parcel(1, slice(30, 40), 2.0), run="1")
    _, rows = finished(of_tables(cohort))
    assert {row["bold"] for row in rows.values()} == {"ok"}


def test_a_parcel_without_signal_is_a_missing_node_of_one_person(tmp_path):
    cohort = TinyCohort(tmp_path, PEOPLE)
    rewrite(cohort, "02", "bold", with_parcel(1, slice(None), 3.0), run="1")
    rewrite(cohort, "03", "bold", with_parcel(2, slice(100, None), 3.0), run="1")
    decided, rows = finished(of_tables(cohort, node_policy={"largest_missing": 0.4}))
    assert decided["dropped"] == {LABELS[1]: 1, LABELS[2]: 1} and decided["nodes"] == 4
    assert {row["bold"] for row in rows.values()} == {"ok"}
    assert "keep one value for 15 volumes or more: LH_Cont_1; they count as missing" in rows["03"]["notes"]


def test_short_scans_are_excluded_by_default_with_the_remedy(tmp_path):
    cohort = TinyCohort(tmp_path, PEOPLE)
    for run in ("1", "2"):
        rewrite(cohort, "01", "bold", scan(21 + int(run), 376), run=run)  # 300.8 s
        rewrite(cohort, "02", "bold", scan(31 + int(run), 374), run=run)  # 299.2 s
        rewrite(cohort, "03", "bold", scan(41 + int(run), 750), run=run)  # 600 s
    cohort.config["bold"] = {"hemodynamics": "cubnm-3T"}
    fits = cohort.config["fits"]["homogeneous"]
    fits["objective"] = {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5}
    prepared = of_tables(cohort)
    _, rows = finished(prepared)
    assert rows["02"]["bold"] == "excluded"
    for words in ("run 1: ", "5.0 minutes of scan are left", "bold.shortest_scan", "null: no limit"):
        assert words in rows["02"]["reasons"]
    targets = Archive(prepared.archive("target_train")["npz"])
    assert set(targets.arrays("sub-01")) == {"fc"} and set(targets.arrays("sub-03")) == {"fc", "fcd"}
    assert "without FCD: 5.0 minutes of run 1, 5.0 minutes of run 2 are left" in rows["01"]["notes"]
    assert "bold.shortest_fcd" in rows["01"]["notes"] and "FCD" not in rows["03"]["notes"]


def test_censoring_counts_against_the_shortest_scan(tmp_path):
    cohort = TinyCohort(tmp_path, PEOPLE)
    values = with_volumes(slice(60, 80), 0.0)
    for person in ("01", "02"):
        rewrite(cohort, person, "bold", values + int(person) * 1e-3 * (values != 0) * scan(5), run="1")
        cohort.row(person, "bold", "1")["censoring"] = "zeroed" if person == "01" else "none"
    _, rows = finished(of_tables(cohort, bold={"hemodynamics": "cubnm-3T", "shortest_scan": 110.0}))
    assert "1.7 minutes of scan are left" in rows["01"]["reasons"]
    assert "volumes, from volume 60 on" in rows["02"]["reasons"]
    assert rows["03"]["reasons"] == "n/a"


def from_case(shared, case, tmp_path, **bold):
    """Copy a small cohort and prepare it."""
    folder = copy_case(shared, case, tmp_path / case)
    config = yaml.safe_load((folder / "my.yaml").read_text(encoding="utf-8"))
    config["bold"] |= bold
    for name in ("manifest", "participants", "nodes"):
        config[name] = str(folder / config[name])
    config = configuration.validate(config)
    rows = table_checks.read_tables(config)
    return Preparation(folder, config, tables.units(rows, config["connectome"]["source"]))


@pytest.mark.parametrize(
    ("case", "words"),
    [("B04", "0.3 minutes of scan are left"), ("B05", "90 of 150 volumes, from volume 60 on")],
)
def test_unusual_scans_stop_nobody_else(shared, tmp_path, case, words):
    _, rows = finished(from_case(shared, case, tmp_path))
    assert words in rows["02"]["reasons"] and "bold.shortest_scan" in rows["02"]["reasons"]
    _, rows = finished(from_case(shared, case, tmp_path / "any", **SHORT_SCANS))
    expected = "ok" if case == "B04" else "excluded"
    assert [row["bold"] for row in rows.values()] == ["ok", expected, "ok"]
    assert (words in rows["02"]["reasons"]) == (case == "B05")


def test_the_reasons_stand_in_the_table_of_quality_control(tmp_path):
    cohort = TinyCohort(tmp_path, PEOPLE)
    (tmp_path / cohort.row("02", "bold", "1")["path"]).write_text(labelled(np.zeros((150, 6))))
    prepared = of_tables(cohort)
    finished(prepared)
    found = {row["participant_id"]: row["reasons"] for row in read_tsv(tmp_path / "results" / "qc.tsv")}
    assert "are 0 in all parcels" in found["02"] and "censoring: zeroed" in found["02"]
