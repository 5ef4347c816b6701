"""The section on what is personal: verdicts, tables, figure, and sentences where there is nothing."""

from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest

from cubnm_core.evidence import cross
from workflow_scripts.evidence.cross_tables import contrast_rows, held_out_rows
from workflow_scripts.evidence.score_tables import CROSS
from workflow_scripts.report.cohort import Cohort
from workflow_scripts.report.page import render, render_shared
from workflow_scripts.report.sections import personal

CONDITIONS = {"pairs": "all", "band_pass": "none", "window": 30.0, "window_step": 5.0, "edges": "drop"}
GAIN = 0.05  # of own connectomes


def cross_table(n_people, own_matters):
    """Scores where own connectomes are better, or nothing is; weights as fitted favour own in any case."""
    generator = np.random.default_rng(1)
    rows = []
    for place, parameters, connectome, data, how, split in product(
        range(n_people), cross.OWNERS, cross.OWNERS, cross.OWNERS[:2], ("fitted", "tuned"), ("train", "test")
    ):
        mean = 0.4 + 0.02 * generator.standard_normal()
        mean += GAIN * (connectome == "own" and own_matters) - 0.1 * (connectome != "own" and how == "fitted")
        ids = {"participant_id": f"{place:02d}", "session_id": None, "fit": "one"}
        keys = dict(zip(CROSS[3:7], (parameters, connectome, data, how), strict=True))
        values = {"mean": mean, "sd": 0.01, "n_pairs": 3, "n_seeds": 2, "n_failed": 0, "seeds": "1000-1001"}
        rows.append({**ids, **keys, "split": split, "measure": "fc_corr", **values, **CONDITIONS})
    table = pd.DataFrame(rows, columns=CROSS)
    return table.assign(key="sub-" + table["participant_id"])


@cache
def crossed_people(n_people, own_matters):
    """Tables of the cross and of held-out people, and their contrasts."""
    crossed = cross_table(n_people, own_matters)
    own = crossed[
        (crossed[["parameters", "connectome", "data", "inhibition"]] == ["own", "own", "own", "fitted"]).all(
            axis=1
        )
    ]
    held_out = own.assign(mean=own["mean"] - 0.02, fold="0")
    contrasts = pd.DataFrame(contrast_rows(crossed) + held_out_rows(own, held_out))
    tables = {"cross": crossed, "evaluation": own, "held_out_people": held_out, "contrasts": contrasts}
    return tables


def cohort(n_people=8, own_matters=True, **evaluation):
    """A cohort with the tables of the cross, and of held-out people."""
    found = {
        "n_people": n_people,
        "rate": 0.5,
        "chance": 1 / n_people,
        "chance_low": 0.0,
        "chance_high": 0.375,
        "p": 0.0004,
    }
    rates = [
        {"fit": "one", "source": "simulated", "direction": "scan", "split": "test", **found},
        {"fit": None, "source": "empirical", "direction": "simulation", "split": "test", **found},
    ]
    tables = {name: table.copy() for name, table in crossed_people(n_people, own_matters).items()}
    return made({**tables, "identification": pd.DataFrame(rates)}, n_people, evaluation)


def made(tables, n_people, evaluation):
    """A cohort as the report reads it, with some tables and nothing else."""
    fields = dict.fromkeys(Cohort.__dataclass_fields__)
    ids = [
        {"unit": f"sub-{place:02d}", "participant_id": f"{place:02d}", "session_id": None}
        for place in range(n_people)
    ]
    config = {"evaluation": {"others": 3, "folds": 5} | evaluation, "report": {"smallest_group": 5}}
    known = {
        "tables": tables,
        "files": {},
        "ids": ids,
        "fit_settings": {"one": {}},
        "provenance": {"config": config},
    }
    return Cohort(**{**fields, **known, "participants": pd.DataFrame()})


def contrasts(found):
    """FC r of every contrast that is listed, as it is written."""
    (fit,) = personal.section(found).context["fits"]
    return {row["label"]: row["fc_corr"] for row in fit["contrasts"]}


def test_own_connectomes_that_matter_are_said_to_be_better():
    said = contrasts(cohort())
    assert said["own connectome – others' (own parameters)"].endswith("better")
    assert said["own parameters – others' (own connectome)"].endswith("]")
    assert said["own fit – the group fit without the person"].endswith("better")


def test_weights_that_suit_no_other_connectome_do_not_make_a_connectome_personal():
    found = cohort(own_matters=False)
    fitted = found.table("contrasts").query("contrast == 'connectome_others' and inhibition == 'fitted'")
    assert set(fitted["verdict"]) == {"better"}
    assert contrasts(found)["own connectome – others' (own parameters)"].endswith("]")


def test_a_connectome_that_everybody_has_is_in_no_verdict():
    found = cohort()
    for name in ("cross", "contrasts"):
        table = found.tables[name]
        kept = (
            table["connectome"] == "own" if name == "cross" else ~table["contrast"].str.contains("connectome")
        )
        found.tables[name] = table[kept]
    section = personal.section(found)
    assert "All people have the same connectome" in section.context["fits"][0]["crossed"]
    assert "All people have the same connectome" in render(found, [section])
    assert (
        "All people have the same connectome" not in personal.section(cohort()).context["fits"][0]["crossed"]
    )


def test_the_page_shows_contrasts_identification_and_held_out_people():
    found = cohort()
    page = render(found, [personal.section(found)])
    for text in (
        "wIE tuned anew",
        "held-out scan identifies the person",
        "4 of 8 (50 %)",
        "&lt; 0.001",
        "group fit without the person",
    ):
        assert text in page, text
    assert "Every person was crossed with up to 3 other people, over noise seeds 1000-1001." in page


def test_the_page_to_hand_on_names_nobody_and_tells_nothing_of_few_people():
    found = cohort()
    shared = render_shared(found, [personal.aggregate(found)])
    assert "own connectome – others" in shared and "sub-0" not in shared
    few = cohort(n_people=4)
    row = "own connectome – others"
    assert row not in render_shared(few, [personal.aggregate(few)])
    assert row in render(few, [personal.section(few)])


@pytest.mark.parametrize(
    ("n_people", "evaluation", "sentences"),
    [
        (1, {}, ("fewer than 2 fitted people", "Too few people")),
        (8, {"others": 0, "folds": 0}, ("evaluation.others: 0", "evaluation.folds is below 2")),
    ],
)
def test_what_does_not_apply_is_said(n_people, evaluation, sentences):
    found = made({}, n_people, evaluation)
    page = render(found, [personal.section(found)])
    assert all(sentence in page for sentence in sentences)


def test_two_people_give_no_interval():
    said = contrasts(cohort(n_people=2))
    assert said and not any("[" in text or "better" in text for text in said.values())
