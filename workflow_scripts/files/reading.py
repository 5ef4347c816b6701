"""Files of the project and of users, read."""

from functools import cache
from pathlib import Path

import yaml

CONFIG_FOLDER = Path(__file__).resolve().parents[2] / "config"


@cache
def read_yaml(path):
    """Read a YAML file once per process.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        Shared between callers: copy before changing it.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, loader)
