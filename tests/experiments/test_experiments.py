"""Experiments of a cohort: what is refused, what is simulated, and the way to the report."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from cohorts import LABELS, LITTLE_EVIDENCE, TinyCohort

from cubnm_core.errors import InputError
from workflow_scripts.cohort import table_checks
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration import configuration
from workflow_scripts.experiments.perform_experiments import absent_rows, near_best
from workflow_scripts.experiments.variants import list_variants, multipliers
from workflow_scripts.files import job

LESION = {"lesion": {"nodes": [LABELS[0]]}}
CHANGE = {"change": {"parameter": "J_N", "factor": 1.2}}


def completed(folder, **experiments):
    """The configuration of three people with these experiments."""
    cohort = TinyCohort(folder)
    cohort.config["experiments"] = deepcopy(experiments)
    return cohort, configuration.validate(cohort.config)


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        ({}, "found neither"),
        ({**LESION, **CHANGE}, "found lesion and change"),
        ({"lesion": {}}, "nothing is lesioned"),
        ({"lesion": {"nodes": ["a"], "each_region": True}}, "leave nodes and edges out"),
        ({"lesion": {"edges": [["a", "a"]]}}, "no connection with itself"),
        ({"lesion": {"nodes": ["a"], "share": 0}}, "share"),
        ({"change": {"parameter": "J_M", "factor": 2.0}}, "did you mean"),
        ({"change": {"parameter": "J_N", "factor": 0}}, "factor"),
        ({"change": {"parameter": "J_N"}}, "factor"),
        ({"change": {"parameter": "wIE", "factor": 2.0}, "inhibition": "tuned"}, "state inhibition: held"),
        ({**LESION, "seeds": 1}, "seeds"),
        ({**LESION, "stimulate": {}}, "stimulate"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(tmp_path, experiment, words):
    with pytest.raises(InputError, match=r"experiments\.one") as caught:
        completed(tmp_path, one=experiment)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        ({"lesion": {"nodes": ["LH_Vis_2"]}}, "has no node 'LH_Vis_2'"),
        ({"change": {**CHANGE["change"], "along": "receptor"}}, "has no column 'receptor'"),
        ({"change": {**CHANGE["change"], "along": "label"}}, "is no number of at least 0"),
        ({"change": {**CHANGE["change"], "along": "nothing"}}, "all values are 0"),
        ({"change": {**CHANGE["change"], "along": "slip"}}, "is no number"),
        ({"change": {**CHANGE["change"], "along": "infinite"}}, "is no number"),
    ],
)
def test_labels_and_maps_are_those_of_the_node_table(tmp_path, monkeypatch, experiment, words):
    monkeypatch.chdir(tmp_path)
    cohort, config = completed(tmp_path, one=experiment)
    cohort.nodes = [{**node, "nothing": 0, "slip": "1_0", "infinite": "inf"} for node in cohort.nodes]
    cohort.write()
    with pytest.raises(InputError, match=r"experiments\.one") as caught:
        table_checks.read_tables(config)
    assert words in str(caught.value)


def test_every_region_is_a_variant_of_its_own(tmp_path):
    _, config = completed(tmp_path, all={"lesion": {"each_region": True}}, one=LESION, drug=CHANGE)
    nodes = [{"label": label} for label in LABELS[1:]]
    found = list_variants(config["experiments"], nodes)
    assert [variant.region for variant in found[:5]] == list(LABELS[1:])
    assert [variant.experiment for variant in found[5:]] == ["drug"]
    assert absent_rows(config["experiments"], nodes) == [
        {"experiment": "one", "note": f"not part of the analysis: {LABELS[0]}"}
    ]


def test_a_number_is_needed_to_be_multiplied(tmp_path):
    cohort = TinyCohort(tmp_path)
    fit = {"model": "Kuramoto", "free": {"G": [0.1, 1.0], "sigma": [0.01, 0.1]}}
    cohort.config["fits"] = {"homogeneous": fit}
    cohort.config["experiments"] = {"one": {"change": {"parameter": "init_theta", "factor": 2.0}}}
    with pytest.raises(InputError, match="no number for init_theta that could be multiplied"):
        configuration.validate(cohort.config)


def test_a_change_along_a_map_is_whole_where_the_map_is_largest():
    change = {"parameter": "J_N", "factor": 3.0, "along": "density"}
    nodes = [{"density": "0"}, {"density": "2.5"}, {"density": "5"}]
    assert list(multipliers(change, nodes)) == [1.0, 2.0, 3.0]
    assert multipliers({**change, "along": None}, nodes) == 3.0


@pytest.mark.slow
def test_experiments_run_up_to_the_report(snakemake, tmp_path):
    cohort = TinyCohort(tmp_path)
    cohort.config["evaluation"] = LITTLE_EVIDENCE
    few = {"seeds": 2, "candidates": 2}
    cohort.config["experiments"] = {
        "vis": {**LESION, **few},
        "half": {"lesion": {"edges": [list(LABELS[:2])], "share": 0.5}, "inhibition": "tuned", **few},
        "nothing": {"change": {"parameter": "J_N", "factor": 1.0}, **few},
        "drug": {**CHANGE, **few},
        "each": {"lesion": {"each_region": True}, **few},
    }
    code, text = snakemake(config=cohort.write())
    assert code == 0, text
    path = tmp_path / "results" / "cohort" / "experiments.tsv"
    table = pd.read_csv(path, sep="\t", dtype={"participant_id": str})
    assert set(table["participant_id"]) == {"01", "02", "03"} and table["mean"].notna().all()
    whole = table[(table["measure"] == "fc_change") & (table["place"] == "all")].set_index("experiment")
    assert (whole.loc["nothing", "mean"] == 0).all()
    assert (whole.loc[["vis", "half", "drug"], "mean"] > 0).all()
    assert len(whole.loc["each"]) == 3 * len(LABELS) and whole.loc["each", "strength"].between(0, 1).all()
    same = whole.loc["each"].query("region == @LABELS[0]")["mean"].to_numpy()
    assert same == pytest.approx(whole.loc["vis", "mean"].to_numpy(), abs=1e-12)
    page = (tmp_path / "results" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Every region in turn" in page and "could not be generated" not in page
    code, text = snakemake("--dry-run", config=cohort.write())
    assert code == 0 and "Nothing to be done" in text


def test_the_chosen_candidate_comes_first_and_once(tmp_path):
    unit = Unit("01", None)
    points = np.array([[1.0, 0.5], [2.0, 0.7], [3.0, 0.9]], np.float32)
    parts = {
        "restart": np.zeros(3, np.int16),
        "points": points,
        "cost": np.array([0.10, 0.12, 0.50], np.float32),
    }
    parts |= {"values": np.zeros((3, 1), np.float32), "failed": np.zeros(3, bool)}
    names = {"coordinates": np.array(["G", "w_p"]), "terms": np.array(["fc_corr"])}
    path = tmp_path / "landscape.npz"
    job.write_npz(path, **names, **{f"{unit.name}/{name}": values for name, values in parts.items()})
    best = {"G": 2.0, "w_p": 0.7, "J_N": 0.15}  # of a re-test
    found = near_best(path, unit, best, 0.05)
    assert found[0] == best and len(found) == 2
    assert found[1] == pytest.approx({"G": 1.0, "w_p": 0.5, "J_N": 0.15})
