"""The page of published figures and ours: what agrees, what differs, and what does not decide."""

import json
import math

import numpy as np
import pytest


@pytest.fixture
def reproduce(monkeypatch, repository, tmp_path):
    """The benchmark with made-up published figures: two solutions, and no result of its own yet."""
    monkeypatch.syspath_prepend(repository / "benchmarks")
    import pfic
    import reproduce

    published = {"1 - r": 0.28, "L1": 0.12, "KS": 0.18}
    spread = {"1 - r": 0.003, "L1": 0.006, "KS": 0.013}
    around = np.tile([-1.0, 1.0], 50)
    monkeypatch.setattr(pfic, "RESULT", tmp_path / "results" / "pfic.json")
    monkeypatch.setattr(pfic, "published_solutions", lambda folder: [{"published": published}] * 2)
    monkeypatch.setattr(
        pfic,
        "published_spread",
        lambda folder: {name: published[name] + spread[name] * around for name in spread},
    )
    monkeypatch.setattr(reproduce, "HERE", tmp_path)
    monkeypatch.setattr(reproduce, "PAGE", tmp_path / "results" / "reproduced.md")
    (tmp_path / "results").mkdir()
    return reproduce


def keep(reproduce, **solutions):
    """Write averages of solutions: a list of (1 - r, L1, KS) each."""
    kept = {
        name.removeprefix("solution_"): [
            {"1 - r": r, "L1": L1, "KS": KS, "mean_fc": 0.4, "left_out": 1, "r_E": [3.0, 3.1]}
            for r, L1, KS in found
        ]
        for name, found in solutions.items()
    }
    numerics = reproduce.pfic.NUMERICS_VERSION
    text = json.dumps({"numerics": numerics, "solutions": kept})
    reproduce.pfic.RESULT.write_text(text, encoding="utf-8")


def test_means_within_the_published_spread_agree_and_others_differ(reproduce):
    keep(reproduce, solution_1=[(0.281, 0.11, 0.4), (0.283, 0.11, 0.4)] * 5, solution_2=[(0.25, 0.12, 0.18)])
    rows = {(row["what"], row["measure"].split(" (")[0]): row for row in reproduce.pfic_rows(None)}
    assert rows["solution 1", "1 - r"]["verdict"] == "agrees"
    assert rows["solution 1", "L1"]["verdict"] == "differs"
    assert rows["solution 1", "KS"]["verdict"] == "does not decide"
    assert rows["solution 2", "1 - r"]["verdict"] == "differs"  # by ten SD; two are allowed for one average
    assert rows["solution 2", "L1"]["verdict"] == "agrees"
    first = rows["solution 1", "1 - r"]
    assert first["ours"] == pytest.approx(0.282) and first["n"] == 10
    assert first["ours_sd"] == pytest.approx(math.sqrt(10 / 9) * 0.001)
    assert first["published_sd"] == pytest.approx(0.003, rel=0.01)
    assert "published_sd" not in rows["solution 2", "L1"] and np.isnan(rows["solution 2", "L1"]["ours_sd"])


def test_the_page_and_the_table_hold_every_figure_and_its_command(reproduce, monkeypatch):
    keep(reproduce, solution_1=[(0.281, 0.12, 0.18), (0.283, 0.121, 0.17)], solution_2=[(0.28, 0.12, 0.18)])
    monkeypatch.setattr("sys.argv", ["reproduce.py", "--only-page"])
    assert not reproduce.main()
    page = reproduce.PAGE.read_text(encoding="utf-8")
    assert "| 0.2800 (0.0030) | 0.2820 (0.0014), 2 | +0.0020 | agrees |" in page
    assert "3 of 30 simulations had a" in page and "pmfm2021: no published parameters at hand" in page
    assert "stand-in FCD" in page and "`python benchmarks/pfic.py`" in page
    lines = reproduce.PAGE.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 6 and all(line.count("\t") == len(reproduce.COLUMNS) - 1 for line in lines)
    keep(reproduce, solution_1=[(0.3, 0.12, 0.18)])
    assert reproduce.main()


def test_solutions_that_do_not_decide_alone_do_by_their_mean(reproduce, monkeypatch):
    published = {"1 - r": 0.28, "L1": 0.12, "KS": 0.18}
    monkeypatch.setattr(reproduce.pfic, "published_solutions", lambda folder: [{"published": published}] * 3)
    pairs = [(0.279, 0.135, 0.18), (0.281, 0.135, 0.18)]
    keep(reproduce, solution_1=pairs, solution_2=pairs, solution_3=[(0.284, 0.135, 0.2)] * 3)
    mean = {row["measure"]: row for row in reproduce.pfic_rows(None) if row["what"].startswith("mean of 2")}
    assert mean["1 - r"]["ours"] == pytest.approx(0.282) and mean["1 - r"]["n"] == 5
    assert mean["1 - r"]["verdict"] == "agrees" and mean["L1"]["verdict"] == "differs"


def test_a_result_of_other_numerics_is_not_gone_on_with(reproduce):
    reproduce.pfic.RESULT.write_text(json.dumps({"numerics": -1, "solutions": {}}), encoding="utf-8")
    with pytest.raises(SystemExit, match="of other numerics"):
        reproduce.pfic.read_result()
