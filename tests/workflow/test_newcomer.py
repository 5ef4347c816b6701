"""A first study: folders of XCP-D and QSIRecon as they come, and nothing that a person edits."""

import json
import re

import numpy as np
import pytest
import yaml
from cohorts import LITTLE_EVIDENCE, read_tsv
from derivatives import folder, stem
from scipy.io import savemat
from scipy.signal import butter, filtfilt

from workflow_scripts.files.job import read_json
from workflow_scripts.index import __main__ as index

pytestmark = pytest.mark.slow

ATLAS = "4S156Parcels"
NETWORKS = ("Vis", "SomMot", "Cont")
LABELS = [f"{side}_{name}_{k}" for side in ("LH", "RH") for name in NETWORKS for k in range(1, 5)]
SUBCORTEX = ["LH-Pu", "RH-Pu"]
BAND = {"Bandpass filter": {"Low-pass cutoff (Hz)": 0.08, "High-pass cutoff (Hz)": 0.01, "Filter order": 2}}
GOOD = ("001", "002", "007", "A+1")
OTHER_TIME, SHORT, NO_CONNECTOME, NO_FILES = "011", "012", "010", "099"
# What makes the search small, and nothing else.
SMALL = {
    "batch_size": 8,
    "fits": {
        "homogeneous": {
            "optimizer": {"population": 4, "generations": 2, "restarts": 1},
            "simulation": {"duration": 120.0, "burn_in": 20.0, "dt": 1.0e-3, "hemodynamic_dt": 5.0e-3},
        }
    },
    "evaluation": LITTLE_EVIDENCE,
}


def add_scan(root, person, run, volumes, time, lacking=None):
    """Write a run as XCP-D 0.10 does in the mode linc: filtered, then without its censored volumes."""
    place, generator = folder(root, person), np.random.default_rng([int(run), *person.encode()])
    series = generator.standard_normal((volumes, len(LABELS) + 2)) + generator.standard_normal((volumes, 1))
    series = filtfilt(*butter(1, np.array([0.01, 0.08]) * 2 * time, "band"), series, axis=0)
    censored = np.zeros(volumes, dtype=int)
    censored[volumes // 3 : volumes // 3 + volumes // 50] = 1
    name = f"{stem(person)}_task-rest_run-{run}"
    absent = [label == lacking for label in (*LABELS, *SUBCORTEX)]
    lines = ["\t".join([*LABELS, *SUBCORTEX])]
    for row in series[censored == 0]:
        cells = ("n/a" if none else f"{value:.6f}" for value, none in zip(row, absent, strict=True))
        lines.append("\t".join(cells))
    path = place / f"{name}_space-fsLR_seg-{ATLAS}_stat-mean_timeseries.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps({"SamplingFrequency": "TR"}), encoding="utf-8")
    told = {"RepetitionTime": time, "NuisanceParameters": "36P", "SoftwareFilters": BAND}
    path = place / f"{name}_space-fsLR_den-91k_desc-denoised_bold.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    for kind, values in (("outliers", censored), ("motion", 0.1 + censored)):
        text = "framewise_displacement\n" + "".join(f"{value}\n" for value in values)
        (place / f"{name}_{kind}.tsv").write_text(text, encoding="utf-8")


def add_connectome(root, person):
    """Write a connectome as QSIRecon does."""
    names = [*LABELS, *SUBCORTEX]
    weights = np.triu(np.random.default_rng(list(person.encode())).lognormal(size=(len(names),) * 2), 1)
    arrays = {
        f"atlas_{ATLAS}_region_ids": np.arange(1, len(names) + 1),
        f"atlas_{ATLAS}_region_labels": np.array(names, dtype=object),
        f"atlas_{ATLAS}_sift_invnodevol_radius2_count_connectivity": weights + weights.T,
        f"atlas_{ATLAS}_radius2_meanlength_connectivity": 50 * (weights + weights.T > 0),
    }
    savemat(folder(root, person, kind="dwi") / f"{stem(person)}_space-ACPC_connectivity.mat", arrays)


@pytest.fixture
def study(tmp_path):
    """Seven people with scans; one without a connectome, and one of whom there is only a row."""
    for person in (*GOOD, OTHER_TIME, SHORT, NO_CONNECTOME):
        time = 2.0 if person == OTHER_TIME else 0.8
        seconds = 120.0 if person == SHORT else 340.0
        for run in ("1", "2"):
            lacking = "RH_Cont_4" if person == "002" else None
            add_scan(tmp_path / "xcp_d", person, run, round(seconds / time), time, lacking)
        if person != NO_CONNECTOME:
            add_connectome(tmp_path / "qsirecon", person)
    people = ["1", "2", "7", "A+1", OTHER_TIME, SHORT, NO_CONNECTOME, NO_FILES]  # a spreadsheet took zeros
    lines = ["participant_id\tage", *(f"{name}\t{30 + place}" for place, name in enumerate(people))]
    (tmp_path / "participants.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_from_folders_to_the_report_without_an_edit(study, snakemake, capsys):
    folders = [str(study / name) for name in ("xcp_d", "qsirecon")]
    options = ["--out", str(study / "config"), "--participants", str(study / "participants.tsv")]
    index.main(["--derivatives", *folders, *options])
    assert "Next: read" in capsys.readouterr().out
    mine, small = study / "config" / "my.yaml", study / "small.yaml"
    bold = yaml.safe_load(mine.read_text(encoding="utf-8"))["bold"]
    assert bold["filtered"] == [0.01, 0.08] and bold["filtered_order"] == 1 and "band_pass" not in bold
    rows = read_tsv(study / "config" / "manifest.tsv")
    assert {row["participant_id"] for row in rows} == {*GOOD, OTHER_TIME, SHORT}
    assert {row["censoring"] for row in rows if row["kind"] == "bold"} == {"removed"}
    ages = {row["participant_id"]: row["age"] for row in read_tsv(study / "config" / "participants.tsv")}
    assert ages["001"] == "30" and ages["A+1"] == "33"

    small.write_text(yaml.safe_dump(SMALL), encoding="utf-8")
    code, printed = snakemake("all", "--configfile", str(mine), str(small))
    assert code == 0, printed
    cohort = study / "results" / "cohort"
    scored = read_tsv(cohort / "evaluation.tsv")
    assert {*GOOD, OTHER_TIME} <= {row["participant_id"] for row in scored}
    assert {row["band_pass"] for row in scored} == {"0.01-0.08"}  # of scans and simulations
    (fit,) = read_json(cohort / "provenance.json")["fits"].values()
    assert fit["analysis"]["band_pass"] == [0.01, 0.08, 1]
    assert {row["filter"] for row in read_tsv(cohort / "qc.tsv") if row["bold"] == "ok"} == {"0.01-0.08"}

    exclusions = {row["participant_id"]: row for row in read_tsv(cohort / "exclusions.tsv")}
    assert exclusions[NO_CONNECTOME]["stage"] == "index"
    assert exclusions[NO_CONNECTOME]["reason"] == "no connectome"
    assert "without any file" in exclusions[NO_FILES]["reason"]
    page = (study / "results" / "report" / "index.html").read_text(encoding="utf-8")
    glance, errors = (text_of(section) for section in page.split("<section ")[1:3])
    for person in (NO_CONNECTOME, NO_FILES, SHORT):
        assert f"sub-{person}" in glance, person
    first = glance + errors
    assert "No errors" not in first
    for person in (NO_CONNECTOME, NO_FILES, SHORT, OTHER_TIME):
        assert f"sub-{person}" in first, person
    assert "Repetition times differ" in first and "1 node (RH_Cont_4) left out for everybody" in first
    methods = (study / "results" / "report" / "methods.html").read_text(encoding="utf-8")
    assert "Scans had been band-pass filtered in preprocessing" in text_of(methods)
    shared = (study / "results" / "report" / "shared.html").read_text(encoding="utf-8")
    assert "is omitted" not in shared and NO_CONNECTOME not in re.findall(r"sub-\S+", shared)
