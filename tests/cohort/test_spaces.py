"""Maps, groups and own terms from the configuration to the tables of a fitted cohort."""

import numpy as np
import pytest
from cohorts import LABELS, read_tsv
from prepared import N_NODES, PreparedCohort

from cubnm_core.errors import InputError
from cubnm_core.fitting.candidates import Candidate
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.search_spaces import MapTable, groups, search_space
from workflow_scripts.configuration.inhibition import inhibition_control
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import evaluate, fit, simulators
from workflow_scripts.fitting.fingerprints import fingerprint
from workflow_scripts.simulate_person import simulate_person

MYELIN = [0.1, 0.9, 0.4, 0.3, 0.5, 0.7]
GRADIENT = [-1.0, 2.0, 0.5, 0.0, -2.0, 1.0]


@pytest.fixture
def map_file(tmp_path):
    """A table of maps in another order than the node table, with a node that the table does not have."""
    rows = [
        {"label": f"7Networks_{label}", "myelin": myelin, "gradient": gradient, "holey": "n/a", "flat": 3.0}
        for label, myelin, gradient in zip(LABELS, MYELIN, GRADIENT, strict=True)
    ]
    rows[0]["holey"] = 1.0
    unknown = {"label": "Brain-Stem", "myelin": 9.0, "gradient": 9.0, "holey": 9.0, "flat": 9.0}
    job.write_tsv(tmp_path / "maps.tsv", [unknown, *rows[::-1]])
    return str(tmp_path / "maps.tsv")


NODES = [
    {
        "index": i,
        "label": label,
        "hemisphere": label[0],
        "network": label.split("_")[1],
        "lobe": "occipital" if i else None,
    }
    for i, label in enumerate(LABELS)
]


def settings(free, fixed=None, maps=None, normalise="none", **optimizer):
    """Those parts of the settings of a fit that make its space."""
    return {
        "free": free,
        "fixed": fixed or {},
        "maps": None if maps is None else {"path": maps, "normalise": normalise},
        "optimizer": {"name": "cmaes", "shape": {}, "initial": {}, **optimizer},
    }


def follow(maps, **changes):
    return {"bounds": [0.0, 2.0], "maps": maps, "limits": "same", **changes}


def test_maps_are_aligned_by_label_and_normalised(map_file):
    raw, minmax, zscore = (MapTable(map_file, how, LABELS) for how in ("none", "minmax", "zscore"))
    np.testing.assert_array_equal(raw.map("myelin"), MYELIN)
    np.testing.assert_allclose(minmax.map("gradient"), (np.array(GRADIENT) + 2) / 4)
    np.testing.assert_allclose([zscore.map("myelin").mean(), zscore.map("myelin").std()], [0, 1], atol=1e-12)
    np.testing.assert_array_equal(zscore.values("myelin"), MYELIN)


def test_a_parameter_follows_the_maps_of_the_table(map_file):
    w_p = follow({"myelin": [-1.0, 1.0], "gradient": "auto"})
    space = search_space(settings({"G": [0.1, 5.0], "w_p": w_p}, maps=map_file), NODES)
    assert space.names == ["G", "w_p", "w_p.myelin", "w_p.gradient"]
    assert space.free["w_p.gradient"] == (-0.5, 0.5)
    params = space.to_parameters([[0.5, 0.4, 0.75, 0.6]])
    expected = 0.8 * (1 + 0.5 * np.array(MYELIN) + 0.1 * np.array(GRADIENT))
    np.testing.assert_allclose(params["w_p"][0], expected)


def test_held_coefficients_values_and_columns(map_file):
    w_p = {"value": 1.2, "maps": {"myelin": 0.5, "gradient": [0.0, 0.2]}, "limits": None}
    fixed = {"J_N": {"column": "myelin"}, "sigma": 0.02}
    space = search_space(settings({"G": [0.1, 5.0], "w_p": w_p}, fixed, map_file, "minmax"), NODES)
    assert space.names == ["G", "w_p.gradient"]
    params = space.to_parameters([[0.0, 0.0]])
    myelin = (np.array(MYELIN) - 0.1) / 0.8
    np.testing.assert_allclose(params["w_p"][0], 1.2 * (1 + 0.5 * myelin))
    np.testing.assert_array_equal(params["J_N"][0], MYELIN)  # values are not normalised


def test_groups_come_from_the_node_table():
    by_network = settings({"G": [0.1, 5.0], "w_p": {"bounds": [0.0, 2.0], "groups": "network"}})
    space = search_space(by_network, NODES)
    assert space.names == ["G", "w_p[Vis]", "w_p[SomMot]", "w_p[Cont]"]
    np.testing.assert_allclose(space.to_parameters([[0, 0.1, 0.2, 0.3]])["w_p"], [[0.2, 0.4, 0.6] * 2])
    assert groups("hemisphere_symmetric", NODES) == ["Vis_1", "SomMot_1", "Cont_1"] * 2
    assert groups("node", NODES) == list(LABELS)
    assert groups("hemisphere", NODES) == list("LLLRRR")


@pytest.mark.parametrize(
    ("free", "fixed", "words"),
    [
        ({"w_p": follow({"mielin": "auto"})}, {}, "no column 'mielin'; did you mean 'myelin'"),
        ({"w_p": follow({"holey": "auto"})}, {}, "column holey: no value for LH_SomMot_1, LH_Cont_1"),
        ({"w_p": follow({"flat": "auto"})}, {}, "column flat: all values are 3; that is no map"),
        ({"w_p": [0.0, 1.0]}, {"J_N": {"column": "holey"}}, "column holey: no value"),
        ({"w_p": {"bounds": [0, 1], "groups": "netwerk"}}, {}, "no column 'netwerk' .*mean 'network'"),
        ({"w_p": {"bounds": [0, 1], "groups": "lobe"}}, {}, "column 'lobe' .* is empty for LH_Vis_1"),
    ],
)
def test_what_the_tables_do_not_hold_is_named(map_file, free, fixed, words):
    with pytest.raises(InputError, match=words):
        search_space(settings(free, fixed, map_file, "minmax"), NODES)


def test_a_table_without_a_node_or_without_labels_is_refused(map_file, tmp_path):
    with pytest.raises(InputError, match=r"1 of the 7 nodes .* \(LH_New_1\)"):
        MapTable(map_file, "none", [*LABELS, "LH_New_1"])
    (tmp_path / "bare.tsv").write_text("1\t2\n3\t4\n", encoding="utf-8")
    with pytest.raises(InputError, match="first column with the labels"):
        MapTable(tmp_path / "bare.tsv", "none", LABELS)
    with pytest.raises(InputError, match=r"correct maps\.path"):
        MapTable(tmp_path / "none.tsv", "none", LABELS)


def test_unpaired_hemispheres_point_to_a_remedy():
    odd = [{**node, "label": node["label"].replace("RH_Vis_1", "RH_Vis_2")} for node in NODES]
    with pytest.raises(InputError, match=r"LH_Vis_1, RH_Vis_2 have no partner.*column of your own"):
        groups("hemisphere_symmetric", odd)


def test_a_grid_over_groups_is_checked_with_the_node_table():
    free = {"G": [0.1, 5.0], "w_p": {"bounds": [0.0, 2.0], "groups": "hemisphere"}}
    grid = settings(free, name="grid", shape={"G": 2, "w_p": 2})
    with pytest.raises(InputError, match=r"\(G, w_p\[L\], w_p\[R\]\), found G, w_p"):
        search_space(grid, NODES)


def test_problems_of_spaces_are_listed_before_the_first_job(tiny_cohort):
    tiny_cohort.config["fits"]["homogeneous"]["free"]["w_p"] = {"bounds": [0, 1], "groups": "network"}
    with pytest.raises(InputError, match=r"fits\.homogeneous: the node table has no column 'network'"):
        tiny_cohort.read()


# --- through the scripts ---

TERM = """
def term(simulated_fc, simulated_fcd, target_fc, target_fcd, state_means):
    return abs(simulated_fc.mean() - target_fc.mean()) * {factor}
"""


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Prepared people, fitted with maps, groups, a fixed column and a term of the user's own."""
    monkeypatch.chdir(tmp_path)
    made = PreparedCohort(tmp_path, people=("01", "02"))
    labels = [node["label"] for node in tables.read_nodes(tmp_path / "nodes.tsv")]
    generator = np.random.default_rng(2)
    rows = [
        {"label": label, "myelin": generator.random(), "sigma": 0.01 + 0.001 * i}
        for i, label in enumerate(labels)
    ]
    job.write_tsv("maps.tsv", rows)
    (tmp_path / "mine.py").write_text(TERM.format(factor=1.0), encoding="utf-8")
    made.settings |= {
        "free": {
            "G": [0.5, 3.0],
            "w_p": follow({"myelin": [-1.0, 1.0]}),
            "J_N": {"bounds": [0.1, 0.2], "groups": "hemisphere", "limits": "same"},
        },
        "fixed": {"sigma": {"column": "sigma"}},
        "objective": {"fc_corr": 1.0, "rate_band": 0.5, "fcd_ks_binned": 1.0},
        "rate_limits": [2.7, 3.3],
        "terms": {"mine": {"file": "mine.py", "weight": 2.0, "worst": 2.0}},
        "maps": {"path": "maps.tsv", "normalise": "minmax"},
    }
    return made


def test_regional_parameters_and_own_terms_reach_the_tables(cohort):
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", first_seed=100, seeds=3))
    fits = read_tsv(cohort.sm("fit").output.fits)
    coordinates = ("G", "w_p", "w_p.myelin", "J_N[L]", "J_N[R]")
    assert [name for name in fits[0] if name.startswith("param_")] == [
        f"param_{name}" for name in coordinates
    ]
    terms = ("fc_corr", "rate_band", "fcd_ks_binned", "mine")
    fc_corr, rate_band, fcd_ks, mine = (float(fits[0][name]) for name in terms)
    assert float(fits[0]["cost"]) == pytest.approx(-fc_corr + 0.5 * rate_band + fcd_ks + 2 * mine)
    assert mine == pytest.approx(float(fits[0]["fc_diff"]), rel=1e-5)
    best = next(row for row in fits if row["participant_id"] == "02" and row["selected"] == "True")
    regional = [
        row
        for row in read_tsv(cohort.sm("evaluate").output.regional_parameters)
        if row["participant_id"] == "02"
    ]
    assert len(regional) == 4 * N_NODES  # w_p, J_N, sigma, and the inhibitory weights
    values = {
        name: np.array([float(row["value"]) for row in regional if row["variable"] == name])
        for name in ("w_p", "J_N", "sigma", "wIE")
    }
    myelin = MapTable("maps.tsv", "minmax", [f"n{i}" for i in range(N_NODES)]).map("myelin")
    base, slope = float(best["param_w_p"]), float(best["param_w_p.myelin"])
    plain = base * (1 + slope * myelin)
    assert plain.min() >= 0 and plain.max() > 0
    if plain.max() <= 2:
        np.testing.assert_allclose(values["w_p"], plain, rtol=1e-12)
    halves = [float(best["param_J_N[L]"])] * 4 + [float(best["param_J_N[R]"])] * 4
    np.testing.assert_array_equal(values["J_N"], halves)
    np.testing.assert_allclose(values["sigma"], 0.01 + 0.001 * np.arange(N_NODES))
    assert len(set(values["wIE"])) == N_NODES
    assert {row["unit"] for row in regional if row["variable"] == "J_N"} == {"nA"}


def test_a_person_with_regional_parameters_is_simulated_again(cohort):
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", first_seed=100, seeds=1))
    for name, rule in (("fits", "fit"), ("regional_parameters", "evaluate")):
        job.write_tsv(f"results/cohort/{name}.tsv", read_tsv(getattr(cohort.sm(rule).output, name)))
    stored = {"fits": {"homogeneous": cohort.settings}, "hemispheres": list("LLLLRRRR")}
    stored["batches"] = cohort.batches
    job.write_json("results/cohort/provenance.json", stored)
    run = simulate_person("results", "sub-01", "homogeneous", seed=100)
    saved = job.read_npz(cohort.sm("evaluate").output.simulations)
    np.testing.assert_array_equal(run.bold[0, run.n_burn_in :], saved["sub-01/bold"])


def test_maps_and_terms_are_in_the_fingerprint(cohort):
    before = cohort.marks()
    assert cohort.marks() == before
    (cohort.folder / "mine.py").write_text(TERM.format(factor=2.0), encoding="utf-8")
    with_other_term = cohort.marks()
    rows = read_tsv("maps.tsv")
    rows[3]["myelin"] = "0.123"
    job.write_tsv("maps.tsv", rows)
    assert len({fingerprint(before), fingerprint(with_other_term), fingerprint(cohort.marks())}) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def trem(*_):\n    return 0\n", "has no function term"),
        ("import nowhere_to_be_found\n", "cannot be run: ModuleNotFoundError"),
    ],
)
def test_files_of_terms_that_cannot_be_used_are_named(cohort, text, words):
    (cohort.folder / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"mine\.py: {words}"):
        fit.main(cohort.sm("fit"))


def test_inhibition_of_the_fit_is_kept_under_other_noise(cohort, monkeypatch):
    """Evaluation takes the weights that control found under the noise of the fit, and does without it."""
    fit.main(cohort.sm("fit"))
    asked = []
    original = simulators.batch_simulator

    def watched(given, *rest, **more):
        asked.append((given["fic"], given["simulation"]["duration"]))
        return original(given, *rest, **more)

    monkeypatch.setattr(simulators, "batch_simulator", watched)
    evaluate.main(cohort.sm("evaluate", first_seed=100, seeds=2))
    assert asked == [({"method": "analytical"}, 1.0), (None, 45.0)]


@pytest.mark.parametrize("fic", ["analytical", "plasticity"])
def test_control_finds_the_same_weights_before_a_short_simulation(cohort, fic):
    """What evaluation takes over is what the fit had: control works before the simulation begins."""
    cohort.settings |= {"fic": inhibition_control(fic)}
    weights = Archive(cohort.connectome("sub-01")).arrays("sub-01")["weights"]
    hemispheres = list("LLLLRRRR")
    params = {"G": 1.0, "w_p": np.linspace(1.0, 1.4, N_NODES), "J_N": 0.15}
    (tuned,) = cohort.simulator.tune([Candidate(weights, params, {}, (7,))], 1.0, "")
    batch = {name: np.asarray(value)[None] for name, value in params.items()}
    one = weights[None], np.zeros(1, dtype=int), batch
    simulate_batch = simulators.batch_simulator(cohort.settings, hemispheres, 1.0, ("fc", "state_means"))
    run = simulate_batch(*one, np.array([0]), None)
    np.testing.assert_array_equal(tuned.params["wIE"], run.params["wIE"][0])
    assert simulators.without_control(cohort.settings, tuned.params)["fic"] is None
