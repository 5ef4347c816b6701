"""The command cubnm_core: what it says, what it hands on, and that errors are messages."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from cohorts import TinyCohort, read_tsv
from prepared import PreparedCohort

from cubnm_core.errors import InputError
from workflow_scripts import command
from workflow_scripts.files import job
from workflow_scripts.fitting import evaluate, fit
from workflow_scripts.terminal import doctor, status


def call(*arguments):
    """Exit code and output of the command."""
    done = CliRunner().invoke(command.main, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_names_every_command_in_the_order_of_use():
    code, text = call("--help")
    names = [line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line.strip()]
    assert code == 0
    assert names == ["init", "check", "plan", "run", "status", "report", "simulate", "lesion", "doctor"]
    for name in names[1:]:
        code, text = call(name, "--help")
        assert code == 0 and text.startswith("Usage:"), name


@pytest.mark.parametrize("name", ["check", "plan", "run"])
def test_without_a_configuration_the_remedy_is_named(here, name):
    code, text = call(name)
    assert code == 1 and "my.yaml is not there: cubnm_core init writes my.yaml" in text


def test_an_installation_without_snakemake_says_what_to_install(here, monkeypatch):
    (here / "my.yaml").write_text("{}")
    monkeypatch.setattr(doctor, "_version", lambda name: "not installed")
    code, text = call("check")
    assert code == 1 and "snakemake is not installed" in text and "pip install" in text


def test_run_hands_on_whatever_follows(here, monkeypatch):
    (here / "my.yaml").write_text("{}")
    called = []
    monkeypatch.setattr(
        command.subprocess,
        "run",
        lambda asked, **more: called.append(asked) or type("Done", (), {"returncode": 3}),
    )
    code, _ = call("run", "--cores", "4", "prepare", "--keep-going", "--set-threads", "fit=2")
    assert code == 3
    (asked,) = called
    assert asked[asked.index("--cores") :] == [
        "--cores", "4", "prepare", "--keep-going", "--set-threads", "fit=2", "--configfile", "my.yaml",
    ]  # fmt: skip


@pytest.mark.slow
def test_check_accepts_a_cohort_and_names_what_is_wrong(here):
    cohort = TinyCohort(here)
    code, text = call("check", "--config", cohort.write())
    assert code == 0, text
    assert text.endswith("can be used. Next: cubnm_core plan\n")
    cohort.config["fits"]["homogeneous"]["free"] = {"g": [0.5, 5.0]}
    code, text = call("check", "--config", cohort.write())
    assert code == 1 and "did you mean 'G'" in text and "Traceback" not in text


def test_init_is_the_index_command(here):
    code, text = call("init", "--derivatives", "nowhere")
    assert code == 1 and "nowhere" in text


def write_results(folder):
    """Three people: one fitted, one failed, one on the way."""
    units = [{"unit": f"sub-0{number}", "batch": f"00{number}"} for number in (1, 2, 3)]
    job.write_tsv(folder / "batches.tsv", units)
    for number, state in ((1, "ok"), (2, "failed")):
        row = {"participant_id": f"0{number}", "session_id": "n/a", "fit": "one", "status": state}
        row["reason"] = "" if state == "ok" else "the scan is constant"
        job.write_tsv(folder / "fits" / "one" / f"batch-00{number}_fits.tsv", [row])
        (folder / "targets").mkdir(exist_ok=True)
        (folder / "targets" / f"batch-00{number}_split-train_target.json").write_text("{}")
    row = {"participant_id": "01", "session_id": "n/a", "measure": "cost"}
    job.write_tsv(folder / "evaluation" / "one" / "batch-001_evaluation.tsv", [row])
    history = folder / "histories" / "one"
    history.mkdir(parents=True)
    (folder / "histories" / ".shared").mkdir()
    lines = [
        "# history",
        "generation\tcandidate\tstatus\tcost",
        "0\t0\t0\t-0.2",
        "0\t1\t0\t-0.3",
        "1\t0\t0\t-0.4",
        "2\t0",
    ]
    for person in ("01", "03"):
        (history / f"sub-{person}_restart-0.tsv").write_text("\n".join(lines))


def test_status_says_who_is_fitted_who_failed_and_how_far_others_are(here):
    write_results(Path("results"))
    code, text = call("status")
    assert code == 0
    assert text.splitlines() == [
        "results: 3 people or sessions, 3 batches",
        "prepared    2 of 3",
        "fit one",
        "  fitted 1 of 3, evaluated 1, failed 1",
        "  searching: 1 searches, generations 2 to 2, best cost -0.400",
        "  sub-02 failed: the scan is constant",
        "  mend what the reasons name, then: snakemake forget_failed, and run again",
        "report      not made yet; cubnm_core run goes on to it",
    ]
    rows = [{"participant_id": "04", "session_id": "n/a", "reason": "no connectome"}]
    job.write_tsv("results/cohort/exclusions.tsv", rows)
    assert "  sub-04: no connectome" in status.describe("results")


def test_status_and_report_of_nothing(here):
    assert "nothing has been started" in call("status")[1]
    assert "is not there yet" in call("report")[1]
    path = here / "results" / "report" / "index.html"
    path.parent.mkdir(parents=True)
    path.write_text("<html>")
    assert call("report")[1].strip() == str(path)


@pytest.mark.slow
def test_the_doctor_looks_at_everything_and_shows_no_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "somebody" / "cache"))
    code, text = call("doctor")
    assert code == 0 and "somebody" not in text
    for name in ("Python", "processor", "GPU", "cache", "simulation", "snakemake"):
        assert any(line.startswith(name) for line in text.splitlines()), name
    assert "ok," in text and "bits" in text
    monkeypatch.setattr(doctor.cubnm_core, "simulate", lambda *given, **more: 1 / 0)
    assert "failed: ZeroDivisionError" in dict(doctor.examine())["simulation"]


@pytest.fixture
def fitted(here):
    """A cohort with a finished fit, and what a workflow leaves about it."""
    cohort = PreparedCohort(here)
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", first_seed=100, seeds=1))
    for name, rule in (("fits", "fit"), ("regional_parameters", "evaluate")):
        job.write_tsv(f"results/cohort/{name}.tsv", read_tsv(getattr(cohort.sm(rule).output, name)))
    job.write_tsv("results/cohort/nodes.tsv", read_tsv("nodes.tsv"))
    stored = {
        "fits": {"homogeneous": cohort.settings},
        "hemispheres": list("LLLLRRRR"),
        "batches": cohort.batches,
    }
    job.write_json("results/cohort/provenance.json", stored)
    return cohort


@pytest.mark.slow
def test_a_lesion_changes_what_it_hits_under_the_same_noise(fitted):
    names = [row["label"] for row in read_tsv("nodes.tsv")]
    options = ("--node", names[0], "--seeds", "2", "--output", "hurt.npz")
    code, text = call("lesion", "results", "sub-01", "homogeneous", *options)
    assert code == 0, text
    assert "mean FC of a region changes most in:" in text and f"  {names[0]}:" not in text
    found = job.read_npz("hurt.npz")
    assert found["before"].shape == (2, len(names), len(names))
    assert not np.array_equal(found["before"], found["after"], equal_nan=True)
    assert list(found["labels"]) == names
    code, text = call("lesion", "results", "sub-01", "homogeneous", "--node", "nowhere")
    assert code == 1 and "'nowhere' is no region" in text
    code, text = call("lesion", "results", "sub-01", "homogeneous")
    assert code == 1 and "nothing is lesioned" in text
    with pytest.raises(InputError):
        status.describe("elsewhere")


@pytest.mark.parametrize("name", ["workflow_scripts.terminal.status", "no_such_library"])
def test_only_a_library_is_to_be_installed(here, monkeypatch, name):
    def fail():
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(command.doctors, "page", fail)
    done = CliRunner().invoke(command.main, ["doctor"])
    if name == "no_such_library":
        assert "no_such_library is not installed" in done.output and "cubnm_core[workflow]" in done.output
    else:  # a fault of ours is shown as one
        assert isinstance(done.exception, ModuleNotFoundError)
