"""FC and FCD computed elsewhere: the same targets as from the scans, or a refusal that says what to do."""

import numpy as np
import pytest
from cohorts import LABELS, REPETITION_TIME, TinyCohort, labelled, smooth_noise
from prepared import PreparedCohort
from scipy.io import savemat

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import (
    functional_connectivity,
    functional_connectivity_dynamics,
    sliding_windows,
)
from cubnm_core.measures.connectivity import pair_indices as pair_indices_of
from cubnm_core.measures.distances import binned_cdf
from workflow_scripts.cohort import precomputed_rows, tables
from workflow_scripts.cohort.units import Unit
from workflow_scripts.files.archives import Archive
from workflow_scripts.files.job import write_json
from workflow_scripts.fitting.people import People
from workflow_scripts.preparation import precomputed_targets

VOLUMES, WINDOW, STEP = 150, 25, 5
ANALYSIS = {"pairs": "all", "window": 24 * REPETITION_TIME, "window_step": STEP * REPETITION_TIME}
ANALYSIS |= {"edges": "drop", "band_pass": None}
STATED = {"repetition_time": REPETITION_TIME, "volumes": VOLUMES, "band_pass": "none", "pairs": "all"}
WINDOWS = {"window_volumes": WINDOW, "step_volumes": STEP}
PAIRS = pair_indices_of(len(LABELS))


def fc_and_fcd(seed=0):
    """Give FC (P,) and FCD (K,) of a scan."""
    bold = smooth_noise(np.random.default_rng(seed), VOLUMES)
    starts, stops = sliding_windows(VOLUMES, REPETITION_TIME, ANALYSIS["window"], ANALYSIS["window_step"])
    return functional_connectivity(bold, PAIRS), functional_connectivity_dynamics(bold, PAIRS, starts, stops)


def matrix_of(fc):
    """Give the square matrix of an FC."""
    values = np.eye(len(LABELS))
    values[PAIRS] = fc
    return np.maximum(values, values.T) + np.minimum(np.tril(values, -1).T + np.tril(values, -1), 0)


class Elsewhere:
    """Files and rows of one person, to be spoilt."""

    def __init__(self, folder):
        self.folder = folder
        self.nodes = [{"label": label, "hemisphere": label[0]} for label in LABELS]
        self.fc, self.fcd = fc_and_fcd()
        self.rows, self.kept = [], len(LABELS)
        self.add("fc", labelled(matrix_of(self.fc)))
        self.add("fcd", "\n".join(map(repr, map(float, self.fcd))) + "\n", **WINDOWS)

    def add(self, kind, text, **columns):
        """Write a text file and its row."""
        path = self.folder / f"{kind}.tsv"
        path.write_text(text, encoding="utf-8")
        empty = dict.fromkeys(
            (*precomputed_rows.STATEMENTS, "variable", "labels_file", "assume_order", "run_id")
        )
        stated = {"kind": kind, "format": "tsv", "path": str(path)}
        self.rows.append({**empty, **STATED, **stated, **columns})
        return self.rows[-1]

    def target(self, needs_fcd=True, **analysis):
        """Make the target."""
        return precomputed_targets.make_target(
            self.rows, self.nodes[: self.kept], self.nodes, {**ANALYSIS, **analysis}, needs_fcd
        )

    def refusal(self, *words, **analysis):
        """Check the message with which the target is refused."""
        with pytest.raises(InputError) as caught:
            self.target(**analysis)
        for word in words:
            assert word in str(caught.value)


@pytest.fixture
def elsewhere(tmp_path):
    return Elsewhere(tmp_path)


def test_targets_are_those_of_the_scan(elsewhere):
    arrays, facts = elsewhere.target()
    np.testing.assert_allclose(arrays["fc"], elsewhere.fc, atol=1e-12)
    np.testing.assert_array_equal(arrays["fcd"], elsewhere.fcd)
    assert facts["window_length_volumes"] == WINDOW and facts["volumes"] == VOLUMES
    assert facts["windows"] * (facts["windows"] - 1) / 2 == len(elsewhere.fcd)


def test_a_matrix_is_aligned_by_label_and_a_triangle_mirrored(elsewhere):
    order = [3, 0, 5, 1, 4, 2]
    shuffled = matrix_of(elsewhere.fc)[np.ix_(order, order)]
    elsewhere.add("fc", labelled(np.triu(shuffled), [LABELS[place] for place in order]))
    np.testing.assert_allclose(elsewhere.target()[0]["fc"], elsewhere.fc, atol=1e-12)


def test_an_fcd_may_be_a_matrix_or_a_distribution_function(elsewhere):
    windows = 26
    square = np.eye(windows)
    square[np.tril_indices(windows, -1)] = elsewhere.fcd
    np.save(elsewhere.folder / "fcd.npy", square + np.tril(square, -1).T)
    row = elsewhere.rows[1]
    row |= {"format": "npy", "path": str(elsewhere.folder / "fcd.npy")}
    np.testing.assert_array_equal(elsewhere.target()[0]["fcd"], elsewhere.fcd)

    counts = (binned_cdf(elsewhere.fcd) * len(elsewhere.fcd)).round().astype(np.int32)
    savemat(elsewhere.folder / "fcd.mat", {"train_FCD": counts[:, None]})
    row |= {"format": "cbig_fcd", "path": str(elsewhere.folder / "fcd.mat")}
    arrays, _ = elsewhere.target()
    assert set(arrays) == {"fc", "fcd_cdf"}
    np.testing.assert_allclose(arrays["fcd_cdf"], binned_cdf(elsewhere.fcd))


def test_runs_are_averaged_and_pooled(elsewhere):
    fc, fcd = fc_and_fcd(1)
    first = [dict(row, run_id="1") for row in elsewhere.rows]
    (elsewhere.folder / "other").mkdir()
    other = Elsewhere(elsewhere.folder / "other")
    for row, text in zip(
        other.rows, (labelled(matrix_of(fc)), "\n".join(map(repr, map(float, fcd)))), strict=True
    ):
        (other.folder / f"{row['kind']}.tsv").write_text(text + "\n", encoding="utf-8")
    other.rows += first
    arrays, facts = other.target()
    np.testing.assert_allclose(arrays["fc"], np.tanh((np.arctanh(fc) + np.arctanh(elsewhere.fc)) / 2))
    np.testing.assert_array_equal(arrays["fcd"], np.concatenate([fcd, elsewhere.fcd]))
    assert facts["volumes"] == 2 * VOLUMES and facts["windows"] == 2 * 26


def test_a_vector_of_pairs_needs_a_word_on_its_order(elsewhere):
    row = elsewhere.add("fc", "\n".join(map(repr, map(float, elsewhere.fc))) + "\n")
    elsewhere.rows = [row]
    elsewhere.refusal("a vector names no nodes", "assume_order", needs_fcd=False)
    row["assume_order"] = "as the node table"
    np.testing.assert_allclose(elsewhere.target(needs_fcd=False)[0]["fc"], elsewhere.fc)
    inside = np.array([LABELS[i][0] == LABELS[j][0] for i, j in zip(*PAIRS, strict=True)])
    arrays, _ = elsewhere.target(needs_fcd=False, pairs="intrahemispheric")
    np.testing.assert_allclose(arrays["fc"], elsewhere.fc[inside])
    elsewhere.add("fc", "\n".join(map(repr, map(float, elsewhere.fc[inside]))) + "\n")
    row["pairs"] = None
    elsewhere.rows = [row]
    arrays, _ = elsewhere.target(needs_fcd=False, pairs="intrahemispheric")
    np.testing.assert_allclose(arrays["fc"], elsewhere.fc[inside])
    elsewhere.refusal("holds intrahemispheric pairs only, but analysis.pairs is all", needs_fcd=False)


def test_what_is_not_said_beside_an_fcd_is_asked_for(elsewhere):
    row = elsewhere.rows[1]
    for column in (*STATED, *WINDOWS):
        kept, row[column] = row[column], None
        elsewhere.refusal("fcd.tsv", column, precomputed_rows.STATEMENTS[column], "fcd.json")
        row[column] = kept
    elsewhere.rows[0]["pairs"] = None  # the pairs of an FC can be seen
    elsewhere.target()


def test_a_json_file_may_say_it_and_must_not_contradict(elsewhere):
    stated = {"RepetitionTime": REPETITION_TIME, "Volumes": VOLUMES, "Filter": "none", "Pairs": "all"}
    stated |= {"WindowVolumes": WINDOW, "StepVolumes": STEP}
    elsewhere.rows[1] |= dict.fromkeys((*STATED, *WINDOWS))
    write_json(elsewhere.folder / "fcd.json", stated)
    np.testing.assert_array_equal(elsewhere.target()[0]["fcd"], elsewhere.fcd)
    elsewhere.rows[1]["window_volumes"] = 83
    elsewhere.refusal("window_volumes is 83 in the manifest, 25 in", "fcd.json")
    elsewhere.rows[1]["window_volumes"] = None
    write_json(elsewhere.folder / "fcd.json", {**stated, "WindowVolumes": "25", "Filter": [0.01, 0.1]})
    elsewhere.refusal("fcd.json", "window_volumes: '25'")
    write_json(elsewhere.folder / "fcd.json", {**stated, "Filter": [0.01, 0.1]})
    elsewhere.refusal("band_pass is 0.01-0.1, but bold.band_pass of the configuration is None")


@pytest.mark.parametrize(
    ("columns", "analysis", "words"),
    [
        ({"band_pass": "0.01-0.1"}, {}, ["band_pass is 0.01-0.1", "configuration is None"]),
        ({}, {"band_pass": [0.01, 0.1]}, ["band_pass is none", "configuration is [0.01, 0.1]"]),
        ({"pairs": "intrahemispheric"}, {}, ["set analysis.pairs: intrahemispheric"]),
        ({}, {"pairs": "intrahemispheric"}, ["an FCD made of all pairs"]),
        ({"window_volumes": 31}, {}, ["windows of 31 volumes", "makes 25", "set analysis.window: 24"]),
        ({"window_volumes": 30}, {}, ["an even number of volumes cannot be made here"]),
        ({"step_volumes": 1}, {}, ["1 volumes apart", "makes 5", "set analysis.window_step: 0.8"]),
        ({"volumes": 151}, {"edges": "keep"}, ["have 31 windows and 465 pairs"]),
        ({"volumes": 300}, {}, ["an FCD of 325 pairs of windows, but 300 volumes", "56 windows"]),
        ({"volumes": 20}, {}, ["at least two windows"]),
        ({"repetition_time": 0.72}, {}, ["differ in repetition time"]),
        ({"format": "cbig_fcd"}, {}, ["325 values; a distribution function of the FCD has 10000"]),
    ],
)  # fmt: skip
def test_other_settings_are_refused(elsewhere, columns, analysis, words):
    elsewhere.rows[1] |= columns
    elsewhere.refusal(*words, **analysis)


def test_what_is_no_fc_is_refused(elsewhere):
    square = matrix_of(elsewhere.fc)
    for values, words in (
        (np.arctanh(square * 0.9) * 4, "Fisher's z"),
        (square[:5], "5 x 6, but an FC is square"),
        (square + np.triu(0.1 * square, 1), "not symmetric"),
        (np.where(np.eye(6) == 1, 1, np.where(np.arange(6) == 2, np.nan, square)), "values like nan"),
        (square * np.kron(np.eye(2), np.ones((3, 3))), "between the hemispheres are 0"),
    ):
        row = elsewhere.add("fc", labelled(values))
        row["pairs"] = None
        elsewhere.rows = [row]
        elsewhere.refusal("fc.tsv", words, needs_fcd=False)


def test_nodes_that_others_lack_are_left_out_of_an_fc_and_cannot_be_left_out_of_an_fcd(elsewhere):
    elsewhere.kept = 5
    elsewhere.refusal("fcd.tsv is of 6 nodes, the analysis has the 5", "cannot be taken out of an FCD")
    arrays, facts = elsewhere.target(needs_fcd=False)
    kept = PAIRS[0] < 5
    np.testing.assert_allclose(arrays["fc"], elsewhere.fc[kept])
    assert "cannot be taken out of an FCD" in facts["notes"][-1]
    row = elsewhere.add(
        "fc", "\n".join(map(repr, map(float, elsewhere.fc))) + "\n", assume_order="as the table"
    )
    elsewhere.rows = [row]
    np.testing.assert_allclose(elsewhere.target(needs_fcd=False)[0]["fc"], elsewhere.fc[kept])
    np.savetxt(elsewhere.folder / "fc.tsv", matrix_of(elsewhere.fc))
    np.testing.assert_allclose(elsewhere.target(needs_fcd=False)[0]["fc"], elsewhere.fc[kept])


def test_people_without_fcd_are_of_no_use_to_fits_that_need_it(elsewhere):
    elsewhere.rows = elsewhere.rows[:1]
    elsewhere.refusal("no row of kind fcd for this split; every fit")
    arrays, facts = elsewhere.target(needs_fcd=False)
    assert set(arrays) == {"fc"} and facts["notes"][-1].startswith("without FCD")


@pytest.fixture
def cohort(tmp_path):
    """Three people whose FC and FCD were computed elsewhere; the third lacks an FCD."""
    cohort = TinyCohort(tmp_path)
    cohort.manifest = [row for row in cohort.manifest if row["kind"] == "sc"]
    cohort.config["analysis"] = {"window": ANALYSIS["window"], "window_step": ANALYSIS["window_step"]}
    for seed, person in enumerate(("01", "02", "03")):
        for run, role in (("1", "train"), ("2", "test")):
            fc, fcd = fc_and_fcd(2 * seed + (role == "test"))
            stated = {"run_id": run, "role": role, **STATED}
            cohort.add(person, "fc", labelled(matrix_of(fc)), **stated)
            if person != "03":
                cohort.add(person, "fcd", "\n".join(map(repr, map(float, fcd))) + "\n", **stated, **WINDOWS)
    return cohort


def test_the_manifest_is_held_against_the_configuration(cohort):
    assert set(cohort.read()[-1]) >= {"window_volumes", "pairs"}
    units = tables.units(cohort.read(), "individual")
    assert [row["kind"] for row in units["sub-01"]["bold"]] == ["fc", "fcd", "fc", "fcd"]
    cohort.config["analysis"] = {"window": 30.0}
    cohort.config["bold"]["band_pass"] = [0.01, 0.1]
    with pytest.raises(InputError) as caught:
        cohort.read()
    assert "line 5: band_pass is none" in str(caught.value)
    assert "windows of 25 volumes, but analysis.window 30 s makes 39" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.row("03", "fc", "1").update(role="both"), "set holdout: none"),
        (lambda c: c.manifest.remove(c.row("01", "fc", "2")), "no row of kind fc, with the role test"),
        (lambda c: c.config.update(holdout="split_half"), "an FC cannot be cut into two halves"),
        (lambda c: c.row("01", "fc", "1").update(window_volumes=25), "window_volumes is given for a row of"),
        (lambda c: c.row("01", "fcd", "1").update(format="cbig_fcd"), "weigh fcd_ks_binned instead"),
        (lambda c: c.add("01", "bold", "1\n", role="train"), "has scans (kind bold) and FC or FCD computed"),
    ],
)  # fmt: skip
def test_wrong_rows_are_refused_before_the_first_job(cohort, change, words):
    cohort.config["fits"]["homogeneous"]["objective"] = {"fc_corr": 1.0, "fcd_ks": 1.0}
    change(cohort)
    cohort.write()
    with pytest.raises(InputError) as caught:
        cohort.read()
    assert words in str(caught.value)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Three prepared people: with the values of an FCD, with its distribution function, without."""
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path)
    for unit, without in (("sub-02", None), ("sub-03", "without FCD: no row of kind fcd")):
        for split in cohort.splits:
            arrays = Archive(cohort.target(unit, split)).arrays(unit)
            cdf = {} if without else {"fcd_cdf": binned_cdf(arrays["fcd"])}
            cohort.write_target(unit, split, fc=arrays["fc"], **cdf)
            told = [without] if without else []
            cohort.state(unit, split, status="ok", reasons=[], notes=told, repetition_time=1.0)
    return cohort


@pytest.mark.parametrize(
    ("objective", "fitted", "reasons"),
    [
        ({"fc_corr": 1.0}, ["sub-01", "sub-02", "sub-03"], {}),
        ({"fc_corr": 1.0, "fcd_ks_binned": 1.0}, ["sub-01", "sub-02"], {"sub-03": "no row of kind fcd"}),
        (
            {"fc_corr": 1.0, "fcd_ks": 1.0, "fcd_ks_binned": 0.0},
            ["sub-01"],
            {"sub-02": "weigh fcd_ks_binned", "sub-03": "no row of kind fcd"},
        ),
    ],
)
def test_a_fit_excludes_those_who_lack_what_its_objective_weighs(prepared, objective, fitted, reasons):
    prepared.settings["objective"] = objective
    people, unusable = prepared.read()
    assert list(people) == fitted
    assert {unit: row["status"] for unit, row in unusable.items()} == dict.fromkeys(reasons, "excluded")
    for unit, words in reasons.items():
        assert words in unusable[unit]["reason"]


def test_a_split_without_fcd_is_not_scored_by_a_fit_that_weighs_it(prepared, caplog):
    fc = Archive(prepared.target("sub-01", "test")).arrays("sub-01")["fc"]
    prepared.write_target("sub-01", "test", fc=fc)
    files = prepared.sm("evaluate").input.connectomes, prepared.sm("evaluate").input.targets, prepared.splits
    weighing = {**prepared.settings, "objective": {"fcd_ks": 1.0}}
    assert list(People(*files, weighing).read(Unit("01")).targets) == ["train"]
    assert "sub-01 is not scored on the split test" in caplog.text
    assert list(People(*files).read(Unit("01")).targets) == ["train", "test"]
