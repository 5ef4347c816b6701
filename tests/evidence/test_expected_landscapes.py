"""Rules landscapes and landscape_table: expected costs over pairs of parameters, and where there are none."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import read_tsv
from prepared import SETTINGS, PreparedCohort

from workflow_scripts.evidence import expected_landscapes, landscape_table
from workflow_scripts.evidence.score_tables import LANDSCAPES
from workflow_scripts.files import job
from workflow_scripts.fitting import evaluate, fit, linear_planes
from workflow_scripts.report import expected_planes

AUTO = {"compute": "auto", "points": 4}


def why_not(nodes=20, points=16, **changes):
    """Why a fit with such settings has no landscapes."""
    stated = {"compute": changes.pop("compute", "auto"), "points": points}
    return linear_planes.why_not(SETTINGS | changes, stated, nodes)


def test_planes_hold_every_pair_with_the_others_at_the_centre():
    centre = np.array([0.1, 0.2, 0.3, 0.4])
    points, pairs = expected_landscapes.plane_points(centre, 4)
    assert pairs == [(0, 1), (0, 2), (1, 2)] and points.shape == (1 + 3 * 16, 4)
    np.testing.assert_array_equal(points[0], centre)
    plane = points[1 + 16 : 1 + 32]
    assert set(plane[:, 0]) == set(plane[:, 2]) == {0.125, 0.375, 0.625, 0.875}
    assert (plane[:, 1] == 0.2).all() and (plane[:, 3] == 0.4).all()


def test_who_has_no_landscapes_is_told_why():
    assert why_not() is None
    assert why_not(free={"G": [0.5, 3.0]}) == "there is one free parameter, and so no pair"
    assert why_not(objective={"fcd_ks": 1.0}).startswith("the cost has no term of FC")
    plastic = {"fic": {"method": "plasticity", "warm_up": 20.0}}
    assert "simulates every candidate" in why_not(**plastic)
    assert why_not(compute="always", **plastic) is None
    assert "256 candidates a person on 700 nodes take long" in why_not(nodes=700)
    assert why_not(nodes=700, compute="always") is None
    assert "goes round in circles" in why_not(model="Kuramoto", fic=None)


def test_terms_that_only_simulations_give_are_left_out():
    assert linear_planes.left_out(SETTINGS) == ["fcd_ks"]
    kept = linear_planes.linear_settings(SETTINGS | {"retest": {"candidates": 1}, "replicates": 4})
    assert kept["objective"] == {"fc_corr": 1.0, "rate_penalty": 0.5}
    assert kept["method"] == "linear" and kept["retest"] is None and kept["replicates"] == 1


def plane(best=-0.5, sd=0.05, participant="01"):
    """A plane of two by two points, the last of which is flagged."""
    keys = {
        "participant_id": participant,
        "session_id": job.MISSING,
        "fit": "one",
        "parameter": "G",
        "other": "w_p",
    }
    costs = [best, -0.48, -0.52, -0.1, None]
    places = [(1.2, 0.7), (1.0, 0.5), (1.0, 1.0), (2.0, 0.5), (2.0, 1.0)]
    return [
        keys
        | {"value": one, "other_value": two, "is_best": place == 0, "cost": cost}
        | {"flags": "unstable" if cost is None else job.MISSING, "seed_sd": sd, "left_out": "fcd_ks"}
        for place, (cost, (one, two)) in enumerate(zip(costs, places, strict=True))
    ]


@pytest.fixture
def tables(tmp_path):
    """Planes of two people, one of whom has none, and the optimum of the other flagged in turn."""
    path, out = tmp_path / "one" / "batch-001_landscapes.tsv", tmp_path / "expected_landscapes.tsv"
    path.parent.mkdir()
    noted = {"participant_id": "03", "session_id": job.MISSING, "fit": "one", "note": "too few"}
    job.write_tsv(path, [*plane(), *plane(best=None, participant="02"), noted], columns=LANDSCAPES)
    sm = SimpleNamespace(
        input=SimpleNamespace(landscapes=[str(path)]),
        output=SimpleNamespace(table=str(out)),
        params=SimpleNamespace(),
        log=[],
    )
    landscape_table.main(sm)
    return path, {row["participant_id"]: row for row in read_tsv(out)}


def test_ids_are_text_and_planes_are_summed_up(tables):
    _, rows = tables
    assert set(rows) == {"01", "02", "03"} and rows["03"]["note"] == "too few"
    first, second = rows["01"], rows["02"]
    assert float(first["lowest_cost"]) == -0.52
    assert (first["lowest_value"], first["lowest_other"]) == ("1.0", "1.0")
    assert float(first["flagged_share"]) == 0.25 and float(first["near_share"]) == 0.5
    # A flagged optimum has no cost: the lowest one is what others are held against.
    assert second["best_cost"] == "n/a" and float(second["near_share"]) == 0.5


def test_pictures_have_a_line_one_sd_above_the_optimum_and_gaps_where_flagged(tables):
    rows = expected_planes.read([tables[0]])
    mine = rows[rows["key"] == "sub-01"]
    found = expected_planes._plane(mine, "sub-01")
    np.testing.assert_array_equal(found.values, [[-0.48, -0.52], [-0.1, np.nan]])
    assert found.level == pytest.approx(-0.45) and found.best.tolist() == [[1.2, 0.7]]
    assert expected_planes.person_picture(rows, "sub-01", "one").uri.startswith("data:image/svg")
    assert expected_planes.person_picture(rows, "sub-03", "one") is None
    assert expected_planes.left_out(mine) == "fcd_ks"


@pytest.mark.slow
def test_the_optimum_of_a_plane_has_the_cost_of_linear_response_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path, ("01", "02"))
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", first_seed=1000, seeds=2))
    sm = cohort.sm("fit")
    sm.input.fits, sm.input.evaluation = str(sm.output.fits), str(cohort.sm("evaluate").output.evaluation)
    sm.params.landscapes, sm.output = AUTO, ["landscapes.tsv"]
    expected_landscapes.main(sm)
    table = pd.DataFrame(read_tsv("landscapes.tsv"))
    assert len(table) == 2 * (1 + 16) and set(table["left_out"]) == {"fcd_ks"}
    chosen = pd.DataFrame(read_tsv(sm.input.fits)).query("selected == 'True'").set_index("participant_id")
    for row in table[table["is_best"] == "True"].to_dict("records"):
        assert float(row["value"]) == pytest.approx(
            float(chosen.loc[row["participant_id"], "param_G"]), rel=1e-6
        )
        assert (row["cost"] == "n/a") == (row["flags"] != "n/a")
    assert (pd.to_numeric(table["seed_sd"]) > 0).all()
