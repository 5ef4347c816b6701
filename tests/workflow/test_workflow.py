"""The Snakefile: what is planned, what is refused before the first job, and one bad person stops nobody."""

import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest
import yaml
from cohorts import LABELS, LITTLE_EVIDENCE, TinyCohort, labelled, read_tsv, symmetric
from exported import check_dataset
from planned_jobs import counts, inputs_of

from workflow_scripts.files.job import read_json
from workflow_scripts.get_hcp_example import write_example


def test_the_demo_can_be_planned_from_anywhere(snakemake, repository):
    code, text = snakemake("--dry-run", config=repository / "config" / "config.yaml")
    assert code == 0, text
    planned = counts(text)
    assert planned["make_synthetic_cohort"] == 1
    assert planned["prepare_connectome"] == planned["prepare_bold"] == 1
    assert planned["empirical_targets"] == 2
    assert planned["fit"] == planned["evaluate"] == 2
    assert planned["report"] == planned["all"] == 1


def test_the_example_can_be_planned_and_its_fits_see_training_scans_only(
    snakemake, repository, shared, tmp_path
):
    write_example(shared / "data" / "hcp", shared / "data" / "hcp" / "maps", tmp_path / "resources" / "hcp")
    code, text = snakemake("--dry-run", config=repository / "config" / "examples" / "hcp.yaml")
    assert code == 0, text
    assert counts(text)["empirical_targets"] == 2
    (inputs,) = inputs_of(text, "fit")
    assert "split-train" in inputs and "split-test" not in inputs
    assert "bold" not in inputs
    assert "make_synthetic_cohort" not in text


def test_lint(snakemake, repository):
    code, text = snakemake("--lint", config=repository / "config" / "config.yaml")
    assert code == 0, text


@pytest.mark.slow
def test_rules_are_formatted(repository):
    check = ["snakefmt", "--check", "Snakefile", "rules"]
    done = subprocess.run([sys.executable, "-m", *check], capture_output=True, text=True, cwd=repository)
    assert done.returncode == 0, done.stderr


def rules_of(repository):
    """Text of every rule that computes, by name; and the name of the rule that it reuses, if any."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((repository / "rules").glob("*.smk"))
    )
    pieces = re.split(r"^ *(?:use rule (\w+) as (\w+) with|rule (\w+)):$", text, flags=re.MULTILINE)[1:]
    groups = zip(*(pieces[place::4] for place in range(4)), strict=True)
    found = [(reusing or name, reused, body) for reused, reusing, name, body in groups]
    return {name: body for name, _, body in found}, {name: reused for name, reused, _ in found if reused}


@pytest.mark.parametrize("directive", ["log", "benchmark", "conda", "threads", "resources", "script"])
def test_every_rule_that_computes_states(repository, directive):
    bodies, reused = rules_of(repository)
    for name, body in bodies.items():
        if directive == "benchmark" and name in ("plan", "forget_failed"):  # always run, and write nothing
            continue
        if name not in reused or directive in ("log", "benchmark"):  # which are its own
            assert f"{directive}:" in body, name
        if name not in reused:
            assert re.search(r"(\w+)_version=VERSIONS\[\"\1\"\]", body), name


@pytest.mark.parametrize("name", ["default", "workstation", "slurm", "slurm-gpu"])
def test_profiles_know_the_rules(repository, name):
    profile = yaml.safe_load((repository / "profiles" / name / "profile.yaml").read_text(encoding="utf-8"))
    bodies, _ = rules_of(repository)
    for entry in ("set-resources", "set-threads"):
        assert set(profile.get(entry, {})) <= set(bodies)


def test_jobs_of_a_machine_with_several_gpus_take_one_each(snakemake, repository):
    profile = repository / "profiles" / "workstation"
    config = repository / "config" / "config.yaml"
    code, text = snakemake("--dry-run", "--workflow-profile", str(profile), config=config)
    assert code == 0, text
    asked = re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: .*gpu=1", text, flags=re.MULTILINE)
    simulating = {"fit", "evaluate", "cross", "fold_fit", "held_out_people", "nulls", "profiles"}
    assert set(asked) == simulating | {"expected_landscapes"}


@pytest.mark.parametrize("name", ["workstation", "slurm-gpu"])
def test_every_rule_that_may_take_a_card_is_given_one(repository, name):
    profile = yaml.safe_load((repository / "profiles" / name / "profile.yaml").read_text(encoding="utf-8"))
    bodies, reused = rules_of(repository)
    asking = {rule for rule in bodies if "gpu=cards" in bodies[reused.get(rule, rule)]}
    assert asking == {rule for rule, asked in profile["set-resources"].items() if asked.get("gpu")}


def test_a_cluster_computes_on_cpus_unless_asked(repository):
    texts = {
        name: (repository / "profiles" / name / "profile.yaml").read_text(encoding="utf-8")
        for name in ("slurm", "slurm-gpu")
    }
    cpus, cards = (yaml.safe_load(text) for text in texts.values())
    assert "gpu:" not in texts["slurm"]
    assert {key: value for key, value in cards.items() if key != "set-resources"} == cpus


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def"])
def test_containers_hold_files_that_are_there_and_all_the_workflow_needs(repository, name):
    text = (repository / "envs" / name).read_text(encoding="utf-8")
    copied = re.findall(r"^(?:COPY +(.*) \S+|    (?!cd )([\w./]+) /opt/\S+)$", text, flags=re.MULTILINE)
    paths = {path for groups in copied for path in " ".join(groups).split()}
    assert {"Snakefile", "pyproject.toml", "cubnm_core", "workflow_scripts", "rules", "config"} <= paths
    assert all((repository / path).exists() for path in paths), paths
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = re.search(r"extra=(\w+)", text, flags=re.IGNORECASE).group(1)
    assert extra in project["optional-dependencies"]
    oldest = project["requires-python"].removeprefix(">=3.")
    assert int(re.search(r"python:3\.(\d+)", text).group(1)) >= int(oldest)


def test_the_graph_is_static_and_scripts_take_values_by_params(repository):
    rules = [repository / "Snakefile", *(repository / "rules").rglob("*.smk")]
    for path in rules:
        assert not re.search(
            r"^\s*checkpoint\b|glob_wildcards", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    for path in (repository / "workflow_scripts").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "snakemake.config" not in text and "sm.config" not in text, path
        assert "from __future__" not in text, path


def test_every_rule_has_the_script_of_its_name_or_reuses_a_rule_that_has(repository):
    bodies, reused = rules_of(repository)
    assert bodies and set(reused.values()) <= set(bodies) - set(reused)
    for name, body in bodies.items():
        scripts = re.findall(r'"\.\./workflow_scripts/(\w+)/(\w+)\.py"', body)
        assert [script for _, script in scripts] == ([] if name in reused else [name])
        for room, script in scripts:
            assert (repository / "workflow_scripts" / room / f"{script}.py").is_file(), script


def test_a_typo_is_refused_before_the_first_job(snakemake, tiny_cohort):
    tiny_cohort.config["evalution"] = {"seeds": 12}
    code, text = snakemake("--dry-run", config=tiny_cohort.write())
    assert code != 0
    assert "top level: unknown key 'evalution'; did you mean 'evaluation'?" in text


def test_all_missing_files_are_named_before_the_first_job(snakemake, tiny_cohort):
    for name in ("sub-01_sc.tsv", "sub-03_run-2_bold.tsv"):
        (tiny_cohort.folder / name).unlink()
    code, text = snakemake("--dry-run", config=tiny_cohort.write())
    assert code != 0
    assert "line 2: no file sub-01_sc.tsv" in text and "line 10: no file sub-03_run-2_bold.tsv" in text


def test_both_with_a_held_out_run_asked_is_refused(snakemake, tiny_cohort):
    tiny_cohort.row("02", "bold", "2")["role"] = "both"
    code, text = snakemake("--dry-run", config=tiny_cohort.write())
    assert code != 0
    assert "role is both, but whole runs are held out (holdout: run)" in text


def test_nothing_held_out_plans_no_test_targets(snakemake, tiny_cohort):
    tiny_cohort.config["holdout"] = "none"
    code, text = snakemake("--dry-run", config=tiny_cohort.write())
    assert code == 0, text
    assert "split-test" not in text


@pytest.fixture
def small_run(tmp_path):
    """Four people and a fit of seconds; the connectome of one and a scan of another cannot be used."""
    cohort = TinyCohort(tmp_path, participants=("01", "02", "03", "04"))
    for person, kind, run, text in (
        ("02", "sc", None, labelled(-symmetric())),
        ("03", "bold", "2", labelled(np.ones((150, len(LABELS))))),
    ):
        (tmp_path / cohort.row(person, kind, run)["path"]).write_text(text, encoding="utf-8")
    cohort.config["evaluation"] = LITTLE_EVIDENCE
    return cohort


def test_from_files_to_the_report_and_back_to_nothing_to_be_done(snakemake, small_run):
    config, results = small_run.write(), small_run.folder / "results"
    code, text = snakemake("all", "export", config=config)
    assert code == 0, text
    check_dataset(results / "derivatives", fitted=("01", "04"))
    for path in (results / "cohort").glob("*.tsv"):
        columns = path.read_text(encoding="utf-8").splitlines()[0].split("\t")
        assert set(columns) == set(read_json(path.with_suffix(".json"))), path.name
    exclusions = (results / "cohort" / "exclusions.tsv").read_text(encoding="utf-8")
    assert "negative" in exclusions and "repeat the volume before" in exclusions
    fits = read_tsv(results / "cohort" / "fits.tsv")
    assert {row["participant_id"] for row in fits if row["status"] == "ok"} == {"01", "04"}
    assert {row["participant_id"] for row in fits if row["status"] == "excluded"} == {"02", "03"}
    splits = {
        (row["participant_id"], row["split"]) for row in read_tsv(results / "cohort" / "evaluation.tsv")
    }
    assert splits >= {("01", "train"), ("01", "test"), ("04", "train"), ("04", "test")}
    assert "<html" in (results / "report" / "index.html").read_text(encoding="utf-8")
    assert "negative" in (small_run.folder / "logs/prepare_connectome/batch-001.log").read_text(
        encoding="utf-8"
    )

    code, text = snakemake(config=config)
    assert code == 0 and "Nothing to be done" in text
