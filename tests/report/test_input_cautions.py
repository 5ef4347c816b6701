"""What a reviewer would ask first is said once, with how many and who; and nothing where there is nothing."""

from types import SimpleNamespace

import pandas as pd
import pytest

from workflow_scripts.report import input_cautions
from workflow_scripts.report.sections import exclusions

GOOD = {"bold": "ok", "shortest_run": 700.0, "repetition_time": 0.8, "filter": "none"}
GOOD |= {"volumes_train": 900, "windows_train": 100, "flags": "", "notes": ""}


def cohort(
    people=4,
    changes=None,
    missing=(),
    simulations=800,
    config=None,
    objective=("fc_corr", "fcd_ks"),
    duration="match",
):
    """What the sentences are made of; `changes` by number of the person."""
    rows = [{"key": f"sub-{k:02d}", **GOOD, **(changes or {}).get(k, {})} for k in range(people)]
    nodes = pd.DataFrame(list(missing), columns=["key", "label", "dropped"])
    tables = {"qc": pd.DataFrame(rows), "missing_nodes": nodes}
    fits = pd.DataFrame({"fit": ["a"] * people, "simulations": [simulations] * people})
    return SimpleNamespace(
        table=tables.__getitem__,
        successful=fits,
        config={"synthetic": None, "bold": {"filtered": None}, **(config or {})},
        fit_settings={
            "a": {
                "objective": dict.fromkeys(objective, 1.0),
                "objectives": [],
                "simulation": {"duration": duration, "burn_in": 30.0},
                "analysis": {"window": 60.0},
            }
        },
        free=lambda fit: {"G": (0, 1), "w_p": (0, 1)},
    )


def test_data_that_are_there_twice_come_first():
    changes = {
        0: {"flags": "the same scan as sub-02: find out whose it is", "sharing_connectome": 2},
        1: {"notes": "train: without FCD: less than bold.shortest_fcd asks"},
        2: {"flags": "the same scan as sub-00: find out whose it is"},
        3: {"flags": "a run is there twice: see the notes", "sharing_connectome": 2},
    }
    told = input_cautions.about_inputs(cohort(changes=changes))
    assert told[0].startswith("2 units (sub-00, sub-02) have a scan that another unit has, too")
    assert told[1].startswith("1 unit (sub-03) had a run that was there twice")
    assert told[2].startswith("2 units of 4 share a connectome, as the manifest says")
    assert told[3].startswith("The FCD of 1 unit of 4 counts in no cost")


def test_simulations_of_another_length_than_runs_are_told_with_their_bias():
    (sentence,) = input_cautions.about_inputs(cohort(changes={2: {"shortest_run": 350.0}}, duration=730.0))
    assert sentence.startswith("In the fit a, simulations of 700 s are compared with runs of another length")
    assert "1 unit (sub-02) of 4" in sentence and "up to 0.15" in sentence
    assert "4 units" in input_cautions.about_inputs(cohort(duration=2130.0))[0]
    assert input_cautions.about_inputs(cohort(duration=2130.0, objective=["fc_corr"])) == []
    assert input_cautions.about_inputs(cohort(duration=730.0)) == []


def test_nothing_is_said_of_good_data():
    assert input_cautions.about_inputs(cohort()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({1: {"shortest_run": 120.0}}, ["less than 5 minutes", "1 unit (sub-01) of 4", "bold.shortest_scan"]),
        ({2: {"volumes_train": 500}}, ["The FCD", "less than 10 minutes", "1 unit (sub-02) of 4"]),
        ({0: {"repetition_time": 2.0}}, ["Repetition times differ: 0.8 s for most", "1 unit (sub-00)"]),
        ({3: {"filter": "unknown"}}, ["No file says whether", "1 unit (sub-03) of 4", "bold.filtered"]),
    ],
)
def test_what_is_said(changes, words):
    (sentence,) = input_cautions.about_inputs(cohort(changes=changes))
    for word in words:
        assert word in sentence


def test_simulations_of_which_nothing_is_left_out():
    changes = {
        0: {"notes": "run 1: volumes were removed and no mask says which: no FCD"},
        1: {"runs": 0},
        2: {"runs": 1},
    }
    gaps, elsewhere = input_cautions.about_inputs(cohort(changes=changes))
    assert "1 unit (sub-00) of 4" in gaps and "kind mask" in gaps
    assert "1 unit (sub-01) of 4" in elsewhere and "computed elsewhere" in elsewhere


@pytest.mark.parametrize(("censored", "start", "told"), [(225, "group", 1), (20, "group", 0), (225, "b", 0)])
def test_groups_are_simulated_without_gaps(censored, start, told):
    study = cohort(changes={k: {"censored_train": censored} for k in range(4)})
    study.fit_settings["a"]["start"] = {"from": start}
    found = input_cautions.about_inputs(study)
    assert len(found) == told and all("20% of the volumes" in text for text in found)


def test_many_people_are_one_sentence():
    changes = {k: {"shortest_run": 100.0} for k in range(300)}
    (sentence,) = input_cautions.about_inputs(cohort(300, changes, objective=["fc_corr"]))
    assert "300 units (sub-00, sub-01, sub-02 and 297 more) of 300" in sentence


def test_people_who_are_excluded_do_not_count():
    assert input_cautions.about_inputs(cohort(changes={1: {"shortest_run": 9.0, "bold": "excluded"}})) == []


@pytest.mark.parametrize("config", [{"bold": {"filtered": [0.01, 0.1]}}, {"synthetic": {"participants": 4}}])
def test_filters_that_are_known(config):
    unknown = {k: {"filter": "unknown"} for k in range(4)}
    assert input_cautions.about_inputs(cohort(changes=unknown, config=config)) == []
    assert len(input_cautions.about_inputs(cohort(changes=unknown))) == 1


def test_an_fcd_that_nobody_weighs_is_no_matter():
    short = {1: {"volumes_train": 500}}
    assert input_cautions.about_inputs(cohort(changes=short, objective=["fc_corr"])) == []


def test_nodes_that_everybody_lost():
    rows = [("sub-01", "LH_Vis_1", True), ("sub-02", "LH_Vis_1", True), ("sub-02", "RH_Vis_1", False)]
    (sentence,) = input_cautions.about_inputs(cohort(missing=rows))
    assert sentence.startswith("1 node (LH_Vis_1) left out for everybody")
    assert "2 units (sub-01, sub-02) lacked" in sentence


def test_few_candidates():
    (sentence,) = input_cautions.about_inputs(cohort(simulations=99))
    assert "In the fit a, a search tried 99 candidates for 2 free parameters" in sentence
    assert input_cautions.about_inputs(cohort(simulations=100)) == []


def test_problems_that_differ_in_names_and_numbers_stand_together():
    common = {"stage": "bold", "fit": "all"}
    found = [
        {"key": f"sub-{k:03d}", "reason": f"run 1: a/sub-{k:03d}.tsv: {k / 9} minutes", **common}
        for k in range(300)
    ]
    other = {"key": "sub-007", "reason": "run 1: the scan is constant", **common}
    shown = exclusions.together([*found, other])
    assert [(len(kind["units"]), kind["alike"]) for kind in shown] == [(300, False), (1, True)]
    assert shown[0]["units"][7] == ("sub-007", found[7]["reason"])
    same = [{**other, "key": f"sub-{k}"} for k in range(5)]
    assert exclusions.together(same)[0]["alike"]
