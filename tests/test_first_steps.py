"""What a newcomer runs into between the first table and the first fit: the message says what to do."""

import logging
from pathlib import Path

import numpy as np
import pytest
import yaml
from cohorts import TinyCohort
from scipy.io import savemat

from cubnm_core.errors import InputError
from workflow_scripts import plan, readers, sessions, settings
from workflow_scripts.prepare_connectome import prepare_person
from workflow_scripts.quality_control import tell_who_is_in

PROTOCOL = settings.protocols()["quick"]["simulation"]


@pytest.fixture
def scan(tmp_path):
    """A scan of 5 nodes by 12 volumes whose names stand in another file, as a row of the manifest."""
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\ne\n", encoding="utf-8")
    savemat(tmp_path / "scan.mat", {"ts": np.arange(60.0).reshape(5, 12)})
    row = dict.fromkeys(settings.schema("manifest")["properties"])
    row |= {"kind": "bold", "format": "mat", "variable": "ts"}
    return lambda **entries: {
        **row,
        "path": str(tmp_path / "scan.mat"),
        "labels_file": str(tmp_path / "labels.txt"),
        **entries,
    }


def test_names_of_nodes_tell_which_way_round_a_scan_lies(scan):
    assert readers.read(scan()).orientation == "NxT"
    with pytest.raises(InputError, match=r"they fit the other direction than TxN: correct .* orientation"):
        readers.read(scan(orientation="TxN"))
    savemat(scan()["path"], {"ts": np.eye(5)})
    assert readers.read(scan()).orientation is None


def test_one_connectome_of_a_person_needs_no_dates(tmp_path):
    own = {"01": [{"kind": "sc"}], "02": [{"kind": "length"}]}
    scanned = {"1": ["01", "02"]}
    for name in sessions.ORDERED:
        rule = sessions.SessionRule(name)
        assert sessions.problems({"1": own}, scanned, rule, "table") == []
        assert rule.choose("1", "02", own) == own["01"]
    assert sessions.problems({"1": {**own, "02": [{"kind": "sc"}]}}, scanned, rule, "table")


@pytest.mark.parametrize(("rule", "words"), [("same", "another session"), ("mean", "add one")])
def test_a_session_without_connectome_is_told_of_the_other_sessions(rule, words):
    options = {"source": "individual", "session": rule}
    (reason,) = prepare_person({}, [], [], options)[1]["reasons"]
    assert reason.startswith("the manifest has no row of kind sc for this person") and words in reason


def test_settings_that_every_protocol_overrides_are_no_secret(tmp_path):
    cohort = TinyCohort(tmp_path)
    fit = {**cohort.config["fits"]["homogeneous"], "protocol": "quick", "simulation": {}}
    cohort.config["simulation"] = {"duration": 300.0}
    cohort.config["fits"] = {"one": fit}
    with pytest.raises(InputError, match=rf"duration: 300.0 has no effect.*{PROTOCOL['duration']} in one"):
        settings.validate(cohort.config)
    cohort.config["fits"]["two"] = {**fit, "simulation": {"duration": 200.0}}
    settings.validate(cohort.config)
    cohort.config["fits"] = {"one": {**fit, "simulation": {"duration": 200.0}}}
    settings.validate(cohort.config)


def test_entries_in_another_order_are_the_same_settings(tmp_path):
    config = TinyCohort(tmp_path).config
    turned = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in config.items()
    }
    turned["node_policy"] = {"isolated": "keep", "largest_missing": 0.05}
    assert str(settings.validate(dict(reversed(turned.items())))) == str(settings.validate(config))


def test_a_plan_asks_snakemake_about_the_settings_as_they_stand(tmp_path, monkeypatch):
    config = settings.validate(TinyCohort(tmp_path).config)
    seen = []

    class Done:
        returncode, stdout, stderr = 0, "", ""

    def run(command, **_):
        seen.append(yaml.safe_load(Path(command[-1]).read_text(encoding="utf-8")))
        return Done

    monkeypatch.setattr(plan.subprocess, "run", run)
    plan.planned_jobs(config)
    assert str(seen[0]) == str(config)


def test_preparation_ends_with_who_can_be_fitted(caplog):
    class Archive:
        def __init__(self, **records):
            self.records = records

    ok, lost = {"status": "ok", "reasons": []}, {"status": "excluded", "reasons": ["no scan; add one"]}
    logger = logging.getLogger("who is in")
    with caplog.at_level("INFO"):
        tell_who_is_in([{"unit": "a"}, {"unit": "b"}], [Archive(a=ok, b=lost), Archive(a=ok, b=lost)], logger)
    assert caplog.messages == ["b cannot be fitted: no scan; add one", "1 of 2 can be fitted"]
