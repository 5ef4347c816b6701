"""The cohort as planned, and the index from which jobs read their part of it."""

import contextlib
import io

import pytest
import yaml
from cohorts import TinyCohort, labelled, symmetric
from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    ResourceSettings,
    StorageSettings,
    WorkflowSettings,
)
from snakemake.target_jobs import parse_target_jobs_cli_args
from snakemake_interface_executor_plugins.settings import ExecMode

from workflow_scripts.cohort import planned_cohort, tables
from workflow_scripts.configuration import configuration
from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES
from workflow_scripts.planning import plan

JOBS = ["prepare_connectome:batch=002", "prepare_bold:batch=001", "empirical_targets:batch=002,split=test"]
JOBS += [f"{rule}:batch=002,fit=homogeneous" for rule in ("fit", "profiles", "held_out_people")]
JOBS += ["fold_average:fold=1,average=mean", "fold_fit:fit=homogeneous", "common_nodes:", "cohort_tables:"]
MADE = {
    **SYNTHETIC_TABLES,
    "synthetic": {"participants": 4, "nodes": 8, "sessions": 2},
    "bold": {"hemodynamics": "cubnm-1.5T"},
    "simulation": {"duration": 700.0, "burn_in": 20.0},
    "fits": {"one": {"free": {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}}},
}


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Five people in three batches; one has another repetition time, one tract lengths."""
    monkeypatch.chdir(tmp_path)
    tiny = TinyCohort(tmp_path, participants=("01", "02", "03", "04", "05"), volumes=10)
    tiny.add("04", "length", labelled(10 * symmetric(4)))
    tiny.row("02", "bold", "1")["repetition_time"] = 2.0
    tiny.config["batch_size"] = 2
    tiny.write()
    return tiny


def planned(config):
    """The cohort of a configuration, and its index once it is written."""
    completed = configuration.validate(config)
    found = planned_cohort.PlannedCohort(completed)
    found.write()
    return found, planned_cohort.read_index(completed)


@pytest.mark.parametrize("made", [False, True])
def test_the_index_says_what_the_tables_say(cohort, made):
    found, index = planned(MADE if made else cohort.config)
    for name in ("batches", "folds", "holdout", "repetition_time"):
        assert repr(getattr(index, name)) == repr(getattr(found, name)), name
    assert len(found.batches) > 1 or made
    for batch in (None, *found.batches):
        assert repr(index.people(batch)) == repr(found.people(batch))
        assert batch is None or repr(index.units(batch)) == repr(found.units(batch))


@pytest.mark.parametrize("changed", ["manifest", "participants", "batches", "config", "index"])
def test_an_index_of_something_else_is_not_read(cohort, changed):
    planned(cohort.config)
    completed = configuration.validate(cohort.config)
    assert planned_cohort.read_index(completed)
    if changed == "config":
        completed["batch_size"] = 3
    elif changed == "index":
        (cohort.folder / planned_cohort.INDEX).write_bytes(b"PK")
    else:
        path = cohort.folder / {"batches": "results/batches.tsv"}.get(changed, f"{changed}.tsv")
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert planned_cohort.read_index(completed) is None


def jobs_of(config, mode, **dag):
    """Parameters and inputs, as text, of the jobs that a Snakemake of this mode sees."""
    with contextlib.redirect_stderr(io.StringIO()), SnakemakeApi(OutputSettings(dryrun=True)) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=[config]),
            storage_settings=StorageSettings(),
            workflow_settings=WorkflowSettings(exec_mode=mode),
            snakefile=plan.SNAKEFILE,
            workdir=config.parent,
        )
        workflow.dag(DAGSettings(**dag)).execute_workflow(executor="dryrun")
        return {
            (job.rule.name, *sorted(job.wildcards_dict.items())): (
                {name: repr(value) for name, value in job.params.items()},
                sorted(job.input),
            )
            for job in workflow._workflow.dag.jobs
        }


@pytest.mark.slow
def test_a_job_sees_what_was_planned_and_reads_no_table(cohort, monkeypatch):
    config = cohort.folder / "config.yaml"
    config.write_text(yaml.safe_dump(cohort.config), encoding="utf-8")
    everything = jobs_of(config, ExecMode.DEFAULT, forceall=True)
    planned(cohort.config)

    def refuse(*_):
        raise AssertionError("a job reads the tables of the cohort")

    for name in ("read_manifest", "read_participants", "read_nodes"):
        monkeypatch.setattr(tables, name, refuse)
    for wanted in JOBS:
        rule = wanted.partition(":")[0]
        jobs = parse_target_jobs_cli_args([wanted])
        seen = jobs_of(config, ExecMode.SUBPROCESS, target_jobs=jobs, allowed_rules={rule}, forcetargets=True)
        ((name, job),) = seen.items()
        assert job == everything[name], wanted
