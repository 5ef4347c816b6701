"""What planes of expected costs say, in a row for every plane; ids stay as they are."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from cohorts import read_tsv

from workflow_scripts.evidence import landscape_table
from workflow_scripts.files import job

IDS = {"session_id": "n/a", "fit": "one"}


def write_planes(path):
    """Two people, one without planes."""
    plane = {
        **IDS,
        "participant_id": "01",
        "parameter": "G",
        "other": "w_p",
        "seed_sd": 0.1,
        "left_out": "fcd_ks",
    }
    costs = {(0.0, 0.0): -0.5, (0.0, 1.0): -0.45, (1.0, 0.0): -0.2, (1.0, 1.0): np.nan}
    rows = [
        {**plane, "value": one, "other_value": other, "is_best": False, "cost": cost, "note": None}
        for (one, other), cost in costs.items()
    ]
    best = {**plane, "value": 0.2, "other_value": 0.1, "is_best": True, "cost": -0.48, "note": None}
    nothing = {**IDS, "participant_id": "NA", "note": "one free parameter"}
    table = pd.DataFrame([best, *rows, nothing])
    job.write_tsv(path, table)


def test_a_plane_is_a_row_and_ids_are_taken_whole(tmp_path):
    path = tmp_path / "results" / "landscapes" / "one" / "batch-001_landscapes.tsv"
    write_planes(path)
    output = SimpleNamespace(table=str(tmp_path / "results" / "cohort" / "expected_landscapes.tsv"))
    landscape_table.main(
        SimpleNamespace(
            input=SimpleNamespace(landscapes=[str(path)]), output=output, params=SimpleNamespace(), log=[]
        )
    )
    rows = {row["participant_id"]: row for row in read_tsv(output.table)}
    assert set(rows) == {"01", "NA"} and rows["NA"]["note"] == "one free parameter"
    found = rows["01"]
    assert (found["lowest_value"], found["lowest_other"]) == ("0.0", "0.0")
    assert (float(found["best_cost"]), float(found["lowest_cost"])) == (-0.48, -0.5)
    assert float(found["flagged_share"]) == 0.25 and float(found["near_share"]) == 0.5
    assert found["n_points"] == "4" and found["left_out"] == "fcd_ks"
