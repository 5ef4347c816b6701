"""Rule step_costs: every step of a fit that begins with linear response, in one cost."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import read_tsv

from cubnm_core.fitting.expectations import MARKS
from workflow_scripts.evidence import step_costs
from workflow_scripts.files import job

KEYS = {"participant_id": "01", "session_id": job.MISSING}
LINEAR = {"objective": {"fc_corr": 1.0}, "terms": {}, "objectives": [], "start": None}
FINAL = {
    "objective": {"fc_corr": 1.0, "fcd_ks": 0.5},
    "terms": {},
    "objectives": [],
    "optimizer": {"restarts": 2},
    "start": {"from": "one-linear", "flagged": 1},
}


def run(tmp_path, ks="0.2", restart="1"):
    """The row of the only person."""
    common = {**KEYS, "selected": True}
    fits = [
        {**common, "fit": "one-linear", "restart": "0", "fc_corr": 0.5, "fcd_ks": None, "simulated": 0.0},
        {**common, "fit": "one", "restart": restart, "fc_corr": 0.6, "fcd_ks": ks, "simulated": None},
    ]
    scores = {("one-linear", "fc_corr"): 0.45, ("one", "fc_corr"): 0.55}
    scores |= {("one-linear", "fcd_ks"): ks, ("one", "fcd_ks"): ks}
    rows = [
        {**KEYS, "fit": name, "split": "train", "measure": measure, "mean": mean, "note": None}
        for (name, measure), mean in scores.items()
    ]
    job.write_tsv(tmp_path / "fits.tsv", fits)
    job.write_tsv(tmp_path / "evaluation.tsv", rows)
    (tmp_path / "one-linear").mkdir(exist_ok=True)
    marks = np.zeros((4, len(MARKS)), np.float32)
    marks[1, 2] = 1.0
    path = tmp_path / "one-linear" / "batch-001_landscape.npz"
    arrays = {
        "restart": np.zeros(4),
        "points": np.zeros((4, 1)),
        "cost": np.zeros(4),
        "failed": np.zeros(4, bool),
    }
    job.write_npz(
        path,
        coordinates=np.array(["G"]),
        terms=np.array(MARKS),
        **{f"sub-01/{name}": array for name, array in (arrays | {"values": marks}).items()},
    )
    out = tmp_path / "step_costs.tsv"
    step_costs.main(
        SimpleNamespace(
            input=SimpleNamespace(
                fits=str(tmp_path / "fits.tsv"),
                evaluation=str(tmp_path / "evaluation.tsv"),
                landscapes=[str(path)],
            ),
            output=SimpleNamespace(table=str(out)),
            params=SimpleNamespace(
                units=[{"unit": "sub-01", "participant_id": "01", "session_id": ""}],
                fits={"one-linear": LINEAR, "one": FINAL},
                steps={"one-linear": "one"},
            ),
            log=[],
        )
    )
    [row] = read_tsv(out)
    return row


def test_all_steps_have_the_part_of_the_cost_that_linear_response_gives(tmp_path):
    row = run(tmp_path)
    costs = [float(row[name]) for name in step_costs.COSTS]
    assert costs == pytest.approx([-0.5, -0.45, -0.6, -0.55])
    whole = [float(row[name]) for name in step_costs.WHOLE]
    assert whole == pytest.approx([-0.35, -0.5, -0.45])
    assert (row["terms"], row["left_out"]) == ("fc_corr", "fcd_ks")
    assert (float(row["flagged_share"]), row["n_candidates"]) == (0.25, "4")


def test_where_the_kept_restart_began_is_told(tmp_path):
    assert run(tmp_path)["began"] == "flagged"
    assert run(tmp_path, restart="0")["began"] == "optimum"


def test_scans_without_fcd_have_a_whole_cost_without_it(tmp_path):
    row = run(tmp_path, ks=None)
    assert [row[name] for name in step_costs.WHOLE] == [row[name] for name in step_costs.COSTS[1:]]


def test_a_cost_with_an_unknown_term_is_unknown():
    assert step_costs.cost({"fc_corr": 0.5, "fc_diff": np.nan}, {"fc_corr": 1.0, "fc_diff": 1.0}) is None
    assert step_costs.cost(pd.Series({"fc_corr": 0.5}).to_dict(), {"fc_corr": 1.0}) == -0.5
