"""For every setting of the configuration: exactly the rules that depend on it run again.

Every case is a dry run in this process. The files of the cohort were never computed, but count as up to date.
"""

import base64
import contextlib
import io
import json
import os
import re
import shutil
from copy import deepcopy
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from cohorts import LABELS, TinyCohort, labelled, symmetric
from rerun_cases import CASES, SYNTHETIC_CASES, TABLES, UNUSED, VERSIONS
from snakemake.api import SnakemakeApi
from snakemake.parser import parse
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    RerunTrigger,
    ResourceSettings,
    StorageSettings,
)
from test_repository import leaves

from cubnm_core import STAGE_VERSIONS
from workflow_scripts.configuration import configuration, schemas, synthetic
from workflow_scripts.files.job import write_json, write_tsv
from workflow_scripts.planning import forget_failed, plan

pytestmark = pytest.mark.slow

FREE = {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}
FIT = {
    "fic": {"method": "plasticity", "target": 3.0, "warm_up": 10.0},
    "free": {"G": [0.5, 5.0], "w_p": {"bounds": [0.2, 2.0], "maps": {"myelin": [-0.5, 0.5]}}},
    "fixed": {"sigma": {"column": "sigma"}},
    "objective": {"fc_corr": 1.0, "fcd_ks": 1.0},
    "terms": {"own": {"file": "own.py"}},
    "retest": {"candidates": 2, "seeds": 2, "first_seed": 500},
    "optimizer": {"population": 4, "generations": 2},
}


@pytest.fixture(scope="module", autouse=True)
def parsed_once():
    """The rules are the same for all dry runs, and parsed for the first."""
    known = {}

    def parse_once(path, workflow, linemap, rulecount=0):
        key = path.get_path_or_uri(secret_free=True), rulecount
        if key not in known:
            lines = {}
            known[key] = *parse(path, workflow, linemap=lines, rulecount=rulecount), lines
        *result, lines = known[key]
        linemap |= lines
        return result

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("snakemake.workflow.parse", parse_once)
        yield


def run(folder, config, executor, triggers=None):
    """Run Snakemake in this process, with all triggers or some; give what it printed."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    said = io.StringIO()
    quiet = contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)
    with quiet[0], quiet[1], SnakemakeApi(OutputSettings(dryrun=executor == "dryrun")) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=[path]),
            storage_settings=StorageSettings(),
            snakefile=plan.SNAKEFILE,
            workdir=folder,
        )
        chosen = RerunTrigger.all() if triggers is None else RerunTrigger.parse_choices_set(triggers)
        settings = DAGSettings(forceall=executor == "touch", rerun_triggers=chosen)
        workflow.dag(settings).execute_workflow(executor=executor)
    return said.getvalue()


def planned(folder, config, triggers=None):
    """Rules that a dry run plans; those of a fit with its name."""
    jobs = plan.parse_table(run(folder, config, "dryrun", triggers))
    return {(job.rule, job.wildcards["fit"]) if "fit" in job.wildcards else job.rule for job in jobs}


def planned_batches(folder, config):
    """Batches of which a dry run plans any job."""
    jobs = plan.parse_table(run(folder, config, "dryrun"))
    return {job.wildcards["batch"] for job in jobs if "batch" in job.wildcards}


def provenance(folder, config):
    """As far as the next run looks at it."""
    with contextlib.chdir(folder):
        completed = configuration.validate(config)
    return {
        "config": {**completed, "batch_size": completed["batch_size"] or 8, "holdout_resolved": "run"},
        "software": {"stage_versions": dict(STAGE_VERSIONS)},
    }


def pretend(folder, config):
    """Make every file that the workflow would make, and let Snakemake believe that it did."""
    for paths in re.findall(r"^    output: (.*)$", run(folder, config, "dryrun"), flags=re.MULTILINE):
        for name in paths.split(", "):
            path = folder / name
            # What has no ending is a folder.
            (path.parent if path.suffix else path).mkdir(parents=True, exist_ok=True)
            if path.suffix:
                path.write_text("")
    for name, content in (("provenance", provenance(folder, config)), ("common_nodes", {"node_set": None})):
        write_json(folder / "results" / "cohort" / f"{name}.json", content)
    run(folder, config, "touch")
    assert planned(folder, config) == set()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Four people in two batches; three fits, the last of which starts from the group."""
    folder = tmp_path_factory.mktemp("cohort")
    tiny = TinyCohort(folder, participants=("01", "02", "03", "04"), volumes=10)
    for person in ("01", "02", "03", "04"):
        tiny.add(person, "length", labelled(10 * symmetric(4)))
    for node in tiny.nodes:
        node["network"] = node["label"].split("_")[1]
    maps = [{"label": label, "myelin": 0.1 * place, "sigma": 0.01} for place, label in enumerate(LABELS)]
    for name in ("maps.tsv", "others.tsv"):
        write_tsv(folder / name, maps)
    stored = resources.files("cubnm_core") / "models" / "rWW.toml"
    (folder / "own.toml").write_bytes(stored.read_bytes())
    for name in ("own.py", "other.py"):
        (folder / name).write_text("def term(*_):\n    return 0.0\n", encoding="utf-8")
    (folder / "left_out.tsv").write_text("participant_id\tsession_id\treason\n", encoding="utf-8")
    for name in ("nodes", "manifest", "participants"):
        tiny.write()
        (folder / f"other_{name}.tsv").write_bytes((folder / f"{name}.tsv").read_bytes())
    two = {"fic": "analytical", "free": FREE, "optimizer": {"population": 4, "generations": 2}}
    three = {**deepcopy(two), "start": {"from": "group", "optimizer": {"seed": 5}}}
    tiny.config |= {
        "maps": {"path": "maps.tsv"},
        "batch_size": 2,
        "fits": {"one": deepcopy(FIT), "two": two, "three": three},
    }
    pretend(folder, tiny.config)
    return folder, tiny.config


@pytest.fixture(scope="module")
def one_batch(cohort, tmp_path_factory):
    """The same people in one batch, which every rule runs for in one job."""
    folder = tmp_path_factory.mktemp("one_batch")
    shutil.copytree(
        cohort[0], folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("results", ".snakemake")
    )
    config = {**cohort[1], "batch_size": 4}
    pretend(folder, config)
    return folder, config


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A synthetic cohort."""
    folder = tmp_path_factory.mktemp("made")
    config = {
        **synthetic.SYNTHETIC_TABLES,
        "synthetic": {"participants": 4, "nodes": 8},
        "bold": {"hemodynamics": "cubnm-1.5T"},
        "simulation": {"duration": 700.0, "burn_in": 20.0},
        "fits": {"one": {"free": FREE}},
    }
    pretend(folder, config)
    return folder, config


def changed(config, changes):
    """Copy a configuration with other values at some places."""
    copy = deepcopy(config)
    for place, value in changes.items():
        *above, last = place.split(".")
        level = copy
        for key in above:
            level = level.setdefault(key, {})
        level[last] = value
    return copy


def entries():
    """Every entry of the schema that holds a value, not further entries; those of two sections once."""
    seen = set()
    for place, rules in leaves(schemas.schema("config"), "config"):
        if "properties" not in rules and id(rules) not in seen:
            seen.add(id(rules))
            yield place


def test_every_setting_has_a_case():
    assert set(entries()) == {*CASES, *SYNTHETIC_CASES, *UNUSED}


@pytest.mark.parametrize("place", CASES)
def test_what_runs_again(one_batch, place):
    folder, config = one_batch
    changes, expected = CASES[place]
    assert planned(folder, changed(config, changes)) == expected


@pytest.mark.parametrize("place", SYNTHETIC_CASES)
def test_what_runs_again_of_a_made_cohort(made, place):
    folder, config = made
    changes, expected = SYNTHETIC_CASES[place]
    assert planned(folder, changed(config, changes)) == expected


@pytest.mark.parametrize("stage", STAGE_VERSIONS)
def test_what_runs_again_when_the_version_of_a_stage_rises(cohort, monkeypatch, stage):
    monkeypatch.setitem(STAGE_VERSIONS, stage, STAGE_VERSIONS[stage] + 1)
    assert planned(*cohort) == VERSIONS[stage]


@pytest.fixture
def copy(cohort, tmp_path):
    """The cohort in a folder of its own, and a function that rewrites one of its tables line by line."""
    folder, config = cohort
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)

    def rewrite(name, change):
        head, *lines = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        (tmp_path / name).write_text("\n".join([head, *change(lines)]) + "\n", encoding="utf-8")

    return tmp_path, config, rewrite


def test_a_person_added_runs_alone_wherever_it_stands(copy):
    folder, config, rewrite = copy
    for name in ("manifest.tsv", "participants.tsv"):
        rewrite(
            name,
            lambda lines: [f"00{line[2:]}" for line in lines if line.startswith("04\t")] + lines,
        )
    assert planned_batches(folder, config) == {"003"}


def test_another_order_of_the_manifest_concerns_tables_only(copy):
    folder, config, rewrite = copy
    rewrite("manifest.tsv", lambda lines: lines[::-1])
    assert planned(folder, config) == TABLES


def test_a_person_removed_concerns_their_batch_only(copy):
    folder, config, rewrite = copy
    rewrite("manifest.tsv", lambda lines: [line for line in lines if not line.startswith("01\t")])
    assert planned_batches(folder, config) == {"001"}


def test_settings_changed_while_people_are_added_are_not_overlooked(copy):
    folder, config, rewrite = copy
    for name in ("manifest.tsv", "participants.tsv"):
        rewrite(name, lambda lines: lines + [f"05{line[2:]}" for line in lines if line.startswith("04\t")])
    assert planned_batches(folder, changed(config, {"fits.two.noise_seed": 7})) == {"001", "002", "003"}


def test_a_statistic_is_mended_for_a_cohort_that_has_grown(copy, monkeypatch):
    folder, config, _ = copy
    (folder / "results" / "folds" / "fold-0_mean.npz").write_text("of more people than were fitted")
    assert planned(folder, config) == set()
    monkeypatch.setitem(STAGE_VERSIONS, "statistics", STAGE_VERSIONS["statistics"] + 1)
    assert planned(folder, config) == VERSIONS["statistics"]


# What is prepared and averaged: the version of targets and settings of scans are others since.
PREPARED = tuple(f"results/{name}/" for name in ("aligned", "prepared", "targets", "cohort"))
PREPARED += ("results/folds/fold-", "results/group/mean", "results/cross/connectomes")


def aged(folder):
    """Make results as old as if today's scripts had been written after them, by the code of that time."""
    provenance = folder / "results" / "cohort" / "provenance.json"
    times = provenance.stat()
    stored = json.loads(provenance.read_text(encoding="utf-8"))
    write_json(provenance, {**stored, "software": {"numerics_version": 1}})
    os.utime(provenance, ns=(times.st_atime_ns, times.st_mtime_ns))
    recorded = json.loads(Path(__file__).with_name("golden_jobs.json").read_text(encoding="utf-8"))
    for name, job in recorded["outputs"].items():
        if name.startswith(PREPARED):
            continue
        path = folder / ".snakemake" / "metadata" / base64.urlsafe_b64encode(name.encode()).decode()
        record = json.loads(path.read_text(encoding="utf-8"))
        params = [recorded["values"][place] for place in job["params"]]
        path.write_text(json.dumps({**record, "params": params, "input": job["input"]}), encoding="utf-8")
    years = 20 * 365 * 24 * 3600 * 10**9
    for path in [*folder.rglob("*")]:
        times = path.stat()
        os.utime(path, ns=(times.st_atime_ns - years, times.st_mtime_ns - years))


@pytest.mark.parametrize("name", ["default", "workstation", "slurm"])
def test_results_of_former_code_stand_with_the_profiles_that_are_shipped(copy, repository, name):
    """What the code before the stages recorded of jobs that simulate, and of those before them, is golden."""
    folder, config, _ = copy
    aged(folder)
    profile = yaml.safe_load((repository / "profiles" / name / "profile.yaml").read_text(encoding="utf-8"))
    assert planned(folder, config, profile["rerun-triggers"]) == set()
    assert ("fit", "one") in planned(folder, config)  # Snakemake's own choice looks at times of scripts


def test_who_failed_is_tried_again_with_the_batch_alone(copy, monkeypatch):
    folder = copy[0]
    columns = ("participant_id", "session_id", "status", "reason")
    for batch, status in (("001", "ok"), ("002", "failed")):
        row = dict(zip(columns, ("03", "n/a", status, "killed"), strict=True))
        write_tsv(folder / f"results/fits/two/batch-{batch}_fits.tsv", [row])
    fits = {f"results/fits/two/batch-{batch}_fits.tsv": [] for batch in ("001", "002", "003")}
    monkeypatch.chdir(folder)
    forget_failed.main(SimpleNamespace(params=SimpleNamespace(fits=fits), log=[]))
    assert [Path(path).exists() for path in fits] == [True, False, False]
