"""What a start reads of earlier runs: damaged, it is named with the remedy, made again, or of no account."""

import json
import zipfile

import numpy as np
import pytest
from damages import DAMAGES

from cubnm_core import STAGE_VERSIONS
from cubnm_core.errors import InputError
from workflow_scripts.cohort import batches, last_run, planned_cohort, tables
from workflow_scripts.files import job
from workflow_scripts.fitting import claims

CUTS = [b"", b"{", b"\0" * 200, b"[1, 2", b"\xff\xfe{}", b"null\0"]


@pytest.fixture
def provenance(tmp_path):
    path = tmp_path / "provenance.json"
    job.write_json(
        path, {"software": {"stage_versions": STAGE_VERSIONS}, "config": {"holdout_resolved": "run"}}
    )
    assert last_run.had_settings({}, "run", path)
    return path


@pytest.mark.parametrize(
    "content", [*CUTS, b"[]", b'{"software": 3}', b'{"software": {"stage_versions": 1}}']
)
def test_a_damaged_provenance_stops_no_start(provenance, content, caplog):
    provenance.write_bytes(content)
    assert not last_run.had_settings({}, "run", provenance)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_provenance_never_ends_in_an_error_of_a_library(provenance, damage):
    draw, content = np.random.default_rng(1), provenance.read_bytes()
    for _ in range(40):
        provenance.write_bytes(damage(content, draw))
        last_run.had_settings({}, "run", provenance)


@pytest.mark.parametrize("content", [*CUTS, b"[]", b"{}"])
def test_damaged_decisions_on_nodes_are_named(tmp_path, content):
    path = tmp_path / "common_nodes.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"common_nodes\.json: .*remove it and start again"):
        tables.node_set(path)


@pytest.mark.parametrize("content", [
    b"", b"unit\tbatch\n", b"\0" * 90, b"\xff" * 9,
    b"unit\tbatch\trepetition_times\tbatch_size\nsub-01\t001\t0.8\t8\nsub-02\t00",
    b"unit\tbatch\trepetition_times\tbatch_size\nsub-01\tx\t0.8\t8\n",
    b"unit\tbatch\trepetition_times\tbatch_size\nsub-01\t001\t0.8\t0\n",
    b"unit\tbatch\trepetition_times\tbatch_size\nsub-01\t001\t0.8\t8\nsub-01\t001\t0.8\t8\n",
    b"unit\tbatch\trepetition_times\tbatch_size\n\t001\t0.8\t8\n",
])  # fmt: skip
def test_a_damaged_table_of_batches_is_named(tmp_path, content):
    path = tmp_path / "batches.tsv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"batches\.tsv: not the table of batches .*; delete it"):
        batches.read(path)


@pytest.mark.parametrize("content", CUTS)
def test_damaged_settings_that_jobs_share_end_no_fit(tmp_path, content):
    claims.write(tmp_path, {"a": {}})
    assert claims.read(tmp_path) == {"a": {}}
    (tmp_path / claims.FOLDER / claims.SETTINGS).write_bytes(content)
    assert claims.read(tmp_path) == {}


def test_a_damaged_index_of_the_cohort_is_made_again_or_named(tmp_path):
    path, draw = tmp_path / ".cohort.zip", np.random.default_rng(4)
    config = {"synthetic": {}}
    summary = {"digest": planned_cohort.digest(config), "holdout": "run", "batch_size": 8}
    people = {"batches": {"001": ["sub-01"]}, "people": [], "folds": {}, "repetition_time": 0.8}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in (("summary.json", summary), ("people.json", people), ("batch-001.json", {})):
            file.writestr(name, json.dumps(part))
    content = path.read_bytes()
    outcomes = set()
    for number in range(300):
        path.write_bytes(DAMAGES[number % len(DAMAGES)](content, draw))
        found = planned_cohort.read_index(config, path)
        if found is None:
            outcomes.add("made again")
            continue
        try:
            assert found.batches == people["batches"] and found.units("001") == {}
            outcomes.add("whole")
        except InputError as error:
            assert str(path) in str(error) and "remove it and start again" in str(error)
            outcomes.add("named")
    assert outcomes == {"made again", "whole", "named"}
