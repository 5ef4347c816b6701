"""The starting configuration that the index command writes: complete, fitting the scans, kept if edited."""

import json
import subprocess

import derivatives
import numpy as np
import pytest
import yaml
from cohorts import read_tsv

from workflow_scripts.index import __main__ as index
from workflow_scripts.index import settings
from workflow_scripts.readers import sidecar

BAND = {"Bandpass filter": {"Low-pass cutoff (Hz)": 0.08, "High-pass cutoff (Hz)": 0.01, "Filter order": 2}}


@pytest.fixture
def folders(tmp_path):
    """Three people with two runs each."""
    for person in ("01", "02", "A+1"):
        derivatives.add_xcpd(tmp_path / "xcp_d", person, volumes=400)
        derivatives.add_qsirecon(tmp_path / "qsirecon", person)
    return tmp_path


def run(folders, *options, out="config"):
    roots = [str(folders / name) for name in ("xcp_d", "qsirecon")]
    index.main(["--derivatives", *roots, "--out", str(folders / out), *options])
    return yaml.safe_load((folders / out / "my.yaml").read_text(encoding="utf-8"))


def describe(folders, **entries):
    """Write JSON files of denoised scans."""
    for path in (folders / "xcp_d").rglob("*desc-denoised_bold.json"):
        path.write_text(json.dumps({"RepetitionTime": 0.8, **entries}), encoding="utf-8")


def test_the_workflow_takes_it_as_it_is(folders, snakemake, capsys):
    derivatives.add_bids(folders / "bids", ["01", "02", "A+1"])
    config = run(folders, "--participants", str(folders / "bids" / "participants.tsv"))
    assert config["holdout"] == "run" and config["connectome"]["source"] == "individual"
    assert config["fits"]["homogeneous"]["simulation"]["duration"] == "match"
    assert "Next: read" in capsys.readouterr().out
    code, printed = snakemake("--dry-run", "--quiet", "rules", config=folders / "config" / "my.yaml")
    assert code == 0, printed


def test_every_line_says_what_it_is(folders):
    run(folders)
    lines = (folders / "config" / "my.yaml").read_text(encoding="utf-8").splitlines()
    silent = [line for line in lines if ":" in line and "#" not in line]
    assert [line.strip() for line in silent] == [
        "connectome:", "bold:", "analysis:", "fits:", "simulation:", "evaluation:", "first_seed: 1000",
    ]  # fmt: skip


def test_runs_decide_what_is_held_out(folders):
    for path in (folders / "xcp_d" / "sub-01").rglob("*run-2*"):
        path.unlink()
    assert run(folders)["holdout"] == "split_half"
    assert settings.check(str(folders / "config" / "my.yaml")) == []


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (BAND, (0.01, 0.08)),
        ({"High-pass filter": {"cutoff (Hz)": 0.01, "Filter order": 2}}, (0.01, None)),
        ({"Low-pass filter": {"cutoff (Hz)": 0.08, "Filter order": 2}}, (None, 0.08)),
        ("n/a", (None, None)),
        (None, (None, None)),
    ],
)
def test_filters_as_xcpd_states_them(filters, found):
    assert sidecar.band({"SoftwareFilters": filters}) == found


def test_simulations_get_the_filter_of_the_scans(folders):
    describe(folders, SoftwareFilters=BAND, MagneticFieldStrength=1.5)
    bold = run(folders)["bold"]
    assert bold["hemodynamics"] == "friston-1.5T"
    assert bold.get("filtered", bold.get("band_pass")) == [0.01, 0.08]
    describe(folders, SoftwareFilters=None)
    assert run(folders, out="other")["bold"]["band_pass"] is None
    text = (folders / "other" / "my.yaml").read_text(encoding="utf-8")
    assert "the JSON files name no filter" in text and "CHECK: no JSON file says it" in text


def test_a_filter_of_half_the_order_that_xcpd_states(folders):
    describe(folders, SoftwareFilters=BAND)
    bold = run(folders)["bold"]
    assert bold["filtered"] == [0.01, 0.08] and bold["filtered_order"] == 1 and "band_pass" not in bold


def test_filters_open_on_one_side_get_an_edge_that_cuts_nothing(folders):
    describe(folders, SoftwareFilters={"High-pass filter": {"cutoff (Hz)": 0.01, "Filter order": 4}})
    bold = run(folders)["bold"]
    assert bold["filtered"] == [0.01, 0.6125] and bold["filtered_order"] == 2
    assert settings.check(str(folders / "config" / "my.yaml")) == []


def test_first_releases_of_xcpd_and_scans_without_a_filter(folders):
    describe(folders, **{"Freq Band": [0.009, 0.08], "nuisance parameters": "36P"})
    assert run(folders)["bold"]["filtered"] == [0.009, 0.08]
    describe(folders, NuisanceParameters="36P")
    assert run(folders, out="other")["bold"]["band_pass"] is None
    assert "the JSON files name no filter" in (folders / "other" / "my.yaml").read_text(encoding="utf-8")


def test_scans_with_other_filters_than_most_are_named(folders, capsys):
    describe(folders, SoftwareFilters=BAND)
    other = {"Bandpass filter": {**BAND["Bandpass filter"], "Low-pass cutoff (Hz)": 0.1}}
    for path in (folders / "xcp_d" / "sub-A+1").rglob("*desc-denoised_bold.json"):
        path.write_text(json.dumps({"RepetitionTime": 0.8, "SoftwareFilters": other}), encoding="utf-8")
    assert run(folders)["bold"]["filtered"] == [0.01, 0.08]
    told = "not those of A+1, who are excluded"
    assert told in (folders / "config" / "my.yaml").read_text(encoding="utf-8")
    assert "filters differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("told", "chosen", "words"),
    [
        (
            {"MagneticFieldStrength": 3, "EchoTime": 0.0331},
            {"field_strength": 3.0, "echo_time": 0.0331},
            "as the JSON files say",
        ),
        ({"MagneticFieldStrength": 2.89362, "EchoTime": [0.013, 0.03]}, "friston-3T", "for 3 T"),
        ({"MagneticFieldStrength": 1.5, "EchoTime": 0.04}, "friston-1.5T", "echo times of 40 ms"),
        ({"MagneticFieldStrength": 7, "EchoTime": 0.02}, "friston-3T", "CHECK: the scans have 7 T"),
        ({}, "friston-3T", "CHECK: no JSON file says it"),
    ],
)
def test_haemodynamic_constants_are_those_of_the_scanner(told, chosen, words, folders):
    describe(folders, **told)
    assert run(folders)["bold"]["hemodynamics"] == chosen
    (line,) = [
        line
        for line in (folders / "config" / "my.yaml").read_text("utf-8").splitlines()
        if "hemodynamics:" in line
    ]
    assert words in line
    assert settings.check(str(folders / "config" / "my.yaml")) == []


def test_censored_volumes_that_are_not_there_were_removed(folders, capsys):
    for path in (folders / "xcp_d").rglob("*_outliers.tsv"):
        censored = np.zeros(420, dtype=int)
        censored[50:70] = 1
        path.write_text("framewise_displacement\n" + "\n".join(map(str, censored)) + "\n", encoding="utf-8")
    describe(folders, SoftwareFilters=BAND)
    config = run(folders)
    rows = [row for row in read_tsv(folders / "config" / "manifest.tsv") if row["kind"] == "bold"]
    assert {row["censoring"] for row in rows} == {"removed"}
    assert "censoring: removed, because" in capsys.readouterr().out
    assert config["fits"]["homogeneous"]["simulation"]["duration"] == "match"
    assert settings.check(str(folders / "config" / "my.yaml")) == []


def test_the_atlas_of_the_report(folders):
    derivatives.add_atlas(folders / "xcp_d", "4S156Parcels")
    atlas = (
        folders
        / "xcp_d"
        / "atlases"
        / "atlas-4S156Parcels"
        / "atlas-4S156Parcels_space-fsLR_den-91k_dseg.dlabel.nii"
    )
    atlas.write_bytes(b"")
    brain = run(folders)["brain"]
    assert brain["atlas"] == [str(atlas)] and brain["names"].endswith("atlas-4S156Parcels_dseg.tsv")


def test_an_edited_configuration_stays(folders, capsys):
    run(folders)
    path = folders / "config" / "my.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("seeds: 10", "seeds: 20"), encoding="utf-8")
    assert run(folders)["evaluation"]["seeds"] == 20
    assert "my.yaml: edited, so kept; new version: " in capsys.readouterr().out
    assert (folders / "config" / "my.new.yaml").is_file()


def test_what_is_missing_is_told(folders, capsys):
    for person in ("01", "02", "A+1"):
        for path in (folders / "xcp_d" / f"sub-{person}").rglob("*_timeseries.tsv"):
            path.write_text("one\ttwo\n1\t2\n3\t4\n", encoding="utf-8")
    run(folders)
    printed = capsys.readouterr().out
    assert "To be settled before" in printed and "nodes.tsv" in printed
    assert "CHECK: could not be derived" in (folders / "config" / "my.yaml").read_text(encoding="utf-8")


def test_git_leaves_ages_and_paths_alone(folders, repository):
    subprocess.run(["git", "init", "--quiet", str(folders)], check=True)
    run(folders)
    listed = subprocess.run(
        ["git", "-C", str(folders), "status", "--short", "--untracked-files=all", "config"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert listed == ""
    names = [path.name for path in (folders / "config").iterdir() if path.name != ".gitignore"]
    found = subprocess.run(
        ["git", "-C", str(repository), "check-ignore", *names], capture_output=True, text=True, check=False
    )
    assert sorted(found.stdout.split()) == sorted(names)
