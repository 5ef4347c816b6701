"""The smallest settings that are right, to be spoilt by tests."""

import pytest

from cubnm_core.errors import InputError
from workflow_scripts.configuration import configuration

BASE = {
    "manifest": "manifest.tsv",
    "nodes": "nodes.tsv",
    "bold": {"hemodynamics": "friston-3T"},
    "simulation": {"duration": 300.0},
    "fits": {"one": {"free": {"G": [0.1, 5.0], "w_p": [0.2, 2.0]}}},
}


def refusal(config):
    """Give the message with which settings are refused."""
    with pytest.raises(InputError) as caught:
        configuration.validate(config)
    return str(caught.value)
