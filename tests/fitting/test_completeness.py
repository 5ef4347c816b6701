"""Tables that lost somebody, a restart, a split, a measure or a node are named, whatever their seal says."""

import re

import pytest
from cohorts import read_tsv
from prepared import N_NODES, PreparedCohort

from cubnm_core.errors import InputError
from workflow_scripts.cohort import units
from workflow_scripts.files import job, result_tables, seals
from workflow_scripts.files.result_tables import read_texts
from workflow_scripts.fitting import completeness, evaluate, fit

NAMES = ("fits", "convergence", "evaluation", "states", "regional_parameters")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three people, fitted and scored: paths of their tables, units, nodes."""
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("made")
        patched.chdir(folder)
        cohort = PreparedCohort(folder)
        cohort.settings["optimizer"]["generations"] = 2
        ended = {"fit": cohort.sm("fit"), "evaluate": cohort.sm("evaluate", seeds=2, first_seed=900)}
        fit.main(ended["fit"])
        evaluate.main(ended["evaluate"])
        outputs = vars(ended["fit"].output) | vars(ended["evaluate"].output)
        yield {name: folder / outputs[name] for name in NAMES}, units.from_records(cohort.units)


@pytest.fixture
def tables(made, tmp_path):
    """Copies of these tables without seals."""
    for name in NAMES:
        (tmp_path / f"{name}.tsv").write_bytes(made[0][name].read_bytes())
    return tmp_path, made[1]


def check(folder, members):
    found = {name: (folder / f"{name}.tsv", read_texts(folder / f"{name}.tsv")) for name in NAMES}
    fits, evaluation = found["fits"][1], found["evaluation"][1]
    completeness.check_fits(*found["fits"], "homogeneous", members, 2)
    completeness.check_convergence(*found["convergence"], fits)
    scanned = {(*unit.key, split) for unit in members for split in ("train", "test")}
    completeness.check_scores(*found["evaluation"], fits, scanned)
    for name in ("states", "regional_parameters"):
        labels, variables = [f"n{k}" for k in range(N_NODES)], set(found[name][1]["variable"])
        completeness.check_regions(*found[name], evaluation, labels, variables)


def rewrite(path, change):
    """Keep the header of a table, and what a function gives for its other lines."""
    head, *lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([head, *change(lines)]))


def without(*words):
    """Lose the first line that holds all words."""

    def change(lines):
        place = next(k for k, line in enumerate(lines) if all(word in line.split("\t") for word in words))
        return lines[:place] + lines[place + 1 :]

    return change


def test_whole_tables_pass(tables):
    check(*tables)


LOSSES = {
    "a person's fits": ("fits", lambda lines: lines[:4], "sub-03 has no row"),
    "a restart": ("fits", lambda lines: lines[:-1], "sub-03 has not one row for each of 2 restarts"),
    "a restart twice": ("fits", lambda lines: [*lines, lines[0]], "sub-01 has not one row for each"),
    "the selection": (
        "fits", lambda lines: [line.replace("True", "False") for line in lines], "not one that was selected"
    ),
    "somebody else": (
        "fits", lambda lines: [*lines, "09" + lines[0][2:]], "09 n/a has rows, but no place in this batch"
    ),
    "all": ("fits", lambda lines: [], "sub-01, sub-02, sub-03 have no row"),
    "a generation": ("convergence", lambda lines: lines[:-1], "03 n/a 1 has not one row for every gen"),
    "a generation twice": ("convergence", lambda lines: [*lines, lines[-1]], "03 n/a 1 has not one row"),
    "a person's scores": (
        "evaluation", lambda lines: [line for line in lines if not line.startswith("02")],
        "02 n/a test, 02 n/a train have no scores, and no reason",
    ),
    "a split": (
        "evaluation", lambda lines: [line for line in lines if "\ttest\t" not in line or line[:2] != "03"],
        "03 n/a test has no scores",
    ),
    "a measure": ("evaluation", without("03", "test", "cost"), "03 n/a test has not all of cost, fc_corr"),
    "a node": ("states", without("02", "n3"), "02 n/a has not one row for every variable and each of 8"),
    "a person's states": (
        "states", lambda lines: [line for line in lines if line[:2] != "01"], "01 n/a has not one row"
    ),
    "a node twice": ("states", lambda lines: [*lines, lines[-1]], "03 n/a has not one row for every"),
    "a regional parameter": ("regional_parameters", lambda lines: lines[:-1], "03 n/a has not one row"),
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_is_named_with_the_table_and_the_remedy(tables, loss):
    folder, members = tables
    name, change, told = LOSSES[loss]
    rewrite(folder / f"{name}.tsv", change)
    with pytest.raises(InputError, match=re.escape(told)) as error:
        check(folder, members)
    assert f"{name}.tsv: it is not whole" in str(error.value) and "remove it and start" in str(error.value)


@pytest.mark.parametrize("damage", [
    lambda content: content[: len(content) * 3 // 4 - 3],
    lambda content: content[: len(content) // 2] + bytes(len(content) // 2),
    lambda content: b"",
    lambda content: content[:-1],
    lambda content: content.replace(b"\t", b" ", 40),
    lambda content: content[:200] + b"\xff\xfe" + content[202:],
])  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_table_any_more_is_named_without_a_seal(tables, name, damage):
    path = tables[0] / f"{name}.tsv"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"{name}\.tsv: .* damaged .*: remove it and start again"):
        check(*tables)


def test_outputs_of_a_job_are_sealed_and_one_digit_is_missed(made, tmp_path):
    for path in made[0].values():
        assert seals.seal_of(path).is_file()
    path = made[0]["evaluation"]
    content = path.read_bytes()
    try:
        path.write_bytes(content.replace(b"0.1", b"0.2", 1))
        with pytest.raises(InputError, match=r"evaluation\.tsv: its content is not what the checksum in"):
            read_texts(path)
    finally:
        path.write_bytes(content)
    assert len(read_texts(path)) == len(read_tsv(path))


@pytest.mark.parametrize("seal", [b"", b"\0" * 65, b"12", None])
def test_a_seal_that_a_power_cut_has_taken_counts_as_none(tables, made, seal):
    path = tables[0] / "fits.tsv"
    if seal is not None:
        seals.seal_of(path).write_bytes(seal)
    assert read_texts(path).equals(read_texts(made[0]["fits"]))


def test_folders_of_users_get_no_seals(tmp_path):
    job.write_tsv(tmp_path / "results" / "manifest.tsv", [{"a": 1}])
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["manifest.tsv"]


def test_a_person_without_scores_is_a_row_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path)
    cohort.settings["optimizer"] |= {"generations": 1, "restarts": 1}
    fit.main(cohort.sm("fit"))
    cohort.state("sub-01", "test", status="excluded", reasons=["no run is left for the test split"])
    cohort.target("sub-02", "train").write_bytes(b"PK")
    sm = cohort.sm("evaluate", seeds=2, first_seed=900)
    evaluate.main(sm)
    noted = result_tables.noted(read_texts(sm.output.evaluation))
    told = {(row["participant_id"], row["split"]): row["note"] for row in noted.to_dict("records")}
    assert set(told) == {("02", "train"), ("02", "test")} and "damaged" in told["02", "train"]
    fits, evaluation = read_texts(cohort.sm("fit").output.fits), read_texts(sm.output.evaluation)
    scanned = {(name, "n/a", split) for name in ("01", "02", "03") for split in cohort.splits}
    completeness.check_scores(sm.output.evaluation, evaluation, fits, scanned - {("01", "n/a", "test")})
