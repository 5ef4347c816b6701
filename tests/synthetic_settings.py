"""Settings of a synthetic cohort of seconds."""

from workflow_scripts.configuration.configuration import validate
from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES

SETTINGS = {"participants": 4, "nodes": 8, "scan_duration": 40.0, "dt": 1.0e-3, "seed": 3}


def completed(**changes):
    """Settings of a synthetic cohort with all defaults."""
    fits = {"one": {"free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]}}}
    config = {
        **SYNTHETIC_TABLES,
        "synthetic": {**SETTINGS, **changes},
        "bold": {"hemodynamics": "cubnm-3T"},
        "fits": fits,
    }
    return validate({**config, "simulation": {"duration": 100.0}})["synthetic"]
