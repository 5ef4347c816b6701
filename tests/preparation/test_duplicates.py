"""The same data twice: never trained and tested on, and told where two people have it."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import LABELS, TinyCohort, labelled, smooth_noise
from preparing import finished, of_tables, rewrite
from test_signals import from_case

from cubnm_core.measures.copies import alike, are_equal, shared_volumes, sketch
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files.archives import Archive
from workflow_scripts.preparation import duplicates, empirical_targets

PEOPLE = ("01", "02", "03", "04")


@pytest.fixture
def cohort(tmp_path):
    return TinyCohort(tmp_path, PEOPLE)


def scan(seed, volumes=150):
    return smooth_noise(np.random.default_rng(seed), volumes)


def written(cohort, person, kind, run=None):
    """Numbers of a file."""
    path = cohort.folder / cohort.row(person, kind, run)["path"]
    return np.loadtxt(path, skiprows=1, delimiter="\t")


def one_path(cohort):
    cohort.row("02", "bold", "2")["path"] = cohort.row("02", "bold", "1")["path"]


def one_path_in_other_words(cohort):
    cohort.row("02", "bold", "2")["path"] = "./" + cohort.row("02", "bold", "1")["path"]


def a_link(cohort):
    path = cohort.folder / cohort.row("02", "bold", "2")["path"]
    path.unlink()
    path.symlink_to(cohort.folder / cohort.row("02", "bold", "1")["path"])


def equal_bytes(cohort):
    paths = (cohort.folder / cohort.row("02", "bold", run)["path"] for run in ("1", "2"))
    shutil.copy(*paths)


def another_format(cohort):
    np.save(cohort.folder / "copy.npy", written(cohort, "02", "bold", "1").T.astype(np.float32))
    cohort.row("02", "bold", "2").update(
        path="copy.npy", format="npy", orientation="NxT", assume_order="as the table"
    )


def rounded(cohort):
    rewrite(cohort, "02", "bold", written(cohort, "02", "bold", "1").round(2), run="2")


def standardised(cohort):
    values = written(cohort, "02", "bold", "1")
    rewrite(cohort, "02", "bold", (100 + 7 * (values - values.mean(0)) / values.std(0)).round(3), run="2")


def cut_at_the_end(cohort):
    rewrite(cohort, "02", "bold", written(cohort, "02", "bold", "1")[:100], run="2")


def cut_at_the_start(cohort):
    rewrite(cohort, "02", "bold", written(cohort, "02", "bold", "1")[30:], run="2")


def cut_at_both_ends(cohort):
    rewrite(cohort, "02", "bold", written(cohort, "02", "bold", "1")[40:120].round(3), run="2")


def overlapping(cohort):
    whole = scan(5, 250)
    rewrite(cohort, "02", "bold", whole[:150], run="1")
    rewrite(cohort, "02", "bold", whole[100:], run="2")


def turned_round(cohort):
    rewrite(cohort, "02", "bold", written(cohort, "02", "bold", "1")[::-1], run="2")


def in_another_order(cohort):
    values = written(cohort, "02", "bold", "1")
    rewrite(cohort, "02", "bold", values[np.random.default_rng(0).permutation(len(values))], run="2")


def of_another_sign(cohort):
    rewrite(cohort, "02", "bold", -written(cohort, "02", "bold", "1"), run="2")


def without_some_volumes(cohort):
    values = np.delete(written(cohort, "02", "bold", "1"), [40, 41, 90], axis=0)
    rewrite(cohort, "02", "bold", values.round(4), run="2")


WITHIN = (
    turned_round, in_another_order, of_another_sign, without_some_volumes, one_path,
    one_path_in_other_words, a_link, equal_bytes, another_format, rounded, standardised,
    cut_at_the_end, cut_at_the_start, cut_at_both_ends, overlapping,
)  # fmt: skip


@pytest.mark.parametrize("spoil", WITHIN, ids=lambda spoil: spoil.__name__)
def test_nobody_is_tested_on_the_scan_that_trained(cohort, spoil):
    spoil(cohort)
    prepared = of_tables(cohort)
    _, rows = finished(prepared)
    assert [row["bold"] for row in rows.values()] == ["ok", "excluded", "ok", "ok"]
    assert "tested on the scan that it was fitted to" in rows["02"]["reasons"]
    assert "a run is there twice" in rows["02"]["flags"]
    assert Archive(prepared.archive("bold")["npz"]).arrays("sub-02") == {}


def test_of_several_runs_the_second_is_left_out(cohort):
    cohort.add("02", "bold", labelled(scan(9)), run_id="3", role="test", repetition_time=0.8)
    equal_bytes(cohort)
    prepared = of_tables(cohort)
    _, rows = finished(prepared)
    assert rows["02"]["bold"] == "ok" and rows["02"]["runs"] == "2"
    assert "run 2 is left out: " in rows["02"]["notes"] and "same bytes as run 1" in rows["02"]["notes"]
    targets = Archive(prepared.targets("test").npz)
    assert targets.records["sub-02"]["runs"] == ["3"]


def test_two_halves_of_a_run_do_not_make_two_runs(cohort):
    equal_bytes(cohort)
    for person in PEOPLE:
        for run in ("1", "2"):
            cohort.row(person, "bold", run)["role"] = "both"
    prepared = of_tables(cohort, holdout="split_half")
    prepared.decide()
    record = Archive(prepared.archive("bold")["npz"]).records["sub-02"]
    assert record["status"] == "ok" and list(record["runs"]) == ["1"]


def test_runs_of_one_person_that_only_begin_alike_are_two():
    decay = 500.0 * np.exp(-np.arange(150) / 2.0)[:, None] * np.arange(1.0, 7.0)
    assert shared_volumes(scan(1) + decay, scan(2) + decay) == 0
    assert shared_volumes(scan(1), scan(3)[::-1]) == 0
    slow = [np.cumsum(np.cumsum(scan(seed), axis=0), axis=0) for seed in (1, 2)]
    assert shared_volumes(*slow) == 0 < shared_volumes(slow[0], slow[0][20:100])


def test_rounding_and_scale_hide_no_copy_and_likeness_is_none():
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((40, 500))
    copy = (3 * vectors[7]).round(2)
    relative = vectors[9] + 0.05 * generator.standard_normal(500)
    sketches = [sketch(vector) for vector in (*vectors, copy, relative)]
    assert alike(sketches) == [(7, 40)]
    assert are_equal(vectors[7], vectors[7].round(4)) and not are_equal(vectors[9], relative)


def of_another(cohort):
    cohort.row("03", "bold", "1")["path"] = cohort.row("01", "bold", "1")["path"]


def copied_from_another(cohort):
    shutil.copy(*(cohort.folder / cohort.row(person, "bold", "2")["path"] for person in ("01", "03")))


def rounded_of_another(cohort):
    rewrite(cohort, "03", "bold", written(cohort, "01", "bold", "1").round(2), run="2")


def truncated_of_another(cohort):
    rewrite(cohort, "03", "bold", written(cohort, "01", "bold", "1")[:110].round(3), run="1")


def begun_later_of_another(cohort):
    rewrite(cohort, "03", "bold", written(cohort, "01", "bold", "1")[40:], run="1")


def connectome_of_another(cohort):
    shutil.copy(*(cohort.folder / cohort.row(person, "sc")["path"] for person in ("01", "03")))


def scaled_connectome_of_another(cohort):
    rewrite(cohort, "03", "sc", (1000 * written(cohort, "01", "sc")).round(2))


BETWEEN = (
    of_another, copied_from_another, rounded_of_another, truncated_of_another, begun_later_of_another,
    connectome_of_another, scaled_connectome_of_another,
)  # fmt: skip


@pytest.mark.parametrize("spoil", BETWEEN, ids=lambda spoil: spoil.__name__)
def test_two_people_with_one_scan_or_connectome_are_flagged(cohort, spoil):
    spoil(cohort)
    kind = "connectome" if "connectome" in spoil.__name__ else "scan"
    decided, rows = finished(of_tables(cohort))
    assert [(found["kind"], found["other"], found["unit"]) for found in decided["duplicates"]] == [
        (kind, "sub-01", "sub-03")
    ]
    assert rows["01"]["flags"].startswith(f"the same {kind} as sub-03")
    assert rows["03"]["flags"].startswith(f"the same {kind} as sub-01")
    assert not any("the same" in rows[person]["flags"] for person in ("02", "04"))
    assert {row["reasons"] for row in rows.values()} == {"n/a"}
    bold = {"hemodynamics": "cubnm-3T", "duplicates": "exclude"}
    decided, rows = finished(of_tables(cohort, bold=bold))
    assert list(decided["excluded"]) == ["sub-03"]
    assert "bold.duplicates: exclude" in rows["03"]["reasons"] and rows["01"]["reasons"] == "n/a"


def test_one_file_named_for_several_people_is_a_shared_connectome(cohort):
    for person in PEOPLE[1:]:
        cohort.row(person, "sc")["path"] = cohort.row("01", "sc")["path"]
    decided, rows = finished(of_tables(cohort))
    assert decided["duplicates"] == []
    assert [len(members) for members in decided["shared_connectomes"].values()] == [4]
    assert not any("the same" in row["flags"] for row in rows.values())


def test_many_copies_are_told_once_a_person(cohort):
    for person in PEOPLE[1:]:
        rewrite(cohort, person, "sc", written(cohort, "01", "sc") * int(person))
    decided = of_tables(cohort).decide()
    assert [(found["other"], found["unit"]) for found in decided["duplicates"]] == [
        ("sub-01", f"sub-{person}") for person in PEOPLE[1:]
    ]


def test_a_held_out_fc_is_not_that_of_the_training_split(tmp_path):
    rows, names = [], {"train": "one", "test": "two"}
    for split, name in names.items():
        values = np.corrcoef(scan(1).T) if split == "train" else np.corrcoef(scan(1).T).round(5)
        (tmp_path / f"{name}.tsv").write_text(labelled(values), encoding="utf-8")
        rows.append({"kind": "fc", "path": str(tmp_path / f"{name}.tsv"), "format": "tsv", "role": split})
    empty = dict.fromkeys(schema("manifest")["properties"])
    stated = {"repetition_time": 0.8, "volumes": 900, "band_pass": "none"}
    rows = [{**empty, **stated, **row} for row in rows]
    nodes = [{"label": label, "hemisphere": label[0]} for label in LABELS]

    analysis = {"pairs": "all", "window": 20.0, "window_step": 4.0, "edges": "drop", "band_pass": None}
    params = SimpleNamespace(rows={"sub-01": rows}, analysis=analysis, holdout="run", needs_fcd=False)
    params.shortest = {"shortest_scan": 300.0, "shortest_fcd": None}

    def target(split):
        bold = SimpleNamespace(records={"sub-01": {"status": "ok"}})
        return empirical_targets.person_target(bold, "sub-01", split, nodes, nodes, params)[1]

    assert target("train")["status"] == "ok"
    assert "the FC of the training split" in target("test")["reasons"][0]
    (tmp_path / "two.tsv").write_text(labelled(np.corrcoef(scan(2).T)), encoding="utf-8")
    assert target("test")["status"] == "ok"
    params.shortest = {"shortest_scan": 900.0, "shortest_fcd": None}
    assert "made of 12.0 minutes of scan, fewer" in target("train")["reasons"][0]
    params.shortest = {"shortest_scan": None, "shortest_fcd": 900.0}
    assert "bold.shortest_fcd asks for (15.0 minutes)" in target("train")["fcd_left_out"]


def archive_of(vectors):
    """Targets computed elsewhere, in memory: dict of unit to FC."""
    records = {
        unit: {"participant_id": unit[4:6], "precomputed": ["fc.tsv"], "status": "ok"} for unit in vectors
    }
    return SimpleNamespace(records=records, arrays=lambda unit: {"fc": vectors[unit]})


def test_an_fc_computed_elsewhere_that_two_people_have_is_flagged():
    """Rounded, and in another split; two sessions of one person and mere likeness are none."""
    rng = np.random.default_rng(0)
    units = ["sub-01", "sub-02_ses-1", "sub-02_ses-2", "sub-03"]
    train = {unit: rng.uniform(-0.2, 0.9, 200) for unit in units}
    test = {unit: values + rng.normal(0, 0.05, 200) for unit, values in train.items()}
    test["sub-03"] = np.round(train["sub-01"], 5)
    train["sub-02_ses-2"] = train["sub-02_ses-1"]
    (found,) = duplicates.same_fc(units, {"train": archive_of(train), "test": archive_of(test)})
    assert (found["kind"], found["unit"], found["other"]) == ("FC", "sub-03", "sub-01")
    assert "its FC (test) is that of sub-01 (train)" in found["told"]
    assert duplicates.flags([found])["sub-01"][0].startswith("the same FC as sub-03")


def test_one_file_in_two_rows_is_never_trained_and_tested_on(shared, tmp_path):
    case = "R01/one_path"
    _, rows = finished(from_case(shared, case, tmp_path))
    assert "the same file as run 1" in rows["P01"]["reasons"]
    any_length = {"shortest_scan": None, "shortest_fcd": None}
    _, rows = finished(from_case(shared, case, tmp_path / "any", **any_length))
    assert [row["bold"] for row in rows.values()] == ["excluded", "ok", "ok", "ok"]
    assert "the same file as run 1" in rows["P01"]["reasons"]
