"""Section ``synthetic``: a cohort that the workflow makes itself, and where its tables lie."""

from workflow_scripts.configuration.simulation import check_steps

SYNTHETIC_FOLDER = "results/synthetic"
SYNTHETIC_TABLES = {
    name: f"{SYNTHETIC_FOLDER}/{name}.tsv" for name in ("manifest", "participants", "nodes", "truth")
}


def check(config):
    """List contradictions between a synthetic cohort and the tables named in a completed configuration."""
    if config["synthetic"] is None:
        return []
    stated = config["synthetic"]
    return check_steps(stated["scan_duration"], stated["dt"], "synthetic.scan_duration") + [
        f"{name}: {config[name]!r}, but a synthetic cohort has its table in {path!r}; write that"
        for name, path in SYNTHETIC_TABLES.items()
        if config[name] != path
    ]
