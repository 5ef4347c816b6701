"""One bad person stops nobody: all kinds of them go through every rule, up to the report that names them."""

import re
import zipfile

import numpy as np
import pytest
from cohorts import LABELS, LITTLE_EVIDENCE, TinyCohort, labelled, read_tsv, symmetric
from damages import overwrite

PEOPLE = ("02", "01", "03", "05", "06", "07", "08", "09", "10", "11", "12", "13")
HISTORY = "results/histories/homogeneous/sub-10_restart-0.tsv"


@pytest.fixture
def bad_people(tmp_path):
    """Two people without a fault, 01 and 05, among others that have one each; the first one as well."""
    cohort, draw = TinyCohort(tmp_path, participants=PEOPLE), np.random.default_rng(3)

    def write(person, kind, run, values, labels=LABELS):
        path = tmp_path / cohort.row(person, kind, run)["path"]
        path.write_text(labelled(values, labels), encoding="utf-8")

    def scan(person, run):
        path = tmp_path / cohort.row(person, "bold", run)["path"]
        return np.loadtxt(path, skiprows=1)

    write("02", "bold", "1", scan("02", "1")[:20])  # too few volumes for an FCD
    ended = scan("03", "1")
    ended[60:] = 0.0
    write("03", "bold", "1", ended)
    write("06", "sc", None, np.delete(np.delete(symmetric(6), 2, 0), 2, 1), np.delete(LABELS, 2).tolist())
    write("07", "bold", "2", np.ones((150, len(LABELS))))
    write("08", "sc", None, -symmetric(8))
    del cohort.participants[PEOPLE.index("11")]["group"]
    write("11", "bold", "2", draw.standard_normal((150, 1)) * np.ones((1, len(LABELS))))  # one signal
    cohort.manifest.remove(cohort.row("12", "bold", "2"))  # nothing to hold out
    cohort.manifest.remove(cohort.row("13", "bold", "1"))  # nothing to fit
    cohort.config["evaluation"] = {**LITTLE_EVIDENCE, "nulls": {"count": 1, "refits": 1}}
    # Weighs no FCD, so that all can be fitted; the other one does.
    homogeneous = cohort.config["fits"]["homogeneous"]
    cohort.config["fits"]["dynamics"] = {**homogeneous, "objective": {"fc_corr": 1.0, "fcd_ks": 1.0}}
    homogeneous["objective"] = {"fc_corr": 1.0}
    cohort.config["statistics"] = {"permutations": 99, "spins": 99}
    return cohort


def damage_array(path, name):
    """Change one byte of an array in an archive; its other arrays stay as they are."""
    with zipfile.ZipFile(path) as file:
        start = file.getinfo(f"{name}.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 80] ^= 0x10
    overwrite(path, bytes(content))


@pytest.mark.slow
def test_every_kind_of_bad_person_goes_through_every_rule(snakemake, bad_people):
    folder, config = bad_people.folder, bad_people.write()
    code, text = snakemake("prepare", config=config)
    assert code == 0, text
    for path in (folder / "results" / "prepared").glob("*_connectome.npz"):
        with zipfile.ZipFile(path) as file:
            is_there = "sub-09/weights.npy" in file.namelist()
        if is_there:
            damage_array(path, "sub-09/weights")
    (folder / HISTORY).parent.mkdir(parents=True)
    (folder / HISTORY).write_bytes(np.random.default_rng(1).bytes(999))
    code, text = snakemake("all", "export", "--keep-going", config=config)
    assert code == 0, text
    told = {}
    for row in read_tsv(folder / "results" / "cohort" / "exclusions.tsv"):
        told.setdefault(row["participant_id"], []).append(row["reason"])
    for person, reason in {
        "03": r"are 0 in all parcels",
        "06": r"no label in the file",
        "07": r"repeat the volume before in all parcels",
        "08": r"negative",
        "09": r"_connectome\.npz: the array sub-09/weights cannot be read .* remove it",
        "12": r"no run is left for the test split",
        "13": r"no run is left for the train split",
        "10": r"sub-10_restart-0\.tsv, line 1: expected .* move it away",
    }.items():
        assert re.search(reason, " | ".join(told.get(person, []))), (person, told.get(person))
    assert not {"01", "05"} & set(told), told
    fits = read_tsv(folder / "results" / "cohort" / "fits.tsv")
    fitted = {(row["fit"], row["participant_id"]) for row in fits if row["status"] == "ok"}
    assert {("homogeneous", person) for person in ("01", "02", "05")} <= fitted
    assert ("dynamics", "10") in fitted and ("dynamics", "02") not in fitted
    assert {row["participant_id"] for row in fits} == set(PEOPLE)
    of_02 = [row for row in fits if (row["fit"], row["participant_id"]) == ("homogeneous", "02")]
    assert of_02 and all(row["fcd_ks"] == "n/a" and float(row["fc_corr"]) <= 1 for row in of_02)
    page = (folder / "results" / "report" / "index.html").read_text(encoding="utf-8")
    assert "could not be generated" not in page
    errors = page[page.index('id="errors"') :]
    errors = errors[: errors.index("</section>")]
    held_out = read_tsv(folder / "results" / "cohort" / "held_out_people.tsv")
    scored = {row["participant_id"] for row in held_out if row["mean"] != "n/a"}
    assert {"01", "02", "05", "10"} <= scored
    crossed = read_tsv(folder / "results" / "cohort" / "cross.tsv")
    assert {"01", "02", "05"} <= {row["participant_id"] for row in crossed if row["mean"] != "n/a"}
    for person in told:
        assert f"sub-{person}" in errors
