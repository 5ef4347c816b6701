"""Section ``synthetic``: a cohort that the workflow makes itself, and where its tables lie."""

SYNTHETIC_FOLDER = "results/synthetic"
SYNTHETIC_TABLES = {
    name: f"{SYNTHETIC_FOLDER}/{name}.tsv" for name in ("manifest", "participants", "nodes", "truth")
}


def check(config):
    """List contradictions between a synthetic cohort and the tables named in a completed configuration."""
    if config["synthetic"] is None:
        return []
    return [
        f"{name}: {config[name]!r}, but a synthetic cohort has its table in {path!r}; write that"
        for name, path in SYNTHETIC_TABLES.items()
        if config[name] != path
    ]
