"""Landscapes of the cost: every candidate is kept, and lands in its cell of what is drawn."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cubnm_core.fitting.fits import Generation
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.simulation.simulation import STATUS
from workflow_scripts.fitting import landscapes
from workflow_scripts.report.sections import landscape

SPACE = SearchSpace({"G": (0.0, 4.0), "w_p": (0.0, 2.0)}, {})
DIVERGED = next(code for code, name in STATUS.items() if "diverg" in name)


def results(points, cost, status=None):
    """What a search hands on: two generations of its candidates."""
    status = np.zeros(len(cost), dtype=int) if status is None else status
    halves = np.array_split(np.arange(len(cost)), 2)
    history = [
        Generation(
            k, points[half], {"fc_corr": -cost[half], "fcd_ks": 2 * cost[half]}, cost[half], status[half]
        )
        for k, half in enumerate(halves)
    ]
    return SimpleNamespace(history=history)


def grid(n=4):
    """Points of a grid over the unit square, the first parameter slowest."""
    values = np.linspace(0, 1, n)
    return np.stack(np.meshgrid(values, values, indexing="ij"), axis=-1).reshape(-1, 2)


@pytest.fixture
def found(tmp_path):
    """Two people on a grid of 4 by 4; the cost is that of a bowl, and one candidate of the second failed."""
    points = grid()
    cost = np.sum((points - [1 / 3, 2 / 3]) ** 2, axis=1)
    status = np.zeros(16, dtype=int)
    status[-1] = DIVERGED
    path = tmp_path / "results" / "fits" / "bowl" / "batch-001_landscape.npz"
    people = {"sub-01": [(0, results(points, cost))], "sub-02": [(0, results(points, cost + 1, status))]}
    landscapes.write(path, SPACE, {**people, "sub-03": []})
    return path


def cohort(path, name="grid", smallest=2):
    return SimpleNamespace(
        fits=["bowl"],
        all_fits=["bowl"],
        units=["sub-01", "sub-02", "sub-03"],
        landscapes=landscapes.by_fit([path]),
        smallest_group=smallest,
        count_people=lambda units: len(set(units)),
        fit_settings={
            "bowl": {"optimizer": {"name": name}, "objective": {"fc_corr": 1.0, "fcd_ks": 1.0}, "terms": {}}
        },
        free=lambda fit: {"G": [0.0, 4.0], "w_p": [0.0, 2.0]},
        successful=pd.DataFrame(
            {"key": ["sub-01"], "fit": "bowl", "selected": True, "param_G": 4 / 3, "param_w_p": 4 / 3}
        ),
        of_fit=lambda *_: pd.DataFrame(columns=["key", "parameter", "truth"]),
    )


def test_candidates_come_back_in_the_units_of_parameters(found):
    assert set(landscapes.by_fit([found])["bowl"]) == {"sub-01", "sub-02"}
    one = landscapes.read(found, "sub-02")
    assert one.coordinates == ["G", "w_p"] and one.terms == ["fc_corr", "fcd_ks"]
    assert np.allclose(one.points, grid() * [4, 2])
    assert np.allclose(one.values[:, 1], 2 * one.cost)
    assert one.failed.tolist() == [False] * 15 + [True]


def test_restarts_stay_apart(tmp_path):
    points, cost = grid(2), np.arange(4.0)
    path = tmp_path / "x" / "batch-001_landscape.npz"
    landscapes.write(path, SPACE, {"sub-01": [(0, results(points, cost)), (2, results(points, cost))]})
    assert landscapes.read(path, "sub-01").restart.tolist() == [0] * 4 + [2] * 4


def test_a_batch_without_results_has_nobody(tmp_path):
    path = tmp_path / "x" / "batch-001_landscape.npz"
    landscapes.write(path, SPACE, {"sub-01": []})
    assert landscapes.by_fit([path]) == {"x": {}}


def test_every_point_of_a_grid_has_its_cell(found):
    valleys = landscape.Valleys(
        cohort(found), "bowl", ["sub-01", "sub-02"], landscapes.by_fit([found])["bowl"]
    )
    first, second = valleys.planes["cost", (0, 1)]
    cost = np.sum((grid() - [1 / 3, 2 / 3]) ** 2, axis=1).reshape(4, 4)
    assert np.allclose(first, cost)
    assert np.isnan(second[-1, -1]) and np.isfinite(second).sum() == 15
    assert np.allclose(valleys.along["cost", 0][0], cost.min(axis=1))
    assert valleys.terms == ["cost", "fc_corr", "fcd_ks"]
    (mean,) = [panel for panel in valleys._cohort_planes() if panel.title == "cost"]
    assert np.allclose(mean.values[0, 0], cost[0, 0] + 0.5) and np.allclose(mean.values[-1, -1], cost[-1, -1])


def test_other_searches_show_how_far_above_the_best_a_cell_is(found):
    files = landscapes.by_fit([found])["bowl"]
    valleys = landscape.Valleys(cohort(found, "cmaes"), "bowl", ["sub-01", "sub-02"], files)
    assert valleys.terms == ["cost"]
    for person in valleys.along["cost", 1]:
        assert np.nanmin(person) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["grid", "cmaes"])
def test_the_section_has_pictures_of_cohort_and_people(found, monkeypatch, name):
    monkeypatch.setattr(landscape, "shown_units", lambda cohort, limit: ["sub-02"])
    drawn = {}
    monkeypatch.setattr(landscape, "picture", lambda draw, panels, *_, alt: drawn.setdefault(alt, panels))
    (fit,) = landscape.section(cohort(found, name)).context["fits"]
    assert fit["n"] == 2 and fit["n_candidates"] == 32 and fit["is_grid"] == (name == "grid")
    (people,) = [panels for alt, panels in drawn.items() if "single people" in alt]
    assert [panel.title for panel in people] == ["sub-02"]


def test_what_is_shared_shows_nobody(found, monkeypatch):
    drawn = []
    monkeypatch.setattr(landscape, "picture", lambda draw, panels, *rest, alt: drawn.append((panels, rest)))
    (fit,) = landscape.aggregate(cohort(found)).context["fits"]
    assert fit["people"] is None
    (curves, (shows_people,)), (planes, _) = drawn
    assert curves and not shows_people
    assert all(len(panel.best) == len(panel.truth) == 0 for panel in planes)
    # The last candidate of one of both failed, so that its cell would tell of the other alone.
    assert all(np.isnan(panel.values[-1, -1]) and np.isfinite(panel.values[0, 0]) for panel in planes)
    assert landscape.aggregate(cohort(found, smallest=3)).context["fits"] == []


@pytest.mark.slow
def test_pictures_can_be_drawn(found, monkeypatch):
    monkeypatch.setattr(landscape, "shown_units", lambda cohort, limit: ["sub-01"])
    (fit,) = landscape.section(cohort(found)).context["fits"]
    assert all(drawn.uri.startswith("data:image/svg+xml") for drawn, _ in fit["pictures"])
