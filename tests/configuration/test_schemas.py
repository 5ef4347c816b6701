"""The schema in files: all of them are used, and completed settings keep the order of their keys."""

import hashlib
import json
import re

import pytest
import yaml
from cohorts import TinyCohort

from workflow_scripts.configuration import configuration, fit_settings, schemas
from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES

# Snakemake compares settings as text: if these change, users' finished results are computed again. Only a new
# key is a good reason.
DIGESTS = {"config": "e2c3e492267a62f9", "fit": "231fe372d6c3563c", "group": "1524598781d1b2ae"}


@pytest.fixture
def completed(tmp_path):
    """A configuration with every section, completed."""
    config = TinyCohort(tmp_path).config
    config |= {**SYNTHETIC_TABLES, "synthetic": {}, "maps": {"path": "maps.tsv"}, "brain": {"surfaces": None}}
    config["fits"]["two"] = {
        "protocol": "pfic2024-search",
        "free": {"G": [0.5, 5.0], "w_p": {"bounds": [0.2, 2.0], "maps": ["myelin"]}},
        "start": {"from": "group"},
        "retest": {},
    }
    config["statistics"] = {"models": {"one": {"formula": "group"}}}
    return configuration.validate(config)


def skeleton(value):
    """Keys of a mapping in their order, at every level, without values."""
    return {key: skeleton(entry) for key, entry in value.items()} if isinstance(value, dict) else None


def digest(value):
    return hashlib.sha256(json.dumps(skeleton(value)).encode()).hexdigest()[:16]


def test_keys_of_completed_settings_keep_their_order(completed):
    found = {"config": digest({**completed, "fits": None})}
    fit = fit_settings.resolve_fit(completed, "two")
    found |= {"fit": digest(fit), "group": digest(fit["start"])}
    assert found == DIGESTS


def test_every_file_of_the_schema_has_its_place(repository):
    folder = repository / "config" / "schema"
    paths = [folder / "config.schema.yaml", *(folder / "config").glob("*.yaml")]
    named = {
        (path.parent / name).resolve()
        for path in paths
        for name in re.findall(r"\$ref: ([\w/.]+)", path.read_text(encoding="utf-8"))
    }
    assert named == set(paths[1:]) and len(named) > 20
    assert all(path.read_text(encoding="utf-8").count("\n") <= 140 for path in paths)
    assert "$ref" not in json.dumps(schemas.schema("config"))


def test_what_stands_beside_a_reference_wins():
    fit = schemas.fit_schema()["properties"]
    search, group = fit["optimizer"], fit["start"]["properties"]["optimizer"]
    assert group["properties"] is search["properties"] and group["description"] != search["description"]


def test_every_configuration_of_the_repository_is_valid(repository):
    paths = [repository / "config" / "config.yaml", *(repository / "config" / "examples").glob("*.yaml")]
    assert len(paths) > 1
    for path in paths:
        config = configuration.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for name in config["fits"]:
            assert fit_settings.resolve_fit(config, name)["simulation"]["duration"] > 0
