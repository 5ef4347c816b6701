"""What a newcomer runs into between the first table and the first fit: the message says what to do."""

import logging
from pathlib import Path

import numpy as np
import pytest
import yaml
from cohorts import TinyCohort
from matplotlib.lines import Line2D
from scipy.io import savemat

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.cohort import sessions, tables
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration import configuration, fit_settings, schemas, simulation
from workflow_scripts.configuration.parameters import beyond_bounds
from workflow_scripts.planning import plan
from workflow_scripts.preparation.prepare_connectome import prepare_person
from workflow_scripts.preparation.quality_control import tell_who_is_in
from workflow_scripts.report.figures import style

PROTOCOL = schemas.protocols()["quick"]["simulation"]


@pytest.fixture
def scan(tmp_path):
    """A scan of 5 nodes by 12 volumes whose names stand in another file, as a row of the manifest."""
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\ne\n", encoding="utf-8")
    savemat(tmp_path / "scan.mat", {"ts": np.arange(60.0).reshape(5, 12)})
    row = dict.fromkeys(schemas.schema("manifest")["properties"])
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
        configuration.validate(cohort.config)
    cohort.config["fits"]["two"] = {**fit, "simulation": {"duration": 200.0}}
    configuration.validate(cohort.config)
    cohort.config["fits"] = {"one": {**fit, "simulation": {"duration": 200.0}}}
    configuration.validate(cohort.config)


def test_a_default_that_was_written_beside_a_protocol_is_remarked_on(tmp_path):
    cohort = TinyCohort(tmp_path)
    fit = {**cohort.config["fits"]["homogeneous"], "protocol": "quick", "simulation": {}}
    cohort.config |= {"simulation": {"duration": "match"}, "fits": {"one": fit}}
    completed = configuration.validate(cohort.config)
    [note] = simulation.remark_defaults(completed, {"duration": "match"})
    assert note.startswith("simulation.duration: 'match' has no effect")
    assert simulation.remark_defaults(completed, {}) == []


def test_entries_in_another_order_are_the_same_settings(tmp_path):
    config = TinyCohort(tmp_path).config
    turned = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in config.items()
    }
    turned["node_policy"] = {"isolated": "keep", "largest_missing": 0.05}
    assert str(configuration.validate(dict(reversed(turned.items())))) == str(configuration.validate(config))


def test_columns_in_another_order_are_the_same_rows(tmp_path):
    TinyCohort(tmp_path)
    path = tmp_path / "manifest.tsv"
    rows = str(tables.read_manifest(path))
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    empty = {place for place, cells in enumerate(zip(*lines, strict=True)) if set(cells[1:]) == {"n/a"}}
    turned = [[cell for place, cell in enumerate(line) if place not in empty][::-1] for line in lines]
    path.write_text("\n".join(map("\t".join, turned)) + "\n", encoding="utf-8")
    assert empty and str(tables.read_manifest(path)) == rows


def test_a_plan_asks_snakemake_about_the_settings_as_they_stand(tmp_path, monkeypatch):
    config = configuration.validate(TinyCohort(tmp_path).config)
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
        tell_who_is_in(
            [Unit("a", name="a"), Unit("b", name="b")], [Archive(a=ok, b=lost), Archive(a=ok, b=lost)], logger
        )
    assert caplog.messages == ["b cannot be fitted: no scan; add one", "1 of 2 units can be fitted"]


def test_parameters_beyond_what_the_model_is_meant_for_are_named(tmp_path):
    config = TinyCohort(tmp_path).config
    fit = config["fits"]["homogeneous"]
    assert beyond_bounds(fit_settings.resolve_fit(configuration.validate(config), "homogeneous")) == []
    fit["free"] = {"G": [-1.0, 5.0], "w_p": {"bounds": [0.0, 2.0], "groups": "node"}}
    fit["fixed"] = {"sigma": 0.5, "J_N": {"column": "J_N"}}
    config["maps"] = {"path": "maps.tsv"}
    found = beyond_bounds(fit_settings.resolve_fit(configuration.validate(config), "homogeneous"))
    assert [text.partition(",")[0] for text in found] == ["G of rWW is -1 to 5", "sigma of rWW is 0.5 to 0.5"]
    assert "beyond 0 to 10, within which the model is meant to be used" in found[0]


def test_a_value_that_is_refused_is_explained(tmp_path):
    config = TinyCohort(tmp_path).config
    config["simulation"]["duration"] = "90 s"
    config["fits"]["my fit/1"] = config["fits"].pop("homogeneous")
    wanted = r"'90 s' is neither match nor a finite number, above 0, at most 86400 \(Simulated time in s"
    with pytest.raises(InputError, match=wanted) as caught:
        configuration.validate(config)
    assert "letters, digits and hyphens" in str(caught.value)


def test_sessions_are_no_people_in_a_plan():
    assert (
        plan.count_jobs({"001": ["sub-1_ses-a", "sub-1_ses-b"], "002": ["sub-2_ses-a"]})
        == "people: 2, sessions: 3"
    )
    assert plan.count_jobs({"001": ["sub-1", "sub-2"]}) == "people: 2"


def test_long_names_in_a_legend_take_more_lines():
    for name, columns in (("a", 6), ("sub-01_ses-01", 2), ("n" * 200, 1)):
        figure = style.new_figure(4.3, 4.0)
        style.legend_below(figure, [Line2D([], [], label=name)] * 8)
        assert figure.legends[0]._ncols == columns
