"""The synthetic cohort: connectomes as unequal as real ones, known truth, files as a lab would bring them."""

from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import read_tsv
from synthetic_settings import SETTINGS, completed

from cubnm_core.connectomes import synthetic
from workflow_scripts import readers
from workflow_scripts.cohort import tables
from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES
from workflow_scripts.preparation import make_synthetic_cohort

pytestmark = pytest.mark.slow


def make(folder, monkeypatch, **changes):
    """Run the rule in a folder; return its settings and the rows of its manifest."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    settings = completed(**changes)
    manifest = tables.plan_manifest(settings)
    params = SimpleNamespace(synthetic=settings, manifest=manifest, hemodynamics="cubnm-1.5T")
    sm = SimpleNamespace(
        params=params, output=SimpleNamespace(**SYNTHETIC_TABLES), log=["log.log"], threads=2
    )
    make_synthetic_cohort.main(sm)
    return settings, manifest


def test_nodes_lie_on_two_mirrored_halves():
    positions = synthetic.node_positions(66)
    assert (positions[:33, 0] < 0).all() and (positions[33:, 0] > 0).all()
    np.testing.assert_allclose(positions[:33] * (-1, 1, 1), positions[33:])
    np.testing.assert_allclose(((positions / synthetic.SEMI_AXES) ** 2).sum(axis=1), 1.0)
    with pytest.raises(ValueError, match="even number of nodes, found 7"):
        synthetic.node_positions(7)


def test_connectomes_are_as_unequal_as_real_ones():
    positions = synthetic.node_positions(66)
    weights = synthetic.typical_connectome(positions, np.random.default_rng(1))
    lower = np.tril_indices(66, -1)
    lengths = synthetic.tract_lengths(positions)[lower]
    np.testing.assert_array_equal(weights, weights.T)
    assert weights.mean() == pytest.approx(0.01) and not np.diag(weights).any()
    logarithm = np.log(weights[lower])
    assert 2.0 < logarithm.std() < 2.8  # 2.4 in two young adults, Schaefer-100
    assert np.corrcoef(logarithm, lengths)[0, 1] < -0.7
    between = weights[:33, 33:]
    assert 0.05 < 2 * between.sum() / weights.sum() < 0.2  # 0.08 to 0.1 there
    assert np.median(np.diag(between)) > 10 * np.median(between)


def test_people_vary_around_the_typical_connectome():
    typical = synthetic.typical_connectome(synthetic.node_positions(30), np.random.default_rng(1))
    lower = np.tril_indices(30, -1)
    own = synthetic.vary_connectome(typical, 0.3, np.random.default_rng(2))
    ratio = np.log(own[lower] / typical[lower])
    assert ratio.std() == pytest.approx(0.3, rel=0.1)
    assert own.mean() == pytest.approx(0.01) and (own == own.T).all()
    np.testing.assert_allclose(synthetic.vary_connectome(typical, 0.0, np.random.default_rng(2)), typical)


def test_measured_scans_hold_noise_and_a_global_signal_of_the_size_asked():
    generator = np.random.default_rng(0)
    bold = generator.standard_normal((4000, 20))
    added = synthetic.measure_scan(bold, 0.5, 0.3, np.random.default_rng(1)) - bold
    common = added.mean(axis=1)
    assert common.std() == pytest.approx(0.5, rel=0.1)
    assert (added - common[:, None]).std() == pytest.approx(0.3, rel=0.1)
    assert np.corrcoef(common[1:], common[:-1])[0, 1] > 0.8
    np.testing.assert_array_equal(synthetic.measure_scan(bold, 0.0, 0.0, generator), bold)


def test_the_manifest_is_the_one_that_was_planned(tmp_path, monkeypatch):
    _, planned = make(tmp_path / "cohort", monkeypatch)
    assert tables.read_manifest(SYNTHETIC_TABLES["manifest"]) == planned
    nodes = tables.read_nodes(SYNTHETIC_TABLES["nodes"])
    assert [node["hemisphere"] for node in nodes] == ["L"] * 4 + ["R"] * 4
    people = tables.read_participants(SYNTHETIC_TABLES["participants"])
    assert [person["group"] for person in people] == ["control", "patient"] * 2
    for row in planned:
        matrix = readers.read(row)
        assert matrix.column_labels == tuple(node["label"] for node in nodes)
        assert matrix.values.shape == ((40, 8) if row["kind"] == "bold" else (8, 8))
        assert np.isfinite(matrix.values).all()


def test_groups_differ_in_the_true_coupling(tmp_path, monkeypatch):
    settings, _ = make(tmp_path / "cohort", monkeypatch)
    truth = {
        (row["participant_id"], row["parameter"]): float(row["value"])
        for row in read_tsv(SYNTHETIC_TABLES["truth"])
    }
    assert len(truth) == 8
    difference = np.mean([truth["02", "G"] - truth["01", "G"], truth["04", "G"] - truth["03", "G"]])
    assert difference == pytest.approx(settings["parameters"]["G"]["group_difference"], abs=0.2)


def test_more_people_leave_the_first_ones_as_they_are():
    few, many = (make_synthetic_cohort.draw_people(completed(participants=number)) for number in (4, 9))
    assert many[:4] == few
    assert few != make_synthetic_cohort.draw_people(completed(participants=4, seed=4))


def test_a_clean_cohort_hands_out_the_truth(tmp_path, monkeypatch):
    settings, rows = make(tmp_path / "clean", monkeypatch, clean=True)
    positions = synthetic.node_positions(8)
    connectomes = make_synthetic_cohort.draw_connectomes(settings, positions, 4)
    people = make_synthetic_cohort.draw_people(settings)
    scans = make_synthetic_cohort.simulate_scans(settings, connectomes, people, "cubnm-1.5T", 1)
    files = [readers.read(row).values for row in rows]
    np.testing.assert_allclose(files[0], connectomes[0], rtol=1e-5)
    np.testing.assert_allclose(files[1], synthetic.tract_lengths(positions), rtol=1e-5)
    np.testing.assert_allclose(files[2], scans[0, 0], rtol=1e-5)
    np.testing.assert_allclose(files[3], scans[0, 1], rtol=1e-5)
    _, rows = make(tmp_path / "measured", monkeypatch)
    for row, clean in zip(rows, files, strict=True):
        if row["kind"] == "length":
            continue
        assert np.abs(readers.read(row).values - clean).max() > 1e-3 * np.abs(clean).max()


def test_two_scans_of_a_person_have_their_own_noise(tmp_path, monkeypatch):
    _, rows = make(tmp_path / "clean", monkeypatch, clean=True)
    first, second = (readers.read(row).values for row in rows[2:4])
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.9


def test_truth_may_lie_where_inhibition_is_weak(tmp_path, monkeypatch):
    """Rates outside their band are a property of the truth; only scans without numbers would be an error."""
    parameters = {"G": {"mean": 3.0, "sd": 0.1}, "w_p": {"mean": 1.4, "sd": 0.1}}
    _, rows = make(tmp_path / "strong", monkeypatch, parameters=parameters)
    assert np.isfinite(readers.read(rows[2]).values).all()


def test_sessions_have_scans_and_truth_of_their_own(tmp_path, monkeypatch):
    parameters = {"G": {"mean": 1.5, "sd": 0.2, "session_sd": 0.1}}
    settings, rows = make(tmp_path / "sessions", monkeypatch, sessions=3, parameters=parameters)
    assert tables.read_manifest(SYNTHETIC_TABLES["manifest"]) == rows
    cohort = tables.units(rows, "individual")
    assert list(cohort)[:3] == ["sub-01_ses-1", "sub-01_ses-2", "sub-01_ses-3"]
    assert {len(unit["bold"]) for unit in cohort.values()} == {2}
    assert {unit["connectome"][0]["path"] for unit in list(cohort.values())[:3]} == {rows[0]["path"]}
    scans = {row["path"]: readers.read(row).values for row in rows if row["kind"] == "bold"}
    assert len({scan.tobytes() for scan in scans.values()}) == 4 * 3 * 2
    truth = {
        (row["participant_id"], row["session_id"]): float(row["value"])
        for row in read_tsv(SYNTHETIC_TABLES["truth"])
    }
    assert len(set(truth.values())) == 4 * 3
    once = make_synthetic_cohort.draw_people({**settings, "sessions": 1})
    for person in once:
        mine = [truth[person["participant_id"], session] for session in "123"]
        assert np.abs(np.array(mine) - person["truth"][0]["G"]).max() < 4 * 0.1


def test_one_session_is_what_it_always_was(tmp_path, monkeypatch):
    make(tmp_path / "once", monkeypatch, parameters={"G": {"mean": 1.5, "sd": 0.2, "session_sd": 0.1}})
    rows = read_tsv(SYNTHETIC_TABLES["truth"])
    assert {row["session_id"] for row in rows} == {"n/a"}
    generator = np.random.default_rng([SETTINGS["seed"], 1, 0])
    assert float(rows[0]["value"]) == 1.5 + 0.2 * generator.standard_normal()
