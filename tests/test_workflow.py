"""The Snakefile: what is planned, what is refused before the first job, and one bad person stops nobody."""

import os
import re
import subprocess
import sys

import pytest
from cohorts import LABELS, labelled, read_record, symmetric

from workflow_scripts.get_hcp_example import write_example


@pytest.fixture
def snakemake(repository, tmp_path):
    """Run Snakemake in a temporary working directory; return the exit code and everything it printed."""

    def run(*arguments, config=None):
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(repository / "Snakefile")]
        command += ["--directory", str(tmp_path), "--cores", "2", *arguments]
        command += ["--configfile", str(config)] if config else []
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        return done.returncode, done.stdout + done.stderr

    return run


def counts(text):
    """Read the table of planned jobs."""
    return {name: int(number) for name, number in re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)}


def inputs_of(text, rule):
    """Read the inputs of every planned job of a rule."""
    return re.findall(rf"^(?:local)?rule {rule}:\n +input: (.*)$", text, flags=re.MULTILINE)


def test_the_demo_can_be_planned_from_anywhere(snakemake, repository):
    code, text = snakemake("--dry-run", config=repository / "config" / "config.yaml")
    assert code == 0, text
    planned = counts(text)
    assert planned["make_synthetic_cohort"] == 1
    assert planned["prepare_connectome"] == planned["prepare_bold"] == 8
    assert planned["empirical_targets"] == 16
    assert planned["fit"] == planned["evaluate"] == 1
    assert planned["report"] == planned["all"] == 1


def test_the_example_can_be_planned_and_its_fits_see_training_scans_only(
    snakemake, repository, shared, tmp_path
):
    write_example(shared / "data" / "hcp", shared / "data" / "hcp" / "maps", tmp_path / "resources" / "hcp")
    code, text = snakemake("--dry-run", config=repository / "config" / "examples" / "hcp.yaml")
    assert code == 0, text
    assert counts(text)["empirical_targets"] == 4
    (inputs,) = inputs_of(text, "fit")
    assert "split-train" in inputs and "split-test" not in inputs
    assert "bold" not in inputs
    assert "make_synthetic_cohort" not in text


def test_lint(snakemake, repository):
    code, text = snakemake("--lint", config=repository / "config" / "config.yaml")
    assert code == 0, text


def test_rules_are_formatted(repository):
    check = ["snakefmt", "--check", "Snakefile", "rules"]
    done = subprocess.run([sys.executable, "-m", *check], capture_output=True, text=True, cwd=repository)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("directive", ["log", "benchmark", "conda", "threads", "resources", "script"])
def test_every_rule_that_computes_states(repository, directive):
    for path in sorted((repository / "rules").glob("*.smk")):
        for body in re.split(r"^ *rule ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            assert f"{directive}:" in body, f"{path.name}: rule {body.split(':')[0]}"
            assert "numerics=NUMERICS" in body, f"{path.name}: rule {body.split(':')[0]}"


def test_the_graph_is_static_and_scripts_take_values_by_params(repository):
    rules = [repository / "Snakefile", *(repository / "rules").glob("*.smk")]
    for path in rules:
        assert not re.search(
            r"^\s*checkpoint\b|glob_wildcards", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    for path in (repository / "workflow_scripts").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "snakemake.config" not in text and "sm.config" not in text, path
        assert "from __future__" not in text, path


def test_every_rule_has_the_script_of_its_name(repository):
    text = "".join(path.read_text(encoding="utf-8") for path in (repository / "rules").glob("*.smk"))
    names = re.findall(r"^ *rule (\w+):", text, flags=re.MULTILINE)
    scripts = re.findall(r'"\.\./workflow_scripts/(\w+)\.py"', text)
    assert names == scripts and len(names) == 9
    for name in names:
        assert (repository / "workflow_scripts" / f"{name}.py").is_file(), name


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


def test_one_bad_person_stops_nobody_and_a_second_run_does_nothing(snakemake, tiny_cohort):
    weights = symmetric()
    weights[0, 1] = -1.0
    (tiny_cohort.folder / "sub-02_sc.tsv").write_text(labelled(weights), encoding="utf-8")
    spoilt = labelled([[1.0] * len(LABELS)] * 150)
    (tiny_cohort.folder / "sub-03_run-2_bold.tsv").write_text(spoilt, encoding="utf-8")
    config = tiny_cohort.write()
    code, text = snakemake("prepare", config=config)
    assert code == 0, text
    results = tiny_cohort.folder / "results"
    assert read_record(results / "prepared" / "sub-01_connectome.json") == ("ok", "")
    assert read_record(results / "targets" / "sub-02_split-test_target.json") == ("ok", "")
    status, reasons = read_record(results / "prepared" / "sub-02_connectome.json")
    assert status == "excluded" and "negative" in reasons
    for split in ("train", "test"):
        assert "are constant" in read_record(results / "targets" / f"sub-03_split-{split}_target.json")[1]
    assert "negative" in (tiny_cohort.folder / "logs/prepare_connectome/sub-02.log").read_text(
        encoding="utf-8"
    )
    code, text = snakemake("prepare", config=config)
    assert code == 0 and "Nothing to be done" in text
    tiny_cohort.config["analysis"] = {"window": 20.0}
    code, text = snakemake("prepare", "--dry-run", config=tiny_cohort.write())
    assert counts(text) == {"empirical_targets": 6, "prepare": 1, "total": 7}
